"""One connection of one user to the server under test: what the load is sent over."""

import time

from loadproof.model.scenario import Timeouts
from loadproof.streaming.clock import PROCESS_CLOCK, KernelClock
from loadproof.streaming.dial import DialError, dial
from loadproof.streaming.exchange import Exchange
from loadproof.streaming.flight import CUT_OFF, Flight
from loadproof.streaming.reply import Close, Ending, Reply
from loadproof.streaming.target import Target
from loadproof.streaming.tls import context_for
from loadproof.streaming.waiting import CutOffError, Waits
from loadproof.streaming.wire import Wire

__all__ = ["Connection", "Target"]

_SECOND_NS = 1_000_000_000


class Connection:
    """A connection that is kept alive, and opened again where the server has closed it meanwhile.

    It is used by one greenlet at a time. `interrupted` is the partial reply of a `post` out of
    which an exception was thrown. Proxies in the environment are ignored: servers under test are
    on this machine or in the same private network.

    Raises ConfigurationError if the certificates that `target.verify` names cannot be read.
    """

    def __init__(
        self, target: Target, timeouts: Timeouts, clock: KernelClock = PROCESS_CLOCK
    ) -> None:
        self.target = target
        self.timeouts = timeouts
        self.interrupted: Reply | None = None
        self._clock = clock
        self._wire: Wire | None = None
        self._waits: Waits | None = None
        self._flight: Flight | None = None
        if target.is_tls:
            context_for(target.verify)

    def post(self, path: str, body: bytes, *, thinking_opened: bool = False) -> Reply:
        """POST the JSON `body` to `path` and read the answer to its end; see `fly`."""
        return self.fly(path, body, thinking_opened=thinking_opened).reply()

    def fly(self, path: str, body: bytes, *, thinking_opened: bool = False) -> Flight:
        """POST the JSON `body` to `path` and wait for the response's end.

        Blocks the greenlet, not the process. Never raises for what the network or the server did
        wrong: that is in the reply. Whatever is thrown into the greenlet (GreenletExit, a timeout
        of the caller's) goes on after the socket was closed, and `interrupted` holds the reply up
        to then. `thinking_opened` says that the prompt itself ends in an opening `<think>`.

        A kept-alive connection that proves closed before any byte of the response came is opened
        again, once; the request's start stays what it was. The start is noted when all is ready to
        be sent, or, where a connection has to be opened first, before that.
        """
        if self._waits is not None:
            raise RuntimeError("a connection carries one request at a time")
        flight = self._flight = Flight(
            time.monotonic_ns(), thinking_opened=thinking_opened, conceal=self.target.conceal
        )
        self.interrupted = None
        self._waits = Waits()
        try:
            self._carry_out(flight, self.target.request_head(path, len(body)) + body, self._waits)
        except BaseException:
            self._drop()
            flight.ending = CUT_OFF
            self.interrupted = flight.reply()
            raise
        finally:
            self._waits = self._flight = None
        return flight

    @property
    def tokens_so_far(self) -> int:
        """Token-bearing events of the request in flight that are decoded; the first at once."""
        if self._flight is None or self._flight.exchange is None:
            return 0
        return len(self._flight.exchange.response.transcript.arrivals_ns)

    def cut_off(self) -> None:
        """End the exchange in flight, from another greenlet; its `post` returns at once."""
        if self._waits is not None:
            self._waits.cut_off()

    def close(self) -> None:
        """Close the socket; the next `post` opens another one. Cuts off what is in flight."""
        self.cut_off()
        if self._waits is None:
            self._drop()

    def _carry_out(self, flight: Flight, request: bytes, waits: Waits) -> None:
        """Carry out the exchange, over a new connection where the old one is of no use."""
        self._clock.refresh()
        if self._wire is not None and not self._wire.is_quiet():
            self._drop()
        reused = self._wire is not None
        while True:
            wire = self._wire or self._open(flight, waits)
            if wire is None:
                return
            exchange = Exchange(
                wire, waits, self.timeouts, self._clock, None if reused else flight.start_ns
            )
            flight.exchange = exchange
            exchange.run(request)
            flight.start_ns = exchange.start_ns
            flight.ending = exchange.ending
            if not exchange.leaves_wire_usable:
                self._drop()
            if not (reused and exchange.unanswered):
                return
            reused = False

    def _open(self, flight: Flight, waits: Waits) -> Wire | None:
        """A new connection, or None with the flight's ending saying why there is none."""
        deadline_ns = time.monotonic_ns() + round(self.timeouts.connect * _SECOND_NS)
        try:
            self._wire = dial(self.target, waits, deadline_ns)
        except DialError as error:
            flight.ending = Ending(Close.FAILED, error.failure, error.detail)
        except CutOffError:
            flight.ending = CUT_OFF
        else:
            flight.connected_ns = time.monotonic_ns()
        return self._wire

    def _drop(self) -> None:
        if self._wire is not None:
            self._wire.close()
            self._wire = None
