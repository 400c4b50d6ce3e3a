r"""Finding what stands in the \boxed{} and \fbox{} of an answer."""

import re

_TOKEN = re.compile(r"\\(?:boxed|fbox)\s*\{|\\.|[{}]", re.DOTALL)
_SPACE = re.compile(r"\\(?:quad|qquad|[ ,;:!])|[\s~$]")
_WRAPPER = re.compile(r"\\(?:text|mathrm|mathbf|textbf|mbox)\s*\{\s*\}")
_PLACEHOLDER = re.compile(r"(?:\.{2,}|…+|\\[lc]?dots)?")


def last_box(text: str) -> str | None:
    r"""What stands in the last well-formed, non-empty box of `text`, or None.

    Well-formed: its braces are balanced; \{ and \} are text. Empty: nothing but blanks, empty
    \text{} or dots, such as a repetition of the request for a box. Takes one pass, so that no
    number of unclosed boxes makes it slow. Never raises.
    """
    opened: list[int | None] = []
    last_start, last = -1, None
    for match in _TOKEN.finditer(text):
        token = match[0]
        if token == "}":
            start = opened.pop() if opened else None
            if start is None or start < last_start:
                continue
            content = text[start : match.start()].strip()
            if not _is_empty(content):
                last_start, last = start, content
        elif token.endswith("{") and token != r"\{":
            opened.append(match.end() if len(token) > 1 else None)
    return last


def _is_empty(content: str) -> bool:
    bare = _SPACE.sub("", content)
    return _PLACEHOLDER.fullmatch(_WRAPPER.sub("", bare)) is not None
