"""Ties an observation to a real Locust run: it starts when all users exist, and ends the run."""

from collections.abc import Callable
from typing import Any

import gevent
from locust import events
from locust.env import Environment
from locust.rpc.protocol import Message
from locust.runners import MasterRunner, WorkerRunner

from benchmarks.clients.observation import Observation, observation

MESSAGE = "loadproof_bench"


def observed_run() -> Observation:
    """To be called once by a locustfile: its users ask the observation when they may start.

    With several processes the master measures, and its workers, whose users those are, are told
    when to begin and to stop.
    """
    seen = observation()
    environments: list[Environment] = []

    def remember(environment: Environment, **_: Any) -> None:
        environments.append(environment)
        if isinstance(environment.runner, WorkerRunner):
            environment.runner.register_message(MESSAGE, obey)

    def obey(msg: Message, **_: Any) -> None:
        seen.obey(msg.data["word"])

    def tell(word: str) -> None:
        runner = environments[0].runner
        if isinstance(runner, MasterRunner):
            runner.send_message(MESSAGE, {"word": word})
        seen.obey(word)

    def end() -> None:
        runner = environments[0].runner
        assert runner is not None
        runner.quit()

    def begin(**_: Any) -> None:
        if not isinstance(environments[0].runner, WorkerRunner):
            gevent.spawn(seen.measure, end, tell)

    def write(**_: Any) -> None:
        runner = environments[0].runner
        seen.write(runner.worker_index if isinstance(runner, WorkerRunner) else None)

    # Locust's event hooks carry no types.
    hooks: Any = events
    hooks.init.add_listener(remember)
    hooks.spawning_complete.add_listener(_once(begin))
    hooks.quitting.add_listener(write)
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
