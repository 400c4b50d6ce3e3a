"""One client's connection: HTTP/1.1 with keep-alive on an asyncio transport."""

import asyncio
import socket
import struct
from email.utils import formatdate
from http import HTTPStatus
from typing import Protocol

from loadproof.servers.simulator.http_parser import BadRequestError, Request, RequestParser

JSON = "application/json"
_LINGER_NONE = struct.pack("ii", 1, 0)
"""SO_LINGER of zero seconds: closing sends a reset."""


class Application(Protocol):
    """What answers requests."""

    def handle(self, request: Request, connection: "Connection") -> None:
        """Answers `request` on `connection`, now or later."""

    def lost(self, connection: "Connection") -> None:
        """The client of `connection` has gone."""


class Connection(asyncio.Protocol):
    """Reads one request after the other and writes the answers, strictly in turn."""

    def __init__(self, application: Application, open_connections: "set[Connection]") -> None:
        self._application = application
        self._open_connections = open_connections
        self._parser = RequestParser()
        self._answering = False
        self._keep_alive = True
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("a stream transport is needed")
        self._transport = transport
        self._open_connections.add(self)

    def connection_lost(self, _reason: Exception | None) -> None:
        self._open_connections.discard(self)
        self._application.lost(self)

    def data_received(self, data: bytes) -> None:
        self._parser.feed(data)
        if not self._answering:
            self._next_request()

    def close(self) -> None:
        """Ends the connection, whatever it is doing."""
        self._transport.abort()

    def respond(self, status: int, body: bytes, content_type: str = JSON) -> None:
        """Sends a whole answer and turns to the next request."""
        head = _head(status, content_type, self._keep_alive)
        self._transport.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)
        self._answered()

    def begin_stream(self) -> None:
        """Sends the head of an event stream."""
        head = _head(200, "text/event-stream; charset=utf-8", self._keep_alive)
        self._transport.write(head + b"transfer-encoding: chunked\r\n\r\n")

    def send(self, event: bytes) -> None:
        """Sends one piece of the stream, as one chunk."""
        self._transport.write(b"%x\r\n%b\r\n" % (len(event), event))

    def end_stream(self) -> None:
        """Ends the stream and turns to the next request."""
        self._transport.write(b"0\r\n\r\n")
        self._answered()

    def break_off(self, body: bytes | None = None) -> None:
        """Closes within an answer; of a whole one, the first half of `body` goes out."""
        if body is not None:
            head = _head(200, JSON, self._keep_alive)
            length = b"content-length: %d\r\n\r\n" % len(body)
            self._transport.write(head + length + body[: len(body) // 2])
        self._transport.close()

    def reset(self) -> None:
        """Closes with a reset instead of an end."""
        raw = self._transport.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_NONE)
        self._transport.abort()

    def _answered(self) -> None:
        self._answering = False
        if self._keep_alive:
            self._next_request()
        else:
            self._transport.close()

    def _next_request(self) -> None:
        try:
            request = self._parser.next()
        except BadRequestError as error:
            self._keep_alive = False
            self._answering = True
            self.respond(error.status, error.status.phrase.encode(), "text/plain; charset=utf-8")
            return
        if request is None:
            if self._parser.continue_expected:
                self._parser.continue_expected = False
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return
        self._answering = True
        self._keep_alive = request.keep_alive
        self._application.handle(request, self)


def _head(status: int, content_type: str, keep_alive: bool) -> bytes:  # noqa: FBT001
    closing = "" if keep_alive else "connection: close\r\n"
    return (
        f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n"
        f"date: {formatdate(usegmt=True)}\r\n"
        "server: loadproof-simulator\r\n"
        f"content-type: {content_type}\r\n{closing}"
    ).encode("ascii")
