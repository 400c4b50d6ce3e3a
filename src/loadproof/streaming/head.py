"""The head of an HTTP/1.1 response: status line and header fields."""

from dataclasses import dataclass
from functools import lru_cache

MAX_HEAD_BYTES = 65_536


class MalformedError(ValueError):
    """The bytes are no HTTP/1.1 response, or none that can be read. The message is for people."""


@dataclass(frozen=True, slots=True)
class Head:
    """Status and header fields (names in lower case; repeated ones joined by ", ")."""

    http_minor: int
    status: int
    reason: str
    fields: dict[str, str]

    @property
    def media_type(self) -> str:
        """Content type without its parameters, in lower case; empty where there is none."""
        return self.fields.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def keeps_alive(self) -> bool:
        """Whether the server means to answer a further request on this connection."""
        options = {word.strip().lower() for word in self.fields.get("connection", "").split(",")}
        return "close" not in options if self.http_minor >= 1 else "keep-alive" in options


class HeadReader:
    """Collects bytes until a head is whole. Interim answers (1xx) are read and left out."""

    __slots__ = ("_buffer",)

    def __init__(self) -> None:
        self._buffer = b""

    def feed(self, data: bytes) -> tuple[Head, bytes] | None:
        """The head and the bytes after it, or None while it is cut. Raises MalformedError."""
        buffer = self._buffer + data
        while True:
            _check_begins_like_http(buffer)
            end = _end_of_head(buffer)
            if max(end, 0) > MAX_HEAD_BYTES or (end < 0 and len(buffer) > MAX_HEAD_BYTES):
                raise MalformedError(f"a response head of more than {MAX_HEAD_BYTES} bytes")
            if end < 0:
                self._buffer = buffer
                return None
            head = parse_head(buffer[:end])
            buffer = buffer[end:]
            if head.status >= 200:
                self._buffer = b""
                return head, buffer
            if head.status == 101:
                raise MalformedError("the server switched to another protocol (status 101)")

    @property
    def has_begun(self) -> bool:
        """Whether part of a head has arrived."""
        return bool(self._buffer)


@lru_cache(maxsize=64)
def parse_head(block: bytes) -> Head:
    """The head in `block`, which ends with its empty line. Raises MalformedError.

    Lines may end in a bare line feed (RFC 9112, 2.2), and folded fields are unfolded (5.2).
    """
    lines = block.decode("latin-1").replace("\r\n", "\n").rstrip("\n").split("\n")
    minor, status, reason = _status_line(lines[0])
    fields: dict[str, str] = {}
    name = ""
    for line in lines[1:]:
        if line[:1] in (" ", "\t") and name:
            fields[name] = f"{fields[name]} {line.strip()}"
            continue
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise MalformedError(f"a header line without a name: {line[:60]!r}")
        name = name.lower()
        value = value.strip(" \t")
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    return Head(minor, status, reason, fields)


def _end_of_head(buffer: bytes) -> int:
    """The index after the empty line, -1 where there is none yet."""
    ends = [
        at + len(mark)
        for mark in (b"\r\n\r\n", b"\n\n", b"\n\r\n")
        if (at := buffer.find(mark)) >= 0
    ]
    return min(ends, default=-1)


def _check_begins_like_http(buffer: bytes) -> None:
    if not b"HTTP/1.".startswith(buffer[:7]) and not buffer.startswith(b"HTTP/1."):
        raise MalformedError(f"no HTTP/1.1 response: it begins with {buffer[:24]!r}")


def _status_line(line: str) -> tuple[int, int, str]:
    version, _, rest = line.partition(" ")
    code, _, reason = rest.strip().partition(" ")
    known = version in ("HTTP/1.0", "HTTP/1.1")
    if not known or len(code) != 3 or not (code.isascii() and code.isdigit()) or code < "100":
        raise MalformedError(f"no HTTP/1.1 status line: {line[:60]!r}")
    return int(version[-1]), int(code), reason.strip()
