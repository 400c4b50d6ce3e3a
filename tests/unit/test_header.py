"""run.json tells how far the two clocks have moved apart in a run."""

import time

import pytest

from loadproof.load.header import closing_header

HOUR_NS = 3_600_000_000_000


@pytest.mark.parametrize("set_ahead_ns", [0, HOUR_NS, -HOUR_NS])
def test_a_wall_clock_that_was_set_is_told_as_drift_and_nothing_else_changes(
    set_ahead_ns: int,
) -> None:
    begun = {
        "schema_version": 1,
        "clocks": {
            "monotonic_ns": time.monotonic_ns(),
            "wall_ns": time.time_ns() - set_ahead_ns,
            "boot_id": "x",
        },
    }
    closed = closing_header(begun)
    drift_ns = closed["clocks"].pop("drift_ns")
    assert closed == begun
    # Between the two readings above this process may have waited for the CPU, though not for long.
    assert abs(drift_ns - set_ahead_ns) < HOUR_NS / 60
