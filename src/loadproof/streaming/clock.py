"""The distance between the kernel's wall clock, which stamps segments, and the monotonic clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass

PAIR_AGAIN_AFTER_NS = 100_000_000
"""How old a pairing may be before `KernelClock.refresh` makes a new one."""

STEP_NS = 50_000
"""A change of the distance that is no noise of pairing: somebody set the wall clock.

NTP's slewing moves both clocks alike on Linux, so that only a step changes their distance.
"""

TOLERANCE_NS = 50_000
"""How far a stamp may seem to lie on the wrong side of a moment by the noise of pairing alone."""

OLDEST_STAMP_NS = 10_000_000_000
"""The longest that a segment may have waited for its reading and still be believed."""

_BRACKETS = 5


@dataclass(frozen=True, slots=True)
class Pairing:
    """Both clocks at one moment: `wall_ns` is CLOCK_REALTIME at `monotonic_ns`, right to within
    `uncertainty_ns` (half the width of the bracket)."""

    monotonic_ns: int
    wall_ns: int
    uncertainty_ns: int

    @property
    def distance_ns(self) -> int:
        """Wall clock minus monotonic clock."""
        return self.wall_ns - self.monotonic_ns


def pair(
    monotonic: Callable[[], int] = time.monotonic_ns, wall: Callable[[], int] = time.time_ns
) -> Pairing:
    """The tightest of several brackets of one reading of `wall` between two of `monotonic`."""
    best: Pairing | None = None
    for _ in range(_BRACKETS):
        before = monotonic()
        wall_ns = wall()
        width = monotonic() - before
        if best is None or width // 2 < best.uncertainty_ns:
            best = Pairing(before + width // 2, wall_ns, width // 2)
    assert best is not None
    return best


class KernelClock:
    """Turns kernel stamps into monotonic nanoseconds, and tells when it cannot.

    One serves a whole process. `steps` counts how often the wall clock was set since the start:
    stamps that were taken on both sides of a step cannot be compared.
    """

    __slots__ = ("_monotonic", "_uncertainty_ns", "_wall", "distance_ns", "first", "last", "steps")

    def __init__(
        self,
        monotonic: Callable[[], int] = time.monotonic_ns,
        wall: Callable[[], int] = time.time_ns,
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self.first = self.last = pair(monotonic, wall)
        self.distance_ns = self.first.distance_ns
        self._uncertainty_ns = self.first.uncertainty_ns
        self.steps = 0

    def refresh(self, older_than_ns: int = PAIR_AGAIN_AFTER_NS) -> None:
        """Pair the clocks again (2 µs) if the last pairing is older than `older_than_ns`.

        A pairing that was disturbed, and agrees with a tighter one within its own uncertainty,
        changes nothing.
        """
        if self._monotonic() - self.last.monotonic_ns < older_than_ns:
            return
        again = pair(self._monotonic, self._wall)
        change = abs(again.distance_ns - self.distance_ns)
        noise = again.uncertainty_ns + self._uncertainty_ns
        self.steps += change > STEP_NS + noise
        self.last = again
        if change > noise or again.uncertainty_ns <= self._uncertainty_ns:
            self.distance_ns = again.distance_ns
            self._uncertainty_ns = again.uncertainty_ns

    @property
    def drift_ns(self) -> int:
        """How much the distance between the clocks has changed since the first pairing."""
        return self.distance_ns - self.first.distance_ns

    def arrival_ns(self, stamp_ns: int, read_ns: int, not_before_ns: int) -> int | None:
        """The monotonic time of a kernel stamp, or None where it is missing or absurd.

        `stamp_ns` is CLOCK_REALTIME (0: there was none), `read_ns` the monotonic time at which
        the bytes were read, `not_before_ns` the start of the request that they answer, or the
        arrival of what came before them. Absurd is a stamp after its reading, before that, or
        older than `OLDEST_STAMP_NS`; within `TOLERANCE_NS` it is moved to the moment that it
        cannot be beyond.
        """
        if not stamp_ns:
            return None
        arrival_ns = stamp_ns - self.distance_ns
        if not_before_ns <= arrival_ns <= read_ns and read_ns - arrival_ns <= OLDEST_STAMP_NS:
            return arrival_ns
        if read_ns < arrival_ns <= read_ns + TOLERANCE_NS:
            return read_ns
        if not_before_ns - TOLERANCE_NS <= arrival_ns < not_before_ns:
            return not_before_ns
        return None


PROCESS_CLOCK = KernelClock()
"""The clock of this process, shared by its connections: `run.json` reports its drift."""
