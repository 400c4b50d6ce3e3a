"""Public sets of conversations: ShareGPT and OASST1. Of each, what its user said is asked."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from loadproof.tasks.language import language_of
from loadproof.tasks.public_sets.found import Found
from loadproof.tasks.rows import Row

_USERS = ("human", "user")
_LANGUAGES = ("en", "zh")


def sharegpt(rows: Iterable[Row], _: Path) -> Iterator[Found]:
    """ShareGPT: `id` and `conversations` of turns with `from` ("human" or "gpt") and `value`.

    Conversations without anything that a person said are left out.
    """
    for row in rows:
        turns = row.fields.get("conversations")
        if not isinstance(turns, list):
            expected = 'a list of turns with "from" and "value"'
            raise row.problem("conversations", turns, expected)
        said = [
            str(turn.get("value") or "").strip()
            for turn in turns
            if isinstance(turn, dict) and turn.get("from") in _USERS
        ]
        said = [text for text in said if text]
        if said:
            yield _talk(row.optional("id"), said, language_of(said[0]))


def oasst1(rows: Iterable[Row], _: Path) -> Iterator[Found]:
    """OASST1 (Köpf et al. 2023): a tree a line with its `prompt`, or a message a line.

    Of each tree in English or Chinese one conversation is taken: at each fork the reply that was
    ranked best.
    """
    messages: list[Row] = []
    for row in rows:
        tree = row.fields.get("prompt")
        if isinstance(tree, dict):
            yield from _of_tree(row, tree)
        else:
            row.text("message_id")
            row.text("text")
            row.text("role")
            messages.append(row)
    for row, tree in _trees(messages):
        yield from _of_tree(row, tree)


def _of_tree(row: Row, tree: dict[str, Any]) -> Iterator[Found]:
    language = tree.get("lang")
    if language not in _LANGUAGES:
        return
    said: list[str] = []
    message: dict[str, Any] | None = tree
    while message is not None:
        text = message.get("text")
        if not isinstance(text, str):
            raise row.problem("text", text, "some text in each message")
        if message.get("role") == "prompter":
            said.append(text.strip())
        message = _best(message.get("replies") or ())
    yield _talk(str(tree.get("message_id")), said, language)


def _best(replies: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """The reply that was ranked best (0), the first of those without a rank."""
    return min(
        replies, key=lambda reply: (reply.get("rank") is None, reply.get("rank") or 0), default=None
    )


def _trees(messages: Iterable[Row]) -> Iterator[tuple[Row, dict[str, Any]]]:
    """Flat messages as trees, by `parent_id`."""
    replies: dict[str, list[dict[str, Any]]] = {}
    roots: list[Row] = []
    for row in messages:
        parent = row.optional("parent_id")
        row.fields["replies"] = replies.setdefault(row.text("message_id"), [])
        if parent is None:
            roots.append(row)
        else:
            replies.setdefault(parent, []).append(row.fields)
    for row in roots:
        yield row, row.fields


def _talk(id_: str | None, said: list[str], language: Any) -> Found:
    return Found(
        id=id_,
        language=language,
        question=said[0],
        options=None,
        answer="",
        follow_ups=tuple(said[1:]),
    )
