"""The run's clock: the monotonic clock of the machine that conducts it."""

import time
from pathlib import Path


def boot_id() -> str | None:
    """What tells this boot of this machine apart; processes that share it share the clock."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None


def wall_minus_monotonic_ns() -> int:
    """The distance from the monotonic to the wall clock, from the tightest of several readings."""
    readings = []
    for _ in range(5):
        before_ns = time.monotonic_ns()
        wall_ns = time.time_ns()
        after_ns = time.monotonic_ns()
        readings.append((after_ns - before_ns, wall_ns - (before_ns + after_ns) // 2))
    return min(readings)[1]


def offset_to_run_ns(run_boot_id: str | None, run_wall_minus_monotonic_ns: int) -> int:
    """What to add to this machine's monotonic clock to get the run's.

    Nothing on the machine that conducts the run; elsewhere the two wall clocks are trusted to be
    in step, as NTP keeps them.
    """
    if run_boot_id is not None and run_boot_id == boot_id():
        return 0
    return wall_minus_monotonic_ns() - run_wall_minus_monotonic_ns
