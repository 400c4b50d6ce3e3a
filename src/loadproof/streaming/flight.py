"""A request that has been sent, from its start to the reply that it amounts to."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from loadproof.model.record import Clock
from loadproof.streaming.reply import Close, Ending, Reply, Timeline, assemble
from loadproof.streaming.response import Response

if TYPE_CHECKING:
    from loadproof.streaming.exchange import Exchange

CUT_OFF = Ending(Close.CUT_OFF)


class Flight:
    """What a request has come to. Decoding it can wait: `reply` does that, when it is asked for.

    `conceal` goes over the details of failures; see `assemble`.
    """

    __slots__ = (
        "_conceal",
        "_reply",
        "connected_ns",
        "ending",
        "exchange",
        "start_ns",
        "thinking_opened",
    )

    def __init__(
        self, start_ns: int, *, thinking_opened: bool, conceal: Callable[[str], str]
    ) -> None:
        self.start_ns = start_ns
        self.thinking_opened = thinking_opened
        self.connected_ns: int | None = None
        self.exchange: Exchange | None = None
        self.ending = CUT_OFF
        self._conceal = conceal
        self._reply: Reply | None = None

    @property
    def is_plainly_whole(self) -> bool:
        """Whether the response is known to be a whole stream of tokens without being decoded."""
        return self.exchange is not None and self.exchange.is_plainly_whole

    @property
    def end_ns(self) -> int:
        """When it ended: of a response that is plainly whole, the arrival of its last byte."""
        if self.exchange is None or self._reply is not None:
            return self.reply().end_ns
        return self.exchange.end_ns

    def reply(self) -> Reply:
        """The reply; decoded once, when it is first asked for."""
        if self._reply is None:
            self._reply = self._assembled()
            self.exchange = None
        return self._reply

    def _assembled(self) -> Reply:
        if self.exchange is not None:
            response = self.exchange.response
            times = self.exchange.timeline(self.connected_ns)
        else:
            response = Response()
            times = Timeline(
                start_ns=self.start_ns,
                connected_ns=None,
                written_ns=None,
                first_byte_ns=None,
                end_ns=time.monotonic_ns(),
                clock=Clock.PROCESS,
            )
        return assemble(
            response, self.ending, times, opened=self.thinking_opened, conceal=self._conceal
        )
