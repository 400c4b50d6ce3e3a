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
from loadproof.streaming.reply import Reply

seen = observed_run()


class ObservedConnection:
    """A connection that shows its replies to the observation."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def interrupted(self) -> Reply | None:
        """As the connection's."""
        return self._connection.interrupted

    def post(self, path: str, body: bytes, *, thinking_opened: bool = False) -> Reply:
        """As the connection's; a completed reply is kept."""
        reply = self._connection.post(path, body, thinking_opened=thinking_opened)
        if reply.outcome is not Outcome.CUT_OFF:
            keep_reply(seen, reply)
        return reply

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
