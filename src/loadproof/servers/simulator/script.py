"""An answer as the engine emits it: token by token, with the delta of each event."""

from dataclasses import dataclass

from loadproof.model.server import Simulator
from loadproof.servers.simulator import wire
from loadproof.servers.simulator.answers import Said
from loadproof.servers.simulator.chat_request import ChatRequest
from loadproof.servers.simulator.pieces import END_OF_THINKING, split

CONTENT = "content"
_SWALLOWED = ""
"""Field of a token that a reasoning parser keeps to itself: it counts, and has no event."""


@dataclass(frozen=True, slots=True)
class Script:
    """What comes out: `tokens` are (delta field, text), the end-of-sequence token among them with
    an empty text; `reasoning_tokens` is None where no reasoning parser is at work."""

    tokens: list[tuple[str, str]]
    reasoning_tokens: int | None
    finish: wire.Finish
    stop_reason: str | None = None

    def deltas(self) -> list[bytes]:
        """Each token's delta as JSON; empty bytes for a token without an event."""
        return [wire.delta(field, text) if field else b"" for field, text in self.tokens]

    def message(self) -> dict[str, str | None]:
        """The whole answer's text by field."""
        texts: dict[str, str] = {}
        for field, text in self.tokens:
            if field:
                texts[field] = texts.get(field, "") + text
        return {field: text or None for field, text in texts.items()}


def script(said: Said, asked: ChatRequest, settings: Simulator) -> Script:
    """The tokens of the answer `said` to the request `asked`: cut at its stop strings and its
    longest length, gone on with up to that length where it ignores the end of sequence."""
    tokens, reasoning = _tokens(said, settings)
    cut = _cut_at_stop(tokens, asked.stop)
    if cut is not None and len(cut[0]) <= asked.max_tokens:
        return Script(cut[0], _within(reasoning, len(cut[0])), "stop", cut[1])
    if asked.ignore_eos:
        again = [token for token in tokens if token[0] == CONTENT]
        while len(tokens) < asked.max_tokens:
            tokens += again[: asked.max_tokens - len(tokens)]
    else:
        tokens.append((CONTENT, ""))
    ended = len(tokens) <= asked.max_tokens and not asked.ignore_eos
    tokens = tokens[: asked.max_tokens]
    return Script(tokens, _within(reasoning, len(tokens)), "stop" if ended else "length")


def _tokens(said: Said, settings: Simulator) -> tuple[list[tuple[str, str]], int | None]:
    """The tokens before any cut, and how many of them are thinking, where that is told apart."""
    if said.thinking is None:
        return [(CONTENT, piece) for piece in split(said.text)], None
    if settings.reasoning_field == "none":
        # The distilled models' template has opened <think> already: the text has its end alone.
        whole = f"{said.thinking}\n{END_OF_THINKING}\n\n{said.text}"
        return [(CONTENT, piece) for piece in split(whole)], None
    thoughts = split(f"{said.thinking}\n")
    return (
        [(settings.reasoning_field, piece) for piece in thoughts]
        + [(_SWALLOWED, END_OF_THINKING)]
        + [(CONTENT, piece) for piece in split(f"\n\n{said.text}")],
        len(thoughts),
    )


def _within(reasoning: int | None, length: int) -> int | None:
    return None if reasoning is None else min(reasoning, length)


def _cut_at_stop(
    tokens: list[tuple[str, str]], stops: tuple[str, ...]
) -> tuple[list[tuple[str, str]], str] | None:
    """The tokens up to the one that completes the first stop string, without the string's own
    text, and the string; None where there is none."""
    text = "".join(piece for _, piece in tokens)
    found = [(text.find(stop), stop) for stop in stops]
    begins = [(at, stop) for at, stop in found if at >= 0]
    if not begins:
        return None
    begin, stop = min(begins, key=lambda item: item[0] + len(item[1]))
    kept: list[tuple[str, str]] = []
    position = 0
    for field, piece in tokens:
        kept.append((field, piece[: max(0, begin - position)]))
        position += len(piece)
        if position >= begin + len(stop):
            break
    return kept, stop
