"""Differences of correlated series: bounds that hold, adjusted p-values that are the published."""

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import lfilter

from loadproof.stats.confidence_curve import ERRORS, Curve, unknown
from loadproof.stats.difference import difference, relative_change
from loadproof.stats.long_run import (
    Dependence,
    Series,
    independent_share_curve,
    long_run_variance,
    mean_curve,
    quantile_curve,
    share_curve,
)
from loadproof.stats.multiplicity import hommel
from loadproof.stats.percentiles import FloatArray, exact


def autoregressive(coefficient: float, n: int, seed: int) -> FloatArray:
    noise = np.random.default_rng(seed).standard_normal(n + 2_000)
    shocks = noise * np.sqrt(1 - coefficient**2)
    return np.exp(0.4 * lfilter([1.0], [1.0, -coefficient], shocks)[2_000:])


def test_no_bound_crosses_its_estimate_and_surer_bounds_are_wider() -> None:
    series = Series.of(autoregressive(0.8, 3_000, 1))
    curves = [mean_curve(series), share_curve((series.values > 1.5).astype(float))]
    curves += [quantile_curve(series, q) for q in (0.5, 0.9, 0.99)]
    for curve in curves:
        assert (curve.low <= curve.estimate).all()
        assert (curve.high >= curve.estimate).all()
        assert (curve.low[1:] <= curve.low[:-1]).all()
        assert (curve.high[1:] >= curve.high[:-1]).all()


@pytest.mark.parametrize("quantile", [0.5, 0.9, 0.99])
def test_a_quantile_is_the_nearest_rank(quantile: float) -> None:
    values = autoregressive(0.0, 777, 2)
    assert quantile_curve(Series.of(values), quantile).estimate == exact(values, [quantile])[0]


@pytest.mark.parametrize(
    ("coefficient", "expected"), [(0.0, 1.0), (0.9, 19.0), (0.97, 1.97 / 0.03)]
)
def test_the_variance_of_a_mean_is_that_of_the_correlated_series(
    coefficient: float, expected: float
) -> None:
    found = []
    for seed in range(40):
        values = np.log(autoregressive(coefficient, 8_000, seed)) / 0.4
        found.append(long_run_variance(values, Dependence.of(values))[0])
    assert np.mean(found) == pytest.approx(expected, rel=0.2)


def test_a_series_hardly_longer_than_its_memory_supports_no_bound() -> None:
    series = Series.of(np.exp(np.linspace(0, 1, 500)))
    for curve in (mean_curve(series), quantile_curve(series, 0.5)):
        assert np.isinf(curve.high).all()


@pytest.mark.parametrize(("coefficient", "n"), [(0.0, 800), (0.9, 4_000)])
def test_equal_runs_are_seldom_called_worse_and_a_slow_down_is_found(
    coefficient: float, n: int
) -> None:
    """The rates over thousands of runs are in benchmarks/comparison; this is a small sample."""
    worse, found, runs = 0, 0, 60
    for seed in range(runs):
        base = quantile_curve(Series.of(autoregressive(coefficient, n, 2 * seed)), 0.9)
        new = autoregressive(coefficient, n, 2 * seed + 1)
        worse += relative_change(quantile_curve(Series.of(new), 0.9), base).p_above(0) <= 0.05
        slow = quantile_curve(Series.of(1.3 * new), 0.9)
        found += relative_change(slow, base).p_above(0) <= 0.05
    assert worse <= 8  # P(more | 5 %) is 0.3 %
    assert found >= runs * 0.9


@pytest.mark.parametrize("values", [[7.0], [7.0] * 40, [1.0, 2.0], list(range(1, 30))])
def test_few_and_constant_values_have_an_estimate_and_no_false_precision(
    values: list[float],
) -> None:
    series = Series.of(np.array(values, dtype=np.float64))
    assert quantile_curve(series, 0.99).estimate == max(values)
    assert np.isinf(quantile_curve(series, 0.99).bounds(0.95).high)
    assert mean_curve(series).estimate == pytest.approx(np.mean(values))


def test_shares_without_a_hit_are_bounded_by_the_rule_of_three() -> None:
    for curve in (share_curve(np.zeros(300)), independent_share_curve(np.zeros(300))):
        assert curve.bounds(0.95).low == 0
        assert curve.bounds(0.95).high == pytest.approx(3 / 300, rel=0.01)


def test_failures_in_one_bunch_weigh_as_one() -> None:
    bunched, spread = np.zeros(2_000), np.zeros(2_000)
    bunched[1_000:1_040] = 1
    spread[::50] = 1
    assert share_curve(bunched).effective_n < 200
    assert share_curve(spread).effective_n > 1_500
    assert share_curve(bunched).bounds(0.95).high > 2 * share_curve(spread).bounds(0.95).high


def narrow(estimate: float, reach: float) -> Curve:
    width = reach * np.linspace(0, 1, len(ERRORS))
    return Curve(estimate, estimate - width, estimate + width, 100, 100)


def test_a_difference_adds_reaches_as_squares() -> None:
    found = difference(narrow(10, 3), narrow(6, 4))
    assert found.estimate == 4
    assert (found.low[-1], found.high[-1]) == (4 - 5, 4 + 5)


def test_a_relative_change_is_one_of_logarithms() -> None:
    found = relative_change(narrow(120, 0), narrow(100, 0))
    assert found.estimate == pytest.approx(0.2)
    assert found.bounds(0.95).low == pytest.approx(0.2)
    assert np.isneginf(relative_change(narrow(120, 0), unknown(100, 5, 1)).low).all()


def test_p_is_the_smallest_error_at_which_the_bound_decides() -> None:
    curve = narrow(1, 2)  # the bound passes 0 half way
    half = len(ERRORS) // 2
    assert curve.p_above(0) == ERRORS[half - 1]
    assert curve.p_above(1) == 1
    assert curve.p_above(-2) == ERRORS[-1]
    assert curve.p_below(2) == curve.p_above(0)


def test_hommel_gives_the_values_worked_out_by_hand() -> None:
    """Simes' p of the largest family that counts: a drift to Holm's or Hochberg's procedure would
    give more for the first of the last four."""
    assert hommel([0.01, 0.02, 0.03, 0.04, 0.05]) == pytest.approx([0.05] * 5)
    assert hommel([0.04, 0.001, 0.6]) == pytest.approx([0.08, 0.003, 0.6])
    assert hommel([0.02, 0.03, 0.03, 0.03]) == pytest.approx([0.03] * 4)
    assert hommel([]) == []
    assert hommel([0.03]) == [0.03]


@given(st.lists(st.floats(1e-6, 1), min_size=1, max_size=8))
def test_hommel_rejects_what_closed_testing_by_simes_does(p_values: list[float]) -> None:
    def simes(family: tuple[float, ...]) -> float:
        return min(len(family) * p / (k + 1) for k, p in enumerate(sorted(family)))

    found = hommel(p_values)
    for index, adjusted in enumerate(found):
        others = [p for k, p in enumerate(p_values) if k != index]
        families = [
            (p_values[index], *chosen)
            for size in range(len(others) + 1)
            for chosen in combinations(others, size)
        ]
        assert adjusted == pytest.approx(min(max(map(simes, families)), 1.0))
