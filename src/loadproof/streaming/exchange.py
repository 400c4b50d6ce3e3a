"""One request and its response over a connected wire: the measured path.

Reading hangs on the loop by a watcher whose callback takes the bytes with their stamp and returns;
the greenlet that asked sleeps until the response may have ended. Between two tokens nothing is
decoded, except where what is held grows past `HELD_BYTES`: then a slice of the oldest is.
"""

import os
import ssl
import time
from collections.abc import Callable

import gevent

from loadproof.model.record import Clock, Failure
from loadproof.model.scenario import Timeouts
from loadproof.streaming.clock import KernelClock
from loadproof.streaming.intake import Intake
from loadproof.streaming.reply import Close, Ending, Timeline
from loadproof.streaming.response import Response
from loadproof.streaming.waiting import READ, WRITE, CutOffError, DeadlineError, Waits
from loadproof.streaming.wire import Wire

HELD_BYTES = 24_576
"""Raw bytes of one response that are held undecoded, give or take a read."""

SLICE_READS = 16
"""Reads decoded at a time while tokens still come: some 50 µs."""

LINGER_NS = 500_000_000
"""How long the end of the body may come after `[DONE]`, before we close the connection."""

_SECOND_NS = 1_000_000_000
_NEVER = 1 << 62
_READ_BYTES = 65_536
_READS_AT_DEADLINE = 64
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


