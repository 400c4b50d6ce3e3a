"""Ties an observation to a real Locust run: it starts when all users exist, and ends the run."""

from collections.abc import Callable
from typing import Any

import gevent
from locust import events
from locust.env import Environment

from benchmarks.clients.observation import Observation, observation


def observed_run() -> Observation:
    """To be called once by a locustfile: its users ask the observation when they may start."""
    seen = observation()
    environments: list[Environment] = []

    def remember(environment: Environment, **_: Any) -> None:
        environments.append(environment)

    def end() -> None:
        runner = environments[0].runner
        assert runner is not None
        runner.quit()

    def begin(**_: Any) -> None:
        gevent.spawn(seen.measure, end)

    # Locust's event hooks carry no types.
    hooks: Any = events
    hooks.init.add_listener(remember)
    hooks.spawning_complete.add_listener(_once(begin))
    hooks.quitting.add_listener(lambda **_: seen.write())
    return seen


def _once(listener: Callable[..., None]) -> Callable[..., None]:
    """Locust says again that spawning is complete when the run is being stopped."""
    called = False

    def call(**arguments: Any) -> None:
        nonlocal called
        if not called:
            called = True
            listener(**arguments)

    return call
