"""Intervals of shares and means: their definitions, their coverage, their edges."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom

from loadproof.stats import binomial, mean


@pytest.mark.parametrize(("successes", "n"), [(7, 20), (1, 300), (41, 1204), (1203, 1204)])
def test_a_bound_is_the_share_at_which_what_was_seen_is_just_too_unlikely(
    successes: int, n: int
) -> None:
    found = binomial.interval(successes, n, 0.95)
    assert binom.sf(successes - 1, n, found.low) == pytest.approx(0.025)
    assert binom.cdf(successes, n, found.high) == pytest.approx(0.025)


def test_nothing_and_everything_have_one_bound_each() -> None:
    assert binomial.interval(0, 10, 0.95).high == pytest.approx(1 - 0.025**0.1)
    assert binomial.interval(0, 10, 0.95).low == 0.0
    assert binomial.interval(10, 10, 0.95).low == pytest.approx(0.025**0.1)
    assert binomial.interval(10, 10, 0.95).high == 1.0


def test_one_sided_bounds_are_those_of_the_two_sided_interval_at_90_percent() -> None:
    one, two = binomial.interval(5, 300, 0.95, sides=1), binomial.interval(5, 300, 0.9)
    assert (one.low, one.high) == pytest.approx((two.low, two.high))


def test_no_success_in_299_trials_bounds_the_share_below_one_percent() -> None:
    assert binomial.interval(0, 299, 0.95, sides=1).high <= 0.01
    assert binomial.interval(0, 298, 0.95, sides=1).high > 0.01


def test_without_trials_nothing_is_known() -> None:
    found = binomial.interval(0, 0, 0.95)
    assert (found.low, found.high) == (0.0, 1.0)


@pytest.mark.parametrize(("successes", "n"), [(-1, 10), (11, 10)])
def test_impossible_counts_are_refused(successes: int, n: int) -> None:
    with pytest.raises(ValueError, match="successes"):
        binomial.interval(successes, n, 0.95)


@pytest.mark.parametrize("probability", [0.004, 0.01, 0.03, 0.5])
def test_each_one_sided_bound_errs_at_most_as_often_as_promised(probability: float) -> None:
    n = 400
    counts = np.arange(n + 1)
    weights = binom.pmf(counts, n, probability)
    bounds = [binomial.interval(int(k), n, 0.95, sides=1) for k in counts]
    too_high = sum(w for w, b in zip(weights, bounds, strict=True) if b.low > probability)
    too_low = sum(w for w, b in zip(weights, bounds, strict=True) if b.high < probability)
    assert too_high <= 0.05 + 1e-12
    assert too_low <= 0.05 + 1e-12


@settings(max_examples=60, deadline=None, derandomize=True)
@given(
    share=st.fractions(0, 1, max_denominator=5000).map(float),
    limit=st.floats(0.001, 0.999),
    confidence=st.sampled_from([0.9, 0.95]),
)
def test_the_sample_that_settles_is_the_smallest_that_does(
    share: float, limit: float, confidence: float
) -> None:
    n = binomial.trials_to_settle(share, limit, confidence)
    if n is None:
        assert math.isclose(share, limit, rel_tol=1e-3, abs_tol=1e-3)
        return

    def settled(trials: int) -> bool:
        bounds = binomial.interval(min(share * trials, trials), trials, confidence, sides=1)
        return bounds.high <= limit or bounds.low > limit

    assert settled(n)
    assert n == 1 or not settled(n - 1)


def test_known_sample_sizes() -> None:
    assert binomial.trials_to_settle(0.0, 0.01, 0.95) == 299
    assert binomial.trials_to_settle(0.01, 0.01, 0.95) is None
    assert binomial.trials_to_settle(0.0, 0.0, 0.95) is None


def test_mean_interval_is_students() -> None:
    # Mean 4, deviation sqrt(12.5), and 2.776445 for 4 degrees of freedom in any table of t.
    reach = 2.776445 * (12.5 / 5) ** 0.5
    bounds = mean.interval(mean.Moments.of([1, 2, 3, 4, 10]), 0.95)
    assert bounds is not None
    assert (bounds.low, bounds.high) == pytest.approx((4 - reach, 4 + reach), rel=1e-6)


def test_one_sample_has_a_mean_and_no_interval() -> None:
    assert mean.interval(mean.Moments.of([5.0]), 0.95) is None


def test_perfect_scores_do_not_prove_perfection() -> None:
    assert mean.unit_interval([1.0] * 10, 0.95, sides=1).low == pytest.approx(0.05**0.1)
    assert mean.unit_interval([], 0.95).low == 0.0


def test_fractional_scores_get_an_interval_within_0_and_1() -> None:
    scores = np.random.default_rng(1).beta(8, 1, 200)
    bounds = mean.unit_interval(scores, 0.95)
    assert 0.8 < bounds.low < scores.mean() < bounds.high < 1.0
    with pytest.raises(ValueError, match="0 to 1"):
        mean.unit_interval([1.2], 0.95)


def test_a_mean_is_settled_sooner_the_further_it_is_from_the_limit() -> None:
    moments = mean.Moments(100, 90.0, 20.0)
    near = mean.samples_to_settle(moments, 91.0, 0.95)
    far = mean.samples_to_settle(moments, 110.0, 0.95)
    assert near is not None
    assert far is not None
    assert near > 1000 > far
    assert mean.samples_to_settle(moments, 90.0, 0.95) is None
