"""The three ways in which an HTTP/1.1 response body says where it ends, decoded incrementally."""

from functools import lru_cache
from typing import Protocol

from loadproof.streaming.head import Head, MalformedError

MAX_CHUNK_LINE_BYTES = 4_096
MAX_CHUNK_DIGITS = 15
_USUAL_LINE_BYTES = 18
_HEX = frozenset(b"0123456789abcdefABCDEF")
_CRLF = b"\r\n"


class Body(Protocol):
    """A body that is fed as it arrives.

    `ended` is True once its framing says that it is whole; `surplus` counts bytes that came after
    that; `left_bytes` says how many are still to come, where the framing tells. `at_close` says
    whether the end of the connection is a proper end of it.
    """

    ended: bool
    surplus: int

    @property
    def left_bytes(self) -> int | None: ...

    @property
    def at_close(self) -> bool: ...

    def feed(self, data: bytes) -> bytes:
        """The content within `data`. Raises MalformedError."""
        ...


def body_of(head: Head) -> Body:
    """What follows `head` in answer to a POST (RFC 9112, 6.3). Raises MalformedError."""
    coding = head.fields.get("transfer-encoding", "").strip().lower()
    encoding = head.fields.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise MalformedError(
            f"content-encoding {encoding!r}, though the request accepted none but identity"
        )
    if head.status in (204, 304):
        return LengthBody(0)
    if coding:
        if coding != "chunked":
            raise MalformedError(f"transfer-encoding {coding!r}, which is not chunked alone")
        return ChunkedBody()
    length = head.fields.get("content-length")
    if length is None:
        return CloseBody()
    values = {value.strip() for value in length.split(",")}
    value = values.pop()
    if values or not (value.isascii() and value.isdigit()) or len(value) > MAX_CHUNK_DIGITS:
        raise MalformedError(f"content-length {length[:40]!r}, which is no number")
    return LengthBody(int(value))


class LengthBody:
    """A body of a length that was told beforehand."""

    __slots__ = ("_left", "ended", "surplus")

    def __init__(self, length_bytes: int) -> None:
        self._left = length_bytes
        self.ended = length_bytes == 0
        self.surplus = 0

    @property
    def left_bytes(self) -> int | None:
        return self._left

    @property
    def at_close(self) -> bool:
        return False

    def feed(self, data: bytes) -> bytes:
        content = data[: self._left]
        self.surplus += len(data) - len(content)
        self._left -= len(content)
        self.ended = self._left == 0
        return content


class CloseBody:
    """A body that ends when the server closes the connection."""

    __slots__ = ("ended", "surplus")

    def __init__(self) -> None:
        self.ended = False
        self.surplus = 0

    @property
    def left_bytes(self) -> int | None:
        return None

    @property
    def at_close(self) -> bool:
        return True

    def feed(self, data: bytes) -> bytes:
        return data


class ChunkedBody:
    """A body in chunks (RFC 9112, 7.1). Extensions and trailer fields are read and left out."""

    __slots__ = ("_after_chunk", "_held", "_in_trailer", "_left", "ended", "surplus")

    def __init__(self) -> None:
        self._held = b""
        self._left = 0
        self._after_chunk = False
        self._in_trailer = False
        self.ended = False
        self.surplus = 0

    @property
    def left_bytes(self) -> int | None:
        return None

    @property
    def at_close(self) -> bool:
        return False

    @property
    def between_chunks(self) -> bool:
        """Whether the next byte is the first of a chunk."""
        return not (self._left or self._held or self._after_chunk or self._in_trailer or self.ended)

    def feed(self, data: bytes) -> bytes:
        """The content within `data`; a line that is cut off is held until the rest of it comes.

        Most often `data` is one whole chunk, as servers write one an event: that case goes first.
        """
        if self.ended:
            self.surplus += len(data)
            return b""
        if self._held:
            data = self._held + data
            self._held = b""
        elif not self._left and not self._after_chunk and not self._in_trailer:
            whole = _one_chunk(data)
            if whole:
                return whole
        return self._decode(data)

    def _decode(self, data: bytes) -> bytes:
        content: list[bytes] = []
        at = 0
        size = len(data)
        while at < size:
            if self._left:
                piece = data[at : at + self._left]
                content.append(piece)
                at += len(piece)
                self._left -= len(piece)
                self._after_chunk = not self._left
                continue
            if self._after_chunk:
                mark = data[at : at + 2]
                if mark != _CRLF:
                    if mark != b"\r":
                        raise MalformedError(f"a chunk that does not end where it said: {mark!r}")
                    self._held = mark
                    break
                self._after_chunk = False
                at += 2
                continue
            end = data.find(_CRLF, at)
            if end < 0:
                self._held = data[at:]
                _check_unfinished(self._held, in_trailer=self._in_trailer)
                break
            line = data[at:end]
            at = end + 2
            if not self._in_trailer:
                self._left = _chunk_size(line)
                self._in_trailer = not self._left
            elif not line:
                self.ended = True
                self.surplus += size - at
                break
        return content[0] if len(content) == 1 else b"".join(content)


def _one_chunk(data: bytes) -> bytes:
    """The content of `data` if it is exactly one chunk, else nothing."""
    end = data.find(_CRLF, 0, _USUAL_LINE_BYTES)
    if end > 0:
        length = _chunk_size(data[:end])
        if length and end + length + 4 == len(data) and data[-2:] == _CRLF:
            return data[end + 2 : -2]
    return b""


def _check_unfinished(line: bytes, *, in_trailer: bool) -> None:
    if len(line) > MAX_CHUNK_LINE_BYTES:
        raise MalformedError(f"a chunk header of more than {MAX_CHUNK_LINE_BYTES} bytes")
    digits = line.partition(b";")[0].rstrip(b" \t\r")
    if not in_trailer and not _HEX.issuperset(digits):
        raise MalformedError(f"a chunk size that is no number: {line[:20]!r}")


@lru_cache(maxsize=4096)
def _chunk_size(line: bytes) -> int:
    digits = line.partition(b";")[0].rstrip(b" \t")
    if not digits or len(digits) > MAX_CHUNK_DIGITS or not _HEX.issuperset(digits):
        raise MalformedError(f"a chunk size that is no number: {line[:20]!r}")
    return int(digits, 16)
