"""HTTP/1.1 requests out of a byte stream; pure, without a socket."""

from dataclasses import dataclass
from http import HTTPStatus

_MAX_HEAD_BYTES = 64 * 1024
_MAX_BODY_BYTES = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are in lower case; `path` is without the query."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes
    keep_alive: bool


class BadRequestError(ValueError):
    """Bytes that are no request that this server reads; the connection cannot go on."""

    def __init__(self, status: HTTPStatus) -> None:
        super().__init__(status.phrase)
        self.status = status


class RequestParser:
    """Takes bytes as they arrive and gives the requests that are complete."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._head: tuple[str, str, dict[str, str], bool, int] | None = None
        self.continue_expected = False
        """Whether the client waits for "100 Continue" before it sends the body."""

    def feed(self, data: bytes) -> None:
        """Adds what has arrived."""
        self._buffer += data

    def next(self) -> Request | None:
        """The next complete request, or None until more arrives. Raises BadRequestError."""
        if self._head is None:
            end = self._buffer.find(b"\r\n\r\n")
            if end < 0:
                if len(self._buffer) > _MAX_HEAD_BYTES:
                    raise BadRequestError(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
                return None
            self._head = _head(bytes(self._buffer[:end]))
            del self._buffer[: end + 4]
            self.continue_expected = self._head[2].get("expect", "").lower() == "100-continue"
        method, path, headers, keep_alive, length = self._head
        if len(self._buffer) < length:
            return None
        body = bytes(self._buffer[:length])
        del self._buffer[:length]
        self._head = None
        self.continue_expected = False
        return Request(method, path, headers, body, keep_alive)


def _head(head: bytes) -> tuple[str, str, dict[str, str], bool, int]:
    """Method, path, headers, whether the connection is kept, and the body's length."""
    lines = head.decode("latin-1").split("\r\n")
    parts = lines[0].split(" ")
    if len(parts) != 3 or not parts[2].startswith("HTTP/1."):
        raise BadRequestError(HTTPStatus.BAD_REQUEST)
    headers: dict[str, str] = {}
    for line in lines[1:]:
        name, colon, value = line.partition(":")
        if not colon or not name or name != name.strip():
            raise BadRequestError(HTTPStatus.BAD_REQUEST)
        headers[name.lower()] = value.strip()
    if "transfer-encoding" in headers:
        raise BadRequestError(HTTPStatus.LENGTH_REQUIRED)
    length = headers.get("content-length", "0")
    if not (length.isascii() and length.isdecimal()):
        raise BadRequestError(HTTPStatus.BAD_REQUEST)
    if int(length) > _MAX_BODY_BYTES:
        raise BadRequestError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    connection = headers.get("connection", "").lower()
    keep_alive = connection == "keep-alive" if parts[2] == "HTTP/1.0" else connection != "close"
    return parts[0], parts[1].partition("?")[0], headers, keep_alive, int(length)
