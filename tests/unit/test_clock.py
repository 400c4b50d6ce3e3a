"""Kernel stamps become monotonic times, or are told to be no good."""

import pytest

from loadproof.streaming.clock import OLDEST_STAMP_NS, KernelClock, pair

SECOND = 1_000_000_000


class Clocks:
    """A wall and a monotonic clock that are moved by hand."""

    def __init__(self) -> None:
        self.now_ns = 100 * SECOND
        self.distance_ns = 5_000 * SECOND

    def monotonic(self) -> int:
        return self.now_ns

    def wall(self) -> int:
        return self.now_ns + self.distance_ns


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def kernel(clocks: Clocks) -> KernelClock:
    return KernelClock(clocks.monotonic, clocks.wall)


def test_the_tightest_bracket_is_taken() -> None:
    ticks = iter([0, 900, 1000, 1010, 2000, 2500, 3000, 3300, 4000, 4400])
    walls = iter([100_450, 101_005, 102_000, 103_000, 104_000])
    found = pair(lambda: next(ticks), lambda: next(walls))
    assert (found.distance_ns, found.uncertainty_ns) == (100_000, 5)


def test_a_stamp_becomes_a_monotonic_time(kernel: KernelClock, clocks: Clocks) -> None:
    read_ns = clocks.now_ns + 5_000_000
    stamp_ns = clocks.wall() + 3_000_000
    assert kernel.arrival_ns(stamp_ns, read_ns, clocks.now_ns) == clocks.now_ns + 3_000_000


@pytest.mark.parametrize(
    ("after_ns", "read_after_ns"),
    [
        (-SECOND, 0),
        (2 * SECOND, SECOND),
        (0, OLDEST_STAMP_NS + 1),
    ],
    ids=["before the request", "after its reading", "too old"],
)
def test_an_absurd_stamp_is_none(
    kernel: KernelClock, clocks: Clocks, after_ns: int, read_after_ns: int
) -> None:
    stamp_ns = clocks.wall() + after_ns
    assert kernel.arrival_ns(stamp_ns, clocks.now_ns + read_after_ns, clocks.now_ns) is None


def test_a_missing_stamp_is_none(kernel: KernelClock, clocks: Clocks) -> None:
    assert kernel.arrival_ns(0, clocks.now_ns, clocks.now_ns) is None


def test_a_stamp_beyond_a_moment_by_mere_noise_is_moved_to_it(
    kernel: KernelClock, clocks: Clocks
) -> None:
    now_ns = clocks.now_ns
    assert kernel.arrival_ns(clocks.wall() + 900, now_ns, now_ns - 500) == now_ns
    assert kernel.arrival_ns(clocks.wall() - 900, now_ns, now_ns - 500) == now_ns - 500


def test_a_wall_clock_that_is_set_is_noticed_and_followed(
    kernel: KernelClock, clocks: Clocks
) -> None:
    clocks.now_ns += SECOND
    clocks.distance_ns -= 20_000_000
    kernel.refresh()
    assert (kernel.steps, kernel.drift_ns) == (1, -20_000_000)
    assert kernel.arrival_ns(clocks.wall(), clocks.now_ns, 0) == clocks.now_ns


def test_a_steady_wall_clock_is_no_step(kernel: KernelClock, clocks: Clocks) -> None:
    for _ in range(5):
        clocks.now_ns += SECOND
        kernel.refresh()
    assert (kernel.steps, kernel.drift_ns) == (0, 0)


def test_the_clocks_are_not_paired_again_before_it_is_due(
    kernel: KernelClock, clocks: Clocks
) -> None:
    clocks.now_ns += 50_000_000
    clocks.distance_ns += SECOND
    kernel.refresh()
    assert kernel.drift_ns == 0
    kernel.refresh(older_than_ns=1)
    assert kernel.drift_ns == SECOND
