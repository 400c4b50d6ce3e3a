"""Bounds from one series of requests that are not independent of each other."""

import numpy as np
import pytest
from scipy.signal import lfilter
from scipy.stats import binom, norm

from loadproof.stats import binomial, clustered
from loadproof.stats.looking import Plan
from loadproof.stats.series import mean_bounds, share_bounds
from loadproof.stats.settling import requests_to_settle, settles


def independent(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(0.0, 0.5, n)


def test_repeating_each_request_does_not_add_evidence() -> None:
    once = share_bounds(independent(1_000), 2.0, 0.95)
    tenfold = share_bounds(np.repeat(independent(1_000), 10), 2.0, 0.95)
    assert tenfold.correlation_requests == pytest.approx(10, rel=0.35)
    assert tenfold.high == pytest.approx(once.high, rel=0.2)


def test_without_values_nothing_is_known() -> None:
    nothing = share_bounds(np.empty(0), 1.0, 0.95)
    assert (nothing.low, nothing.high, nothing.n) == (0.0, 1.0, 0)
    mean = mean_bounds(np.empty(0), 0.95)
    assert (mean.low, mean.high) == (-np.inf, np.inf)


def test_asking_between_two_looks_gives_the_last_look() -> None:
    values = independent(400)
    plan = Plan(requests=1_000)
    look = max(look for look in plan.looks() if look <= 300)
    assert share_bounds(values[:look], 2.0, 0.95, plan=plan) == share_bounds(
        values[: look + 1], 2.0, 0.95, plan=plan
    )


def test_settles_agrees_with_the_least_number_of_requests() -> None:
    assert settles(298, 0.01, 0.95)[0] is None
    low, high = settles(1_000, 0.01, 0.95)
    assert low == pytest.approx(0.00243, abs=1e-5)
    assert high == pytest.approx(0.022, abs=2e-3)
    assert requests_to_settle(0.0, 0.01, 0.95, 3.0) == 3 * 299
    assert binomial.trials_to_settle(0.0, 0.01, 0.95) == 299


def autoregressive(runs: int, n: int, coefficient: float = 0.9) -> np.ndarray:
    noise = np.random.default_rng(5).standard_normal((runs, n))
    noise[:, 1:] *= np.sqrt(1 - coefficient**2)
    return np.exp(lfilter([1.0], [1.0, -coefficient], noise, axis=1))


def test_of_correlated_runs_at_the_limit_few_are_said_to_hold_or_to_be_broken() -> None:
    limit = float(np.exp(norm.isf(0.01)))
    found = [share_bounds(values, limit, 0.95) for values in autoregressive(80, 4_000)]
    assert sum(bounds.high <= 0.01 for bounds in found) <= 8
    assert sum(bounds.low > 0.01 for bounds in found) <= 8
    assert all(3 < bounds.correlation_requests < 20 for bounds in found)


def test_of_correlated_runs_well_below_the_limit_most_are_said_to_hold() -> None:
    limit = float(np.exp(norm.isf(0.003)))
    found = [share_bounds(values, limit, 0.95) for values in autoregressive(30, 10_000)]
    assert sum(bounds.high <= 0.01 for bounds in found) >= 20


def test_a_series_that_is_one_long_wave_proves_nothing() -> None:
    values = autoregressive(1, 500, 0.999)[0]
    bounds = share_bounds(values, float(values.max()) + 1, 0.95)
    assert bounds.high > 0.1
    assert mean_bounds(values, 0.95).high == np.inf


def test_all_looks_together_err_as_often_as_allowed() -> None:
    rng = np.random.default_rng(3)
    looks = Plan(requests=10_000).looks_at(0.95)
    assert looks[-1].requests == 10_000
    walk, before, crossed = np.zeros(40_000), 0, np.zeros(40_000, dtype=bool)
    for look in looks:
        walk += rng.standard_normal(40_000) * np.sqrt(look.requests - before)
        before = look.requests
        crossed |= walk / np.sqrt(before) > norm.isf(look.miss)
    assert crossed.mean() == pytest.approx(0.05, abs=0.005)


def test_what_was_settled_at_a_look_stays_settled() -> None:
    values = independent(3_000)
    values[1_000:] *= 10
    plan = Plan(requests=3_000)
    early = share_bounds(values[:1_000], 5.0, 0.95, plan=plan)
    late = share_bounds(values, 5.0, 0.95, plan=plan)
    assert late.high <= early.high <= 0.01


def test_clusters_of_one_request_are_a_binomial_count() -> None:
    shares, independent_ones = np.array([0.003, 0.01, 0.3]), np.ones(3)
    assert clustered.at_most(4, 1_000, shares, independent_ones) == pytest.approx(
        binom.cdf(4, 1_000, shares)
    )
    assert clustered.at_least(4, 1_000, shares, independent_ones) == pytest.approx(
        binom.sf(3, 1_000, shares)
    )


def test_counts_of_clusters_are_as_simulated() -> None:
    rng = np.random.default_rng(8)
    clusters = rng.poisson(6.0, 40_000)
    # Geometric sizes of mean 5 make the count vary 9 times what a Poisson one of mean 30 does.
    counts = clusters + rng.negative_binomial(np.maximum(clusters, 1), 0.2) * (clusters > 0)
    for count in (0, 5, 20, 60):
        found = clustered.at_most(count, 3_000, np.array([0.01]), np.array([9.0]))[0]
        assert found == pytest.approx(np.mean(counts <= count), abs=0.01)
