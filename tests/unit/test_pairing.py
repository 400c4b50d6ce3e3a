"""Paired comparisons: McNemar's exact test, bounds of a drop, several askings of a question."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from loadproof.stats import pairing
from loadproof.stats.paired_rates import mcnemar, score_bounds, sign_flip
from loadproof.stats.pairing import Pairs


def pairs(both: int, lost: int, gained: int, neither: int, times: int = 1) -> Pairs:
    """Every question asked `times` times at both levels, always with the same grades."""
    before = np.repeat([1.0, 1.0, 0.0, 0.0], [both, lost, gained, neither])
    after = np.repeat([1.0, 0.0, 1.0, 0.0], [both, lost, gained, neither])
    question = np.arange(len(before))
    return Pairs(np.tile(question, times), np.tile(before, times), np.tile(after, times))


def scored(drops: list[float]) -> Pairs:
    before = np.full(len(drops), 0.7)
    return Pairs(np.arange(len(drops)), before, before - np.array(drops))


def test_mcnemar_is_the_exact_binomial_test_of_discordant_pairs() -> None:
    # 10 against 2 of 12 fair coins: 2 * (1 + 12 + 66) / 4096
    assert pairs(80, 10, 2, 8).p_value() == pytest.approx(2 * 79 / 4096)
    assert pairs(80, 2, 10, 8).p_value() == pytest.approx(2 * 79 / 4096)


def test_nothing_differing_or_nothing_asked_is_no_evidence() -> None:
    assert pairs(100, 0, 0, 20).p_value() == 1
    assert pairs(0, 0, 0, 0).p_value() == 1
    assert pairs(10, 4, 4, 2).p_value() == 1


def test_a_question_asked_eight_times_counts_as_one() -> None:
    once, eight_times = pairs(100, 6, 0, 14), pairs(100, 6, 0, 14, times=8)
    assert eight_times.p_value() == once.p_value() == pytest.approx(2 / 2**6)
    assert pairing.design_effect(eight_times) == pytest.approx(8, rel=0.02)
    assert eight_times.drop_bounds(0.95).high == pytest.approx(
        once.drop_bounds(0.95).high, abs=0.002
    )


def test_askings_of_a_question_that_vary_by_themselves_all_count() -> None:
    rng = np.random.default_rng(3)
    right = np.repeat(rng.beta(6, 2, 120), 8)
    question = np.repeat(np.arange(120), 8)
    drawn = [(rng.random(960) < right).astype(float) for _ in range(2)]
    assert pairing.design_effect(Pairs(question, drawn[0], drawn[1])) < 1.3


@given(st.lists(st.integers(-4, 4), min_size=1, max_size=7))
def test_the_sign_flip_test_counts_all_signs(net: list[int]) -> None:
    total = abs(sum(net))
    signs = [
        sum(size if bits >> index & 1 else -size for index, size in enumerate(net))
        for bits in range(2 ** len(net))
    ]
    at_least = sum(abs(value) >= total for value in signs) / len(signs)
    assert mcnemar(np.array(net)) == pytest.approx(at_least)


def test_many_pairs_are_compared_in_an_instant_and_alike() -> None:
    net = np.array([2] * 1_000 + [-2] * 1_100 + [1] * 1_000 + [-1] * 1_000)
    exact = mcnemar(net[::2])
    assert 0 < mcnemar(net) < exact < 1
    ones = np.array([2] * 40_000 + [-2] * 40_400)
    assert mcnemar(ones) == pytest.approx(binomtest(40_000, 80_400).pvalue, rel=0.01)


def test_tangos_bounds_agree_with_those_of_r() -> None:
    # PropCIs::scoreci.mp(48, 41, 549, 0.90)
    bounds = score_bounds(48, 41, 549, 0.90)
    assert (bounds.low, bounds.high) == pytest.approx((-0.0157, 0.0414), abs=5e-5)
    mirrored = score_bounds(41, 48, 549, 0.90)
    assert (mirrored.low, mirrored.high) == pytest.approx((-bounds.high, -bounds.low))


def test_tangos_bounds_have_width_where_no_pair_differs() -> None:
    bounds = score_bounds(0, 0, 100, 0.95, sides=1)
    z2 = 1.6448536269514722**2
    assert bounds.high == pytest.approx(z2 / (100 + z2))
    assert bounds.low == pytest.approx(-bounds.high)


@given(st.integers(0, 30), st.integers(0, 30), st.integers(0, 60), st.sampled_from([0.8, 0.95]))
def test_the_bounds_hold_what_was_observed(
    lost: int, gained: int, alike: int, confidence: float
) -> None:
    n = lost + gained + alike
    if n == 0:
        return
    bounds = score_bounds(lost, gained, n, confidence)
    observed = (lost - gained) / n
    assert -1 <= bounds.low <= observed + 1e-9
    assert observed - 1e-9 <= bounds.high <= 1


def test_scores_are_compared_by_the_bootstrap() -> None:
    rng = np.random.default_rng(5)
    noise = rng.choice([-0.3, -0.1, 0.0, 0.2, 0.3], 200)
    fell, same = scored(list(noise + 0.08)), scored(list(noise - noise.mean()))
    assert fell.p_value() < 0.001
    assert same.p_value() > 0.5
    bounds = fell.drop_bounds(0.95)
    half = 1.96 * np.std(fell.before - fell.after) / np.sqrt(200)
    assert bounds.low == pytest.approx(fell.drop - half, abs=0.005)
    assert bounds.high == pytest.approx(fell.drop + half, abs=0.005)


@pytest.mark.parametrize("drops", [[0.0] * 200, [0.25] * 200, [0.1, 0.4, 0.0]])
def test_scores_that_tell_no_spread_still_have_an_interval(drops: list[float]) -> None:
    bounds = scored(drops).drop_bounds(0.95)
    assert bounds.low < np.mean(drops) < bounds.high


def test_few_scores_are_compared_by_flipping_signs() -> None:
    assert scored([0.25]).p_value() == 1
    assert scored([0.25, 0.5, 0.1]).p_value() == pytest.approx(2 / 8)
    assert scored([0.1] * 20).p_value() == pytest.approx(2 / 2**20, abs=1e-4)
    rng = np.random.default_rng(9)
    drops = rng.choice([-0.3, 0.0, 0.4, 0.5], 40)
    assert sign_flip(np.rint(drops * 10)) == pytest.approx(
        mcnemar(np.rint(drops * 10).astype(np.int64)), abs=0.01
    )


def test_no_pairs_say_nothing() -> None:
    bounds = pairs(0, 0, 0, 0).drop_bounds(0.95)
    assert (bounds.low, bounds.high) == (-1, 1)
    assert pairs(0, 0, 0, 0).pairs_to_settle(0.02, 0.95) is None


def test_so_many_pairs_would_settle_it() -> None:
    few = pairs(90, 1, 1, 8)
    needed = few.pairs_to_settle(0.02, 0.95)
    assert needed is not None
    scale = needed / few.n
    assert score_bounds(scale, scale, needed, 0.95, sides=1).high <= 0.02
    assert score_bounds(0.9 * scale, 0.9 * scale, 0.9 * needed, 0.95, sides=1).high > 0.02
    assert pairs(90, 2, 0, 8).pairs_to_settle(0.02, 0.95) is None
