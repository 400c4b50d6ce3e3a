"""Bounds from one series of requests that are not independent of each other."""

import numpy as np
import pytest

from loadproof.stats import binomial
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
