"""Wilson's interval: as scipy has it, and at the ends."""

import pytest
from scipy.stats import binomtest

from loadproof.stats import wilson


@pytest.mark.parametrize(("hits", "n"), [(0, 10), (1, 7), (113, 120), (50, 100), (10, 10)])
@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_agrees_with_scipy(hits: int, n: int, confidence: float) -> None:
    theirs = binomtest(hits, n).proportion_ci(confidence, method="wilson")
    ours = wilson.interval(hits, n, confidence)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_takes_a_sum_of_scores_and_says_all_of_nothing() -> None:
    low, high = (wilson.interval(hits, 12, 0.95) for hits in (9, 10))
    assert low.low < wilson.interval(9.5, 12, 0.95).low < high.low
    assert (wilson.interval(0, 0, 0.95).low, wilson.interval(0, 0, 0.95).high) == (0, 1)


@pytest.mark.parametrize(("hits", "n", "confidence"), [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_refuses_what_is_no_sample(hits: int, n: int, confidence: float) -> None:
    with pytest.raises(ValueError, match="has to be"):
        wilson.interval(hits, n, confidence)
