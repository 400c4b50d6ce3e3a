"""Reading a response off its socket: by a watcher on gevent's loop, or by the receiver's thread."""

import time
from typing import Protocol

import gevent

from loadproof.streaming.intake import Intake
from loadproof.streaming.receiver import Receiver, receiver
from loadproof.streaming.waiting import READ
from loadproof.streaming.wire import PlainWire, Wire

HELD_BYTES = 24_576
"""Raw bytes of one response that are held undecoded, give or take a read."""

SLICE_READS = 16
"""Reads decoded at a time while tokens still come: some 50 µs."""

_NEVER = 1 << 62
_READ_BYTES = 65_536
_READS_AT_ONCE = 64
_SMALLEST_SLICE_BYTES = 256
_LARGEST_SLICE_BYTES = 4_096
_CHUNKS_END = b"\r\n\r\n"
_MAY_END = (_CHUNKS_END, b"[DONE]\n\n", b"[DONE]\n\n\r\n")
"""How a read ends that may be the last one."""
_ENDS_EVENT = (b"}\r\n\r\n", b"\n\r\n\r\n")
"""How a read ends that looks like the last one, and is an event with CR LF in its lines."""
_SHORTEST_SURE = 4
"""A read shorter than the end of chunks may be the rest of one that was cut."""

_monotonic_ns = time.monotonic_ns


class Listener(Protocol):
    """Who is told, in a callback of the loop, what comes of a reading."""

    def on_news(self) -> None:
        """Until `go_on`, more has come; from then on, the response may have ended."""
        ...

    def on_broken(self, error: BaseException) -> None:
        """A callback raised: the loop reports it, and nobody must wait for ever."""
        ...


class Reading(Protocol):
    """What fills the intake of one exchange. `closed` is why the connection is over, if it is."""

    closed: OSError | EOFError | None

    def start(self) -> None:
        """Read every event apart, and tell of each."""
        ...

    def go_on(self, event_bytes: int, left_bytes: int | None) -> None:
        """Go on quietly: tell only when the response may have ended, or the connection has.

        `event_bytes` is the size of a usual event, `left_bytes` what the body has still to come.
        """
        ...

    def rest(self) -> None:
        """Tell of nothing until `resume`."""
        ...

    def resume(self) -> None: ...

    def catch_up(self) -> None:
        """Take what has arrived but was not taken yet: a late process is no timeout."""
        ...

    def stop(self) -> None:
        """Leave the socket alone for good."""
        ...


def reading_of(wire: Wire, intake: Intake, listener: Listener) -> Reading:
    """By the receiver's thread where there is one, and no TLS that Python has to take off."""
    attendant = receiver() if isinstance(wire, PlainWire) else None
    if attendant is None:
        return LoopReading(wire, intake, listener)
    return ThreadReading(wire.fd, attendant, intake, listener)


