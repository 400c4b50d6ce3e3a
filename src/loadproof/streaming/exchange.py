"""One request and its response over a connected wire.

The greenlet that asked sleeps until the response may have ended; meanwhile a reading fills the
intake. Between two tokens nothing is decoded.
"""

import os
import ssl
import time
from collections.abc import Callable

import gevent

from loadproof.model.record import Clock, Failure
from loadproof.model.scenario import Timeouts
from loadproof.streaming.body import ChunkedBody
from loadproof.streaming.clock import KernelClock
from loadproof.streaming.intake import Intake
from loadproof.streaming.reading import SLICE_READS, reading_of
from loadproof.streaming.reply import Close, Ending, Timeline
from loadproof.streaming.response import Response
from loadproof.streaming.waiting import WRITE, CutOffError, DeadlineError, Waits
from loadproof.streaming.wire import Wire

LINGER_NS = 500_000_000
"""How long the end of the body may come after `[DONE]`, before we close the connection."""

_PLAIN_END = b"data: [DONE]\n\n\r\n0\r\n\r\n"

_SECOND_NS = 1_000_000_000
_NEVER = 1 << 62
_monotonic_ns = time.monotonic_ns


class Exchange:
    """The state of one request from its first byte sent to its response's end.

    `start_ns` is the request's start; where it is not given, the moment before the first byte is
    handed to the kernel. After `run`, `ending` says how it ended. `response` holds what came; where
    the exchange `is_plainly_whole`, `timeline` decodes it first.
    """

    __slots__ = (
        "_broken",
        "_clock",
        "_clock_steps",
        "_going_on",
        "_intake",
        "_news",
        "_reading",
        "_timeouts",
        "_timer",
        "_waits",
        "_wake",
        "_wire",
        "ending",
        "is_plainly_whole",
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
        self._waits = waits
        self._timeouts = timeouts
        self._clock = clock
        self._clock_steps = clock.steps
        self.start_ns = start_ns or 0
        self.response = Response()
        self._intake = Intake(self.response, clock, self.start_ns)
        self._reading = reading_of(wire, self._intake, self)
        self._going_on = False
        self._news = False
        self._broken: BaseException | None = None
        self._wake: Callable[[], None] = _nobody
        self._timer = gevent.get_hub().loop.timer(0.0)
        self.ending = Ending(Close.CUT_OFF)
        self.written_ns: int | None = None
        self.is_plainly_whole = False

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
            self.ending = Ending(Close.CUT_OFF)
        except DeadlineError:
            self.ending = self._timed_out()
        finally:
            self._reading.stop()
            self._timer.stop()
            self._timer.close()

    @property
    def unanswered(self) -> bool:
        """Whether the connection ended before a single byte of a response came."""
        return self._reading.closed is not None and not self._intake.total_bytes

    @property
    def leaves_wire_usable(self) -> bool:
        """Whether a further request may go over the same wire."""
        if self.is_plainly_whole:
            return True
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

    @property
    def end_ns(self) -> int:
        """When it ended, as far as can be told without decoding."""
        arrival_ns = self._intake.last_arrival_ns
        return _monotonic_ns() if arrival_ns is None else arrival_ns

    def timeline(self, connected_ns: int | None) -> Timeline:
        """The moments of the exchange, and by whose clock the arrivals are; all is decoded."""
        intake = self._intake
        intake.decode(_NEVER)
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
        reading, response = self._reading, self.response
        reading.start()
        while True:
            if not self._news:
                self._start_timer()
                self._waits.signal(self._set_wake)
            self._news = False
            if self._broken is not None:
                raise RuntimeError("reading a response failed") from self._broken
            if self._has_plain_end():
                self.is_plainly_whole = True
                return Ending(Close.WHOLE)
            self._decode_in_slices()
            if not response.ended and reading.closed is None:
                reading.catch_up()
                self._decode_in_slices()
            if response.ended:
                return Ending(Close.WHOLE)
            if reading.closed is not None:
                response.close(_monotonic_ns())
                return ending_by(reading.closed)
            if _monotonic_ns() >= self._deadline()[0]:
                return self._timed_out()
            reading.resume()

    def _decode_in_slices(self) -> None:
        while self._intake.decode(4 * SLICE_READS):
            gevent.sleep(0)

    def _has_plain_end(self) -> bool:
        """Whether a stream of tokens has come to the end that nearly all have: then decoding it
        can wait. Head and first token are decoded by then."""
        head, body = self.response.head, self.response.body
        return (
            self._going_on
            and self._reading.closed is None
            and isinstance(body, ChunkedBody)
            and head is not None
            and head.keeps_alive
            and head.is_success
            and self.response.malformed is None
            and self._intake.ends_with(_PLAIN_END)
        )

    def _set_wake(self, wake: Callable[[], None]) -> None:
        self._wake = wake

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

    def on_news(self) -> None:
        """The reading's: decodes up to the first token, then has the greenlet look for the end."""
        if self._going_on:
            self._look()
            return
        at = self._intake.last_read_bytes
        self._intake.decode(_NEVER)
        response = self.response
        if response.ended or response.transcript.done or self._reading.closed is not None:
            self._look()
        elif response.transcript.arrivals_ns:
            self._going_on = True
            body = response.body
            self._reading.go_on(at, None if body is None else body.left_bytes)
            self._start_timer()

    def on_broken(self, error: BaseException) -> None:
        """The reading's: the loop reports the error, and the greenlet must not wait for ever."""
        self._broken = error
        self._look()

    def _look(self) -> None:
        """Have the greenlet look whether the response has ended."""
        self._news = True
        self._reading.rest()
        self._wake()


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
