"""loadproof.streaming alone: its connections in plain greenlets, without Locust and recording."""

import gc

import gevent

from benchmarks.clients.observation import BODY, Observation, observation
from benchmarks.clients.replies import keep_reply
from loadproof.model.scenario import Timeouts
from loadproof.streaming.connection import Connection, Target


def main() -> None:
    """Runs the cell that the environment names."""
    seen = observation()
    target = Target(seen.order.url)
    # As loadproof's plugin does: a full collection would stop the loop for tens of milliseconds.
    gc.collect()
    gc.freeze()
    users = [gevent.spawn(_user, seen, target) for _ in range(seen.order.streams)]
    seen.measure(lambda: None)
    gevent.joinall(users)
    seen.write()


def _user(seen: Observation, target: Target) -> None:
    connection = Connection(target, Timeouts())
    seen.wait_for_turn()
    while not seen.stopping:
        keep_reply(seen, connection.post("/v1/chat/completions", BODY))
    connection.close()


if __name__ == "__main__":
    main()