class Exchange:
    """The state of one request from its first byte sent to its response's end.

    `start_ns` is the request's start; where it is not given, the moment before the first byte is
    handed to the kernel. After `run`, `ending` says how it ended and `response` holds what came.
    """

    __slots__ = (
        "_broken",
        "_clock",
        "_clock_steps",
        "_closed",
        "_end_at_bytes",
        "_intake",
        "_receive",
        "_slice_bytes",
        "_timeouts",
        "_timer",
        "_waits",
        "_wake",
        "_watcher",
        "_wire",
        "ending",
        "response",
        "start_ns",
        "written_ns",
    )

    def __init__(
        self,
        wire: Wire,
        waits: Waits,
        timeouts: Timeouts,
        clock: KernelClock,
        start_ns: int | None = None,
    ) -> None:
        self._wire = wire
        self._receive = wire.receive
        self._waits = waits
        self._timeouts = timeouts
        self._clock = clock
        self._clock_steps = clock.steps
        self.start_ns = start_ns or 0
        self.response = Response()
        self._intake = Intake(self.response, clock, self.start_ns)
        self._slice_bytes = _READ_BYTES
        self._end_at_bytes = _NEVER
        self._closed: Ending | None = None
        self._broken: BaseException | None = None
        self._wake: Callable[[], None] = _nobody
        loop = gevent.get_hub().loop
        self._watcher = loop.io(wire.fd, READ)
        self._timer = loop.timer(0.0)
        self.ending = Ending(Close.CUT_OFF)
        self.written_ns: int | None = None

    def run(self, request: bytes) -> None:
        """Send `request` and read until its response has ended, one way or another.

        Raises nothing for what the network or the server does. Whatever is raised into the
        greenlet meanwhile goes on, with everything that hung on the loop taken off it.
        """
        if not self.start_ns:
            self.start_ns = self._intake.not_before_ns = _monotonic_ns()
        try:
            self._write(request)
            self.ending = self._read_to_end()
        except CutOffError:
            self._intake.decode(_NEVER)
            self.ending = Ending(Close.CUT_OFF)
        except DeadlineError:
            self.ending = self._timed_out()
        finally:
            self._watcher.stop()
            self._watcher.close()
            self._timer.stop()
            self._timer.close()

    def decode_rest(self) -> None:
        """Decode all that was read, for an exchange that was interrupted."""
        self._intake.decode(_NEVER)

    @property
    def unanswered(self) -> bool:
        """Whether the connection ended before a single byte of a response came."""
        return self._closed is not None and not self._intake.total_bytes

    @property
    def leaves_wire_usable(self) -> bool:
        """Whether a further request may go over the same wire."""
        head, body = self.response.head, self.response.body
        return (
            self.ending.close is Close.WHOLE
            and self.response.malformed is None
            and head is not None
            and head.keeps_alive
            and body is not None
            and body.ended
            and not body.surplus
        )

    def timeline(self, connected_ns: int | None) -> Timeline:
        """The moments of the exchange, and by whose clock the arrivals are."""
        intake = self._intake
        self._clock.refresh(older_than_ns=_SECOND_NS // 100)
        stepped = self._clock.steps != self._clock_steps
        by_kernel = intake.stamps_hold and not stepped and intake.last_ns is not None
        whole = self.ending.close is Close.WHOLE and intake.last_ns is not None
        return Timeline(
            start_ns=self.start_ns,
            connected_ns=connected_ns,
            written_ns=self.written_ns,
            first_byte_ns=intake.first_byte_ns,
            end_ns=intake.last_ns if whole and intake.last_ns is not None else _monotonic_ns(),
            clock=Clock.KERNEL if by_kernel else Clock.PROCESS,
        )

    def _write(self, request: bytes) -> None:
        wire = self._wire
        rest = memoryview(request)
        while rest or wire.unsent_bytes:
            try:
                if rest:
                    rest = rest[wire.send(rest) :]
                else:
                    wire.flush()
            except BlockingIOError:
                self._waits.ready(wire.fd, WRITE, self._deadline()[0])
            except OSError:
                # The server takes no more. Reading will tell why: it may have answered first.
                break
        self.written_ns = _monotonic_ns()

    def _read_to_end(self) -> Ending:
        self._watcher.start(self._on_first_bytes)
        while True:
            self._start_timer()
            self._waits.signal(self._set_wake)
            if self._broken is not None:
                raise RuntimeError("reading a response failed") from self._broken
            self._decode_in_slices()
            if not self.response.ended and self._closed is None:
                self._read_what_waits()
                self._decode_in_slices()
            if self.response.ended:
                return Ending(Close.WHOLE)
            if self._closed is not None:
                self.response.close(_monotonic_ns())
                return self._closed
            if _monotonic_ns() >= self._deadline()[0]:
                return self._timed_out()
            self._watcher.start(self._on_more if self._has_token() else self._on_first_bytes)

    def _decode_in_slices(self) -> None:
        while self._intake.decode(4 * SLICE_READS):
            gevent.sleep(0)

    def _set_wake(self, wake: Callable[[], None]) -> None:
        self._wake = wake

    def _has_token(self) -> bool:
        return bool(self.response.transcript.arrivals_ns)

    def _start_timer(self) -> None:
        left_s = max(0.0, (self._deadline()[0] - _monotonic_ns()) / _SECOND_NS)
        self._timer.stop()
        self._timer.close()
        self._timer = gevent.get_hub().loop.timer(left_s)
        self._timer.start(self._look, update=True)

    def _deadline(self) -> tuple[int, Failure]:
        """When the exchange has failed if nothing comes until then, and of what."""
        transcript, timeouts = self.response.transcript, self._timeouts
        whole_ns = self.start_ns + round(timeouts.whole * _SECOND_NS)
        if transcript.done:
            since_ns = self._intake.last_ns or self.start_ns
            return min(whole_ns, since_ns + LINGER_NS), Failure.TIMEOUT_WHOLE
        if transcript.arrivals_ns:
            next_ns = transcript.arrivals_ns[-1] + round(timeouts.between_tokens * _SECOND_NS)
            failure = Failure.TIMEOUT_BETWEEN_TOKENS
        else:
            next_ns = self.start_ns + round(timeouts.first_token * _SECOND_NS)
            failure = Failure.TIMEOUT_FIRST_TOKEN
        return (next_ns, failure) if next_ns < whole_ns else (whole_ns, Failure.TIMEOUT_WHOLE)

    def _timed_out(self) -> Ending:
        failure = self._deadline()[1]
        timeouts = self._timeouts
        detail = {
            Failure.TIMEOUT_WHOLE: f"not ended after {timeouts.whole:g} s",
            Failure.TIMEOUT_BETWEEN_TOKENS: f"no token for {timeouts.between_tokens:g} s",
            Failure.TIMEOUT_FIRST_TOKEN: f"no token within {timeouts.first_token:g} s",
        }
        return Ending(Close.FAILED, failure, detail[failure])

    def _look(self) -> None:
        """Have the greenlet look whether the response has ended."""
        self._watcher.stop()
        self._wake()

    def _on_first_bytes(self) -> None:
        """The watcher's callback until the first token: every event is read apart and decoded.

        So the first token's stamp is not that of whatever came after it, unless the kernel has
        joined the two while they waited: see `Reply.first_token_coalesced`.
        """
        size = 0
        try:
            for data, stamp_ns in self._wire.receive_apart():
                self._intake.add(data, stamp_ns, _monotonic_ns())
                size = len(data)
        except BlockingIOError:
            pass
        except (OSError, EOFError) as error:
            self._close(error)
            return
        except BaseException as error:
            self._break(error)
            raise
        self._intake.decode(_NEVER)
        if self.response.ended or self.response.transcript.done:
            self._look()
        elif self._has_token():
            self._go_on_to_more(size)

    def _go_on_to_more(self, event_bytes: int) -> None:
        """Read without decoding from here on, a little more than an event at a time.

        A read that fills that was late: what waits behind it is then read apart.
        """
        slice_bytes = event_bytes + event_bytes // 2
        self._slice_bytes = min(max(slice_bytes, _SMALLEST_SLICE_BYTES), _LARGEST_SLICE_BYTES)
        body = self.response.body
        if body is not None and body.left_bytes is not None:
            self._end_at_bytes = self._intake.total_bytes + body.left_bytes
        self._watcher.stop()
        self._watcher.start(self._on_more)
        self._start_timer()

    def _on_more(self) -> None:
        """The watcher's callback from the first token on: the hot path."""
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
                self._look()
            while intake.held_bytes > HELD_BYTES:
                intake.decode(SLICE_READS)
        except BlockingIOError:
            return
        except (OSError, EOFError) as error:
            self._close(error)
        except BaseException as error:
            self._break(error)
            raise

    def _take_backlog(self) -> bytes:
        """Read apart what waits behind a full read; returns the last of it, empty for nothing."""
        data = b""
        try:
            for data, stamp_ns in self._wire.receive_apart():
                self._intake.add(data, stamp_ns, _monotonic_ns())
        except BlockingIOError:
            return data
        return data

    def _read_what_waits(self) -> None:
        """Take what has arrived but was not read yet: a late process is no timeout."""
        try:
            for _ in range(_READS_AT_DEADLINE):
                for data, stamp_ns in self._wire.receive_apart():
                    self._intake.add(data, stamp_ns, _monotonic_ns())
        except BlockingIOError:
            return
        except (OSError, EOFError) as error:
            self._close(error)

    def _close(self, error: OSError | EOFError) -> None:
        """The connection is over."""
        self._closed = ending_by(error)
        self._look()

    def _break(self, error: BaseException) -> None:
        """A callback raised: the loop reports it, and the greenlet must not wait for ever."""
        self._broken = error
        self._look()


def ending_by(error: OSError | EOFError) -> Ending:
    """How an exchange ended whose socket reported `error`."""
    if isinstance(error, EOFError):
        return Ending(Close.BY_SERVER)
    if isinstance(error, ssl.SSLError):
        detail = (error.reason or str(error)).replace("_", " ").lower()
        return Ending(Close.FAILED, Failure.TLS, detail)
    return Ending(Close.FAILED, Failure.RESET, os.strerror(error.errno or 0).lower())


def _nobody() -> None:
    """Stands where nobody waits."""
