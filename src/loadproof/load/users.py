"""The Locust user: it asks one request after another, and lets the stream be measured."""

from collections.abc import Mapping
from typing import ClassVar

from gevent import GreenletExit
from locust import User, task

from loadproof.load.crew import Crew, join_crew
from loadproof.load.prompts import Talks
from loadproof.model.record import Outcome
from loadproof.tasks.policy import CHAT_PATH


class StreamingUser(User):
    """Sends streaming chat completions, one at a time, over a connection of its own.

    A subclass says what it asks: `asks = {"chat": 3, "boxed_math": 1}`, tasks with their weights.
    A scenario file, where one is given, decides instead.
    """

    abstract = True
    asks: ClassVar[Mapping[str, float]] = {}
    _crew: Crew | None = None
    _in_flight = False

    def on_start(self) -> None:
        """Joins the crew of this process and gets a connection."""
        crew = self._crew = join_crew(self.environment)
        self.connection = crew.connection()
        self._talks = Talks()
        self._failures_in_row = 0
        self._pause_s = 0.0
        self._due_ns: int | None = None

    def on_stop(self) -> None:
        """Closes the connection."""
        if self._crew is not None:
            self.connection.close()

    @task
    def ask(self) -> None:
        """One request: waits until it may start, sends it, hands in what came of it."""
        crew = self._crew
        assert crew is not None
        request = crew.next_request(self._talks, self._due_ns)
        self._in_flight = True
        crew.departs(self)
        try:
            flight = self.connection.fly(
                CHAT_PATH, request.body, thinking_opened=crew.thinking_opened
            )
        except GreenletExit:
            partial = self.connection.interrupted
            if partial is not None:
                crew.breaks_off(self, request, partial)
            raise
        finally:
            self._in_flight = False
        outcome = crew.returns(self, request, flight)
        self._failures_in_row = self._failures_in_row + 1 if outcome is Outcome.FAILED else 0
        self._pause_s = crew.pause_s(request.assignment.prompt.task, self._failures_in_row)
        self._due_ns = flight.end_ns + round(self._pause_s * 1e9)

    def wait_time(self) -> float:
        """The pause before the next request, in seconds."""
        return self._pause_s

    def stop(self, force: bool = False) -> bool:  # noqa: FBT001, FBT002 - Locust's signature
        """Lets a request in flight end, and a user without one at once."""
        return bool(super().stop(force=force or not self._in_flight))