def slice_bytes(event_bytes: int) -> int:
    """How much to read at a time: a little more than an event. A read that fills it was late."""
    return min(max(event_bytes + event_bytes // 2, _SMALLEST_SLICE_BYTES), _LARGEST_SLICE_BYTES)


class ThreadReading:
    """The receiver's thread reads, however busy the loop is."""

    __slots__ = ("_attendant", "_fd", "_going_on", "_intake", "_key", "_listener", "closed")

    def __init__(self, fd: int, attendant: Receiver, intake: Intake, listener: Listener) -> None:
        self._fd = fd
        self._attendant = attendant
        self._intake = intake
        self._listener = listener
        self._key = 0
        self._going_on = False
        self.closed: OSError | EOFError | None = None

    def start(self) -> None:
        self._key = self._attendant.attend(self._fd, self._on_report)

    def go_on(self, event_bytes: int, left_bytes: int | None) -> None:
        self._going_on = True
        self._attendant.go_on(self._key, slice_bytes(event_bytes), HELD_BYTES, left_bytes)

    def rest(self) -> None:
        pass

    def resume(self) -> None:
        pass

    def catch_up(self) -> None:
        self.closed = self._attendant.take(self._key, self._intake)

    def stop(self) -> None:
        if self._key:
            self._attendant.let_go(self._key)
            self._key = 0

    def _on_report(self) -> None:
        try:
            self.catch_up()
            if self._going_on and self._intake.held_bytes > HELD_BYTES:
                self._intake.decode(_NEVER)
            self._listener.on_news()
        except BaseException as error:
            self._listener.on_broken(error)
            raise


class LoopReading:
    """A watcher on the loop reads. Between two tokens nothing is decoded, except where what is
    held grows past HELD_BYTES: then a slice of the oldest is."""

    __slots__ = (
        "_callback",
        "_end_at_bytes",
        "_intake",
        "_listener",
        "_receive",
        "_slice_bytes",
        "_watcher",
        "_wire",
        "closed",
    )

    def __init__(self, wire: Wire, intake: Intake, listener: Listener) -> None:
        self._wire = wire
        self._receive = wire.receive
        self._intake = intake
        self._listener = listener
        self._slice_bytes = _READ_BYTES
        self._end_at_bytes = _NEVER
        self._callback = self._on_first_bytes
        self._watcher = gevent.get_hub().loop.io(wire.fd, READ)
        self.closed: OSError | EOFError | None = None

    def start(self) -> None:
        self.resume()

    def go_on(self, event_bytes: int, left_bytes: int | None) -> None:
        self._slice_bytes = slice_bytes(event_bytes)
        if left_bytes is not None:
            self._end_at_bytes = self._intake.total_bytes + left_bytes
        self._callback = self._on_more
        self._watcher.stop()
        self.resume()

    def rest(self) -> None:
        self._watcher.stop()

    def resume(self) -> None:
        self._watcher.start(self._callback)

    def catch_up(self) -> None:
        try:
            for _ in range(_READS_AT_ONCE):
                self._take_apart()
        except BlockingIOError:
            return
        except (OSError, EOFError) as error:
            self.closed = error

    def stop(self) -> None:
        self._watcher.stop()
        self._watcher.close()

    def _on_first_bytes(self) -> None:
        """The callback until the first token: every event is read apart.

        So the first token's stamp is not that of whatever came after it, unless the kernel has
        joined the two while they waited: see `Reply.first_token_coalesced`.
        """
        try:
            self._take_apart()
        except BlockingIOError:
            pass
        except (OSError, EOFError) as error:
            self.closed = error
        except BaseException as error:
            self._listener.on_broken(error)
            raise
        self._listener.on_news()

    def _on_more(self) -> None:
        """The callback from the first token on: the hot path."""
        try:
            data, stamp_ns = self._receive(self._slice_bytes)
            intake = self._intake
            intake.add(data, stamp_ns, _monotonic_ns())
            size = len(data)
            if size >= self._slice_bytes:
                data = self._take_backlog() or data
                size = len(data)
            if (
                size < _SHORTEST_SURE
                or data.endswith(_MAY_END)
                or intake.total_bytes >= self._end_at_bytes
            ) and not data.endswith(_ENDS_EVENT):
                self._listener.on_news()
            while intake.held_bytes > HELD_BYTES:
                intake.decode(SLICE_READS)
        except BlockingIOError:
            return
        except (OSError, EOFError) as error:
            self.closed = error
            self._listener.on_news()
        except BaseException as error:
            self._listener.on_broken(error)
            raise

    def _take_apart(self) -> bytes:
        """Read event by event what waits; returns the last. Raises as `Wire.receive_apart`."""
        data = b""
        for data, stamp_ns in self._wire.receive_apart():
            self._intake.add(data, stamp_ns, _monotonic_ns())
        return data

    def _take_backlog(self) -> bytes:
        """What waits behind a full read; the last of it, empty for nothing."""
        try:
            return self._take_apart()
        except BlockingIOError:
            return b""
