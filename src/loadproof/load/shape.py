"""The load shape that Locust asks: how many users there are to be, as the conductor says."""

from locust import LoadTestShape

from loadproof.load.conductor import Conductor

SPAWN_RATE_LIMIT = 100.0
"""Users a second; Locust warns above it."""


class ScenarioShape(LoadTestShape):
    """A scenario's load steps as Locust sees them: a number of users, until the run is over."""

    def __init__(self, conductor: Conductor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # Locust has no type here
        self._conductor = conductor

    def reset_time(self) -> None:
        """Locust starts a run, perhaps another one from its web page."""
        super().reset_time()  # type: ignore[no-untyped-call]  # Locust has no type here
        self._conductor.rearm()

    def tick(self) -> tuple[int, float] | None:
        """The number of users and how many of them to start a second; None ends the run."""
        users = self._conductor.target_users
        if users is None:
            return None
        return users, min(float(users), SPAWN_RATE_LIMIT)
