"""The bootstrap over kinds of answers: as drawing answers one by one, skewness taken in."""

import numpy as np
import pytest
from scipy import stats

from loadproof.stats import bootstrap


def test_the_interval_is_that_of_drawing_answers_one_by_one() -> None:
    rng = np.random.default_rng(11)
    scores = rng.choice([0.0, 0.4, 0.5, 0.8, 1.0], 150, p=[0.1, 0.1, 0.1, 0.2, 0.5])
    kinds, counts = bootstrap.kinds_of(scores)
    ours = bootstrap.interval(counts, bootstrap.mean_of(kinds), 0.95)
    theirs = stats.bootstrap((scores,), np.mean, confidence_level=0.95, rng=rng)
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.006)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.006)


def test_the_same_sample_has_the_same_interval() -> None:
    counts, statistic = np.array([5, 20, 60]), bootstrap.mean_of(np.array([0.0, 0.5, 1.0]))
    assert bootstrap.interval(counts, statistic, 0.9) == bootstrap.interval(counts, statistic, 0.9)


def test_one_sided_bounds_lie_within_the_two_sided_ones() -> None:
    counts, statistic = np.array([5, 20, 60]), bootstrap.mean_of(np.array([0.0, 0.5, 1.0]))
    two, one = (bootstrap.interval(counts, statistic, 0.95, sides=s) for s in (2, 1))
    assert two.low < one.low < one.high < two.high


def test_a_single_kind_has_no_width_and_an_empty_sample_is_refused() -> None:
    statistic = bootstrap.mean_of(np.array([0.5]))
    found = bootstrap.interval(np.array([40]), statistic, 0.95)
    assert (found.low, found.high) == (0.5, 0.5)
    with pytest.raises(ValueError, match="no sample"):
        bootstrap.interval(np.array([0]), statistic, 0.95)


def test_p_never_claims_more_than_the_replicates_can_show() -> None:
    assert bootstrap.achieved_level(np.full(999, 0.2)) == pytest.approx(2 / 1000)
    assert bootstrap.achieved_level(np.zeros(999)) == 1
