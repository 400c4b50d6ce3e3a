"""An event loop whose timers are exact to a fraction of a millisecond."""

import asyncio
import select
import selectors


def new_event_loop() -> asyncio.AbstractEventLoop:
    """A selector event loop with the finest timers that the system offers."""
    return asyncio.SelectorEventLoop(_FineSelector())


class _FineSelector(selectors.DefaultSelector):
    """Epoll rounds its waiting time up to whole milliseconds, which would delay every iteration of
    the engine by half of one. An epoll descriptor can itself be waited for with select(), whose
    waiting time has microseconds; so can a kqueue's."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is not None and timeout > 0:
            select.select([self.fileno()], (), (), timeout)
            timeout = 0
        return super().select(timeout)
