"""The waits of one greenlet, which another greenlet can end."""

import time
from collections.abc import Callable
from typing import Any

import gevent
from gevent.event import AsyncResult

READ = 1
WRITE = 2

_READY = "ready"
_CUT_OFF = "cut off"


class CutOffError(Exception):
    """Another greenlet has ended the exchange."""


class DeadlineError(Exception):
    """What was waited for had not come by its deadline."""


class Waits:
    """Waits for sockets, lookups and the end of an exchange, all of which `cut_off` ends."""

    __slots__ = ("_current", "is_cut_off")

    def __init__(self) -> None:
        self._current: AsyncResult[str] | None = None
        self.is_cut_off = False

    def cut_off(self) -> None:
        """End the wait that goes on, and every later one at once."""
        self.is_cut_off = True
        if self._current is not None:
            self._current.set(_CUT_OFF)

    def ready(self, fd: int, events: int, deadline_ns: int) -> None:
        """Return once `fd` is ready for `events` (READ, WRITE or their sum).

        Raises DeadlineError at `deadline_ns` (monotonic), CutOffError on `cut_off`.
        """
        watcher = gevent.get_hub().loop.io(fd, events)
        result = self._begin()
        watcher.start(result.set, _READY)
        try:
            self._end(result, deadline_ns)
        finally:
            watcher.stop()
            watcher.close()

    def call(self, function: Callable[..., Any], *args: Any, deadline_ns: int) -> Any:
        """What `function` returns, or the exception that it raises, called in a greenlet.

        Raises DeadlineError and CutOffError as `ready` does; the greenlet is ended then.
        """
        result = self._begin()
        caught: list[OSError] = []
        greenlet = gevent.Greenlet(_call, function, args, caught)
        greenlet.link(lambda _: result.set(_READY))
        greenlet.start()
        try:
            self._end(result, deadline_ns)
        finally:
            greenlet.kill(block=False)
        if caught:
            raise caught[0]
        return greenlet.value

    def signal(self, start: Callable[[Callable[[], None]], None]) -> None:
        """Return once the function that `start` is given has been called; CutOffError as above."""
        result = self._begin()
        start(lambda: result.set(_READY))
        self._end(result, None)

    def _begin(self) -> "AsyncResult[str]":
        if self.is_cut_off:
            raise CutOffError
        self._current = AsyncResult()
        return self._current

    def _end(self, result: "AsyncResult[str]", deadline_ns: int | None) -> None:
        timeout = gevent.Timeout(None)
        if deadline_ns is not None:
            timeout = gevent.Timeout(max(0.0, (deadline_ns - time.monotonic_ns()) / 1e9))
        timeout.start()
        try:
            why = result.get()
        except gevent.Timeout as passed:
            if passed is not timeout:
                raise
            raise DeadlineError from None
        finally:
            timeout.close()
            self._current = None
        if why == _CUT_OFF:
            raise CutOffError


def _call(function: Callable[..., Any], args: tuple[Any, ...], caught: list[OSError]) -> Any:
    """What `function` returns; an OSError goes into `caught`, lest gevent print it."""
    try:
        return function(*args)
    except OSError as error:
        caught.append(error)
