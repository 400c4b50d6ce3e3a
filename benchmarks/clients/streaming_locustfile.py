"""loadproof's own user in a real Locust run: prompts, streaming, recording, histograms, grading.

Nothing of the product is changed: the users' connections are wrapped, so that the text of each
reply, which is made of the server's stamps, is kept beside its arrivals.
"""

from collections.abc import Mapping
from typing import ClassVar, cast

from benchmarks.clients.locust_hooks import observed_run
from benchmarks.clients.replies import keep_reply
from loadproof.model.record import Outcome
from loadproof.plugin import StreamingUser
from loadproof.streaming.connection import Connection
from loadproof.streaming.flight import Flight
from loadproof.streaming.reply import Reply

seen = observed_run()


class ObservedFlight:
    """A flight that shows its reply to the observation."""

    def __init__(self, flight: Flight) -> None:
        self._flight = flight

    @property
    def is_plainly_whole(self) -> bool:
        """As the flight's."""
        return self._flight.is_plainly_whole

    @property
    def end_ns(self) -> int:
        """As the flight's."""
        return self._flight.end_ns

    def reply(self) -> Reply:
        """As the flight's; one that was not cut off is kept."""
        reply = self._flight.reply()
        if reply.outcome is not Outcome.CUT_OFF:
            keep_reply(seen, reply)
        return reply


class ObservedConnection:
    """A connection whose flights show their replies to the observation."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def interrupted(self) -> Reply | None:
        """As the connection's."""
        return self._connection.interrupted

    def fly(self, path: str, body: bytes, *, thinking_opened: bool = False) -> Flight:
        """As the connection's."""
        flight = self._connection.fly(path, body, thinking_opened=thinking_opened)
        # It is used as a flight is, without being one by inheritance.
        return cast("Flight", ObservedFlight(flight))

    def cut_off(self) -> None:
        """As the connection's."""
        self._connection.cut_off()

    def close(self) -> None:
        """As the connection's."""
        self._connection.close()


class ObservedUser(StreamingUser):
    """Asks the tasks whose users never pause."""

    host = seen.order.url
    asks: ClassVar[Mapping[str, float]] = {"commonsense": 1, "medical_qa": 1, "boxed_math": 1}

    def on_start(self) -> None:
        """Joins, and waits for its turn."""
        super().on_start()
        # It is used as a connection is, without being one by inheritance.
        self.connection = cast("Connection", ObservedConnection(self.connection))
        seen.wait_for_turn()
