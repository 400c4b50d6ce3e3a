"""One short line for people out of whatever a server sent with an error."""

import html
import re

import msgspec

MAX_LINE = 200

_INVISIBLE = re.compile(r"(?is)<!--.*?-->|<(script|style|head)\b.*?</\1\s*>")
_TITLE = re.compile(r"(?is)<title[^>]*>(.*?)</title\s*>")
_TAG = re.compile(r"(?s)<[a-zA-Z/!?][^>]*>?")


def error_in(data: bytes) -> str:
    """The message within an error body, in one line of at most `MAX_LINE` characters.

    JSON: `error.message`, `error`, `message` or `detail` (FastAPI's may be a list of objects with
    `msg`). HTML: the text of the page without tags, or its title. Else the text itself. Empty
    where the body holds none.
    """
    try:
        found: object = msgspec.json.decode(data)
    except ValueError:
        return one_line(_without_tags(data.decode("utf-8", "replace")))
    return one_line(_message(found))


def one_line(text: str) -> str:
    """`text` with blanks and control characters made one space, cut at `MAX_LINE`."""
    line = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return line if len(line) <= MAX_LINE else line[: MAX_LINE - 1] + "…"


def _message(found: object) -> str:
    if isinstance(found, str):
        return _without_tags(found)
    if isinstance(found, list):
        return "; ".join(filter(None, (_message(item) for item in found)))
    if isinstance(found, dict):
        for key in ("error", "message", "detail", "msg", "title"):
            text = _message(found.get(key))
            if text:
                return text
        return msgspec.json.encode(found).decode() if found else ""
    return ""


def _without_tags(text: str) -> str:
    if not _TAG.search(text):
        return text
    visible = html.unescape(_TAG.sub(" ", _INVISIBLE.sub(" ", text))).strip()
    if visible:
        return visible
    title = _TITLE.search(text)
    return html.unescape(title[1]) if title else ""
