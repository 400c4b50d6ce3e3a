"""Where a series becomes steady: start-ups are cut, trends are found, and chance is neither."""

from collections.abc import Callable

import numpy as np
import pytest
from scipy.signal import lfilter

from loadproof.stats.percentiles import FloatArray
from loadproof.stats.steady_state import mser, normal_scores, start_up, trend

RUNS = 40


def noise(seed: int, n: int, correlation: float = 0.0) -> FloatArray:
    """Log-normal values of median 1 whose logarithms are a stationary autoregression."""
    steps = np.random.default_rng(seed).standard_normal(n)
    steps[1:] *= np.sqrt(1 - correlation**2)
    return np.asarray(np.exp(0.3 * lfilter([1.0], [1.0, -correlation], steps)))


def waits(seed: int, n: int, utilisation: float) -> FloatArray:
    """Waiting and service of an M/M/1 queue, from its stationary state on where it has one."""
    rng = np.random.default_rng(seed)
    busy = utilisation < 1 and rng.random() < utilisation
    begin = rng.exponential(1 / (1 - utilisation)) if busy else 0.0
    services, between = rng.exponential(1.0, n), rng.exponential(1 / utilisation, n)
    walk = np.concatenate([[begin], begin + np.cumsum(services[:-1] - between[1:])])
    return np.asarray(walk - np.minimum(np.minimum.accumulate(walk), 0.0) + services)


def trend_of(values: FloatArray) -> bool:
    return trend(normal_scores(values), values) is not None


def test_mser_leaves_out_what_makes_the_mean_less_sure() -> None:
    means = np.concatenate([np.full(7, 9.0), np.tile([1.0, 1.2], 40)])
    assert mser(means, 40) == 7


def test_mser_leaves_five_at_least_and_takes_no_more_than_it_may() -> None:
    falling = np.linspace(5, 1, 30)
    assert mser(falling, 15) == 15
    assert mser(falling, 30) <= 25


@pytest.mark.parametrize(("burst", "n"), [(15, 500), (60, 500), (60, 4000), (200, 1000)])
def test_a_start_burst_is_cut_to_within_a_batch_or_two(burst: int, n: int) -> None:
    values = noise(1, n)
    values[:burst] *= 3
    assert abs(start_up(normal_scores(values)).count - burst) <= 10


def test_a_start_that_is_faster_is_cut_too() -> None:
    values = noise(2, 1000)
    values[:80] /= 3
    assert abs(start_up(normal_scores(values)).count - 80) <= 10


def test_a_start_up_of_more_than_half_has_no_end() -> None:
    values = noise(3, 1000)
    values[:650] *= 4
    assert start_up(normal_scores(values)).endless


def test_what_happens_again_and_again_is_no_start_up() -> None:
    values = np.where(np.arange(1000) % 100 == 0, 131.0, 100.0)
    assert start_up(normal_scores(values)).count == 0


def test_too_few_measurements_are_never_cut_and_never_condemned() -> None:
    values = np.concatenate([np.full(20, 9.0), noise(4, 70)])
    assert start_up(normal_scores(values)).count == 0
    rising = np.linspace(1, 9, 250) * noise(5, 250)
    assert not trend_of(rising)


@pytest.mark.parametrize(
    "series",
    [
        pytest.param(lambda seed: noise(seed, 2000), id="independent"),
        pytest.param(lambda seed: noise(seed, 2000, 0.9), id="AR(1) 0.9"),
        pytest.param(lambda seed: noise(seed, 2000, 0.99), id="AR(1) 0.99"),
        pytest.param(lambda seed: waits(seed, 2000, 0.8), id="M/M/1 0.8"),
        pytest.param(lambda seed: waits(seed, 2000, 0.9), id="M/M/1 0.9"),
        pytest.param(lambda seed: noise(seed, 300, 0.9), id="AR(1) 0.9, short"),
    ],
)
def test_steady_series_are_seldom_cut_and_seldom_condemned(
    series: Callable[[int], FloatArray],
) -> None:
    found = [series(seed) for seed in range(RUNS)]
    assert sum(start_up(normal_scores(values)).count > 0 for values in found) <= 5
    assert sum(trend_of(values) for values in found) <= 5


@pytest.mark.parametrize(
    "series",
    [
        pytest.param(lambda seed: waits(seed, 3000, 1.3), id="overloaded queue"),
        pytest.param(lambda seed: np.linspace(1, 2, 1000) * noise(seed, 1000), id="linear"),
        pytest.param(
            lambda seed: (1 + np.exp(-np.linspace(0, 3, 2000))) * noise(seed, 2000), id="decay"
        ),
        pytest.param(
            lambda seed: np.repeat([1.0, 1.6], [1200, 800]) * noise(seed, 2000), id="shift"
        ),
    ],
)
def test_what_keeps_changing_is_found(series: Callable[[int], FloatArray]) -> None:
    assert sum(trend_of(series(seed)) for seed in range(RUNS)) >= 0.9 * RUNS


def test_a_trend_too_small_to_matter_is_none_however_sure() -> None:
    assert not trend_of(np.linspace(1, 1.15, 20_000) * noise(6, 20_000))


def test_a_shift_says_where_it_came() -> None:
    values = np.repeat([1.0, 1.6], [2000, 2000]) * noise(7, 4000) ** 0.2
    found = trend(normal_scores(values), values)
    assert found is not None
    assert found.ratio == pytest.approx(1.6, rel=0.05)
    assert found.shift_at == pytest.approx(0.5, abs=0.05)


def test_a_constant_series_is_steady() -> None:
    values = np.full(1000, 42.0)
    assert start_up(normal_scores(values)).count == 0
    assert not trend_of(values)


def test_tasks_are_ranked_among_themselves() -> None:
    values = np.array([1.0, 100.0, 2.0, 200.0])
    tasks = np.array(["a", "b", "a", "b"])
    scores = normal_scores(values, tasks)
    assert scores[0] == scores[1] < scores[2] == scores[3]
