"""Bytes to and from one connected socket, each read with the kernel's receive stamp.

The sockets are those of the C module `_socket`: `socket.socket` is gevent's own class wherever
gevent has patched the process, as Locust does, and its calls would switch greenlets. These never
block; whoever uses them waits by watchers.
"""

import re
import struct
import sys
from _socket import MSG_PEEK, SHUT_RD, SOL_SOCKET
from _socket import socket as RawSocket  # noqa: N812 - a class, though _socket spells it so
from collections.abc import Iterator
from contextlib import suppress
from typing import Protocol

PEEK_BYTES = 4_096

SO_TIMESTAMPING = 37
RX_SOFTWARE = 1 << 3
SOFTWARE = 1 << 4
_STAMP = struct.Struct("=qq")
_CONTROL_BYTES = 128
"""Room for SCM_TIMESTAMPING: a header and three timespecs of 16 bytes."""

_EVENT_END = re.compile(rb"(?:\n\r?\n|\r\r)(?:\r\n)?")
"""Where an event, or the head, ends in raw bytes, with the end of the chunk that it came in.

Only a guess at where to cut reads: framing may stand within a blank line.
"""


class Wire(Protocol):
    """A connected socket. All calls raise BlockingIOError where they would have to wait, EOFError
    once the server has closed in good order, and OSError (among them ssl.SSLError) on failure.

    A stamp is CLOCK_REALTIME in nanoseconds of the segment that brought the last of the bytes,
    0 where the kernel gave none.
    """

    @property
    def fd(self) -> int: ...

    def send(self, data: memoryview) -> int:
        """Hand over as much of `data` as the kernel takes; returns how much that was."""
        ...

    @property
    def unsent_bytes(self) -> int:
        """What `send` took but could not hand to the kernel yet; `flush` goes on with it."""
        ...

    def flush(self) -> None: ...

    def receive(self, limit_bytes: int) -> tuple[bytes, int]:
        """What waits, up to about `limit_bytes`, and its stamp. May be empty below TLS."""
        ...

    def receive_apart(self) -> Iterator[tuple[bytes, int]]:
        """What waits, in pieces that end where events seem to end, each with a stamp of its own.

        Where segments wait, a read that returns several carries the stamp of the last one only.
        """
        ...

    def is_quiet(self) -> bool:
        """Whether the connection stands open and nothing waits to be read: fit for a request."""
        ...

    def close(self) -> None: ...


def enable_stamps(sock: RawSocket) -> bool:
    """Ask the kernel for software receive stamps. False where it offers none (only Linux does)."""
    if sys.platform != "linux" or sys.maxsize < 2**32:
        return False
    try:
        sock.setsockopt(SOL_SOCKET, SO_TIMESTAMPING, RX_SOFTWARE | SOFTWARE)
    except OSError:
        return False
    return True


class PlainWire:
    """A socket without TLS."""

    __slots__ = ("_recvmsg", "_sock", "fd", "unsent_bytes")

    def __init__(self, sock: RawSocket) -> None:
        self._sock = sock
        self._recvmsg = sock.recvmsg
        self.fd = sock.fileno()
        self.unsent_bytes = 0

    def send(self, data: memoryview) -> int:
        return self._sock.send(data)

    def flush(self) -> None:
        pass

    def receive(self, limit_bytes: int) -> tuple[bytes, int]:
        data, ancillary, _, _ = self._recvmsg(limit_bytes, _CONTROL_BYTES)
        if not data:
            raise EOFError
        if ancillary:
            seconds, ns = _STAMP.unpack_from(ancillary[0][2])
            return data, seconds * 1_000_000_000 + ns
        return data, 0

    def peek(self) -> bytes:
        """What waits, up to `PEEK_BYTES`, left where it is."""
        waiting = self._sock.recv(PEEK_BYTES, MSG_PEEK)
        if not waiting:
            raise EOFError
        return waiting

    def receive_apart(self) -> Iterator[tuple[bytes, int]]:
        peeked = self.peek()
        at = 0
        for match in _EVENT_END.finditer(peeked):
            yield self.receive(match.end() - at)
            at = match.end()
        if at < len(peeked):
            yield self.receive(len(peeked) - at)

    def end_reading(self) -> None:
        """Make the next read find the end, and any watcher fire for it."""
        with suppress(OSError):
            self._sock.shutdown(SHUT_RD)

    def is_quiet(self) -> bool:
        try:
            self._sock.recv(1, MSG_PEEK)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def close(self) -> None:
        self._sock.close()
