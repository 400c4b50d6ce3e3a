"""What the workers of a load generator said of themselves, second by second."""

import bisect
from collections.abc import Iterable
from typing import Any

import msgspec


class Interval(msgspec.Struct, frozen=True):
    """A stretch of one step in one worker: a "generator" event, see `load.messages`."""

    worker: str
    step: int
    warmup: bool
    start_ns: int
    end_ns: int
    cpu_share: float
    cpu_wait_share: float | None
    backlog: int
    loop_lateness_max_us: int
    read_lateness_max_us: int
    long_collections: int
    longest_collection_us: int
    clock_drift_ns: int
    clock_steps: int

    @property
    def length_ns(self) -> int:
        """How long it lasted."""
        return self.end_ns - self.start_ns


def intervals_of(events: Iterable[dict[str, Any]]) -> tuple[Interval, ...]:
    """The intervals that a run's events tell of, in the order of their starts."""
    found = (
        msgspec.convert(event, Interval) for event in events if event.get("kind") == "generator"
    )
    return tuple(sorted(found, key=lambda interval: interval.start_ns))


class Lateness:
    """How late each worker's loop was at any moment, as far as its ticks can tell."""

    def __init__(self, intervals: Iterable[Interval]) -> None:
        """`intervals` in the order of their starts."""
        self._starts_ns: dict[str, list[int]] = {}
        self._latest_us: dict[str, list[int]] = {}
        for interval in intervals:
            self._starts_ns.setdefault(interval.worker, []).append(interval.start_ns)
            self._latest_us.setdefault(interval.worker, []).append(interval.loop_lateness_max_us)

    def worst_ms(self, worker: str, from_ns: int, to_ns: int) -> float:
        """The latest tick of `worker` between two moments of the run's clock.

        The interval that follows counts as well: a pause shows when it is over. 0 for a worker
        that said nothing.
        """
        starts_ns = self._starts_ns.get(worker)
        if starts_ns is None:
            return 0.0
        first = bisect.bisect_right(starts_ns, from_ns) - 1
        following = bisect.bisect_right(starts_ns, to_ns)
        return max(self._latest_us[worker][max(first, 0) : following + 1], default=0) / 1e3

    def at_ms(self, worker: str, at_ns: int) -> float:
        """The latest tick of `worker` about a moment."""
        return self.worst_ms(worker, at_ns, at_ns)
