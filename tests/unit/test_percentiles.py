"""Percentiles by the nearest rank, and the share over a limit that says the same."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadproof.stats.percentiles import exact, exceedance, rank


@pytest.mark.parametrize(
    ("quantile", "n", "expected"),
    [
        (0.5, 1, 1),
        (0.5, 2, 1),
        (0.94, 10, 10),  # HdrHistogram_py rounds to 9
        (0.99, 100, 99),
        (0.99, 101, 100),
        (0.07, 100, 7),  # 0.07 * 100 is 7.000000000000001
        (0.999, 1000, 999),
        (1.0, 10, 10),
        (0.0, 10, 1),
    ],
)
def test_the_rank_is_the_ceiling(quantile: float, n: int, expected: int) -> None:
    assert rank(quantile, n) == expected


def test_a_percentile_is_one_of_the_samples_in_any_order() -> None:
    assert exact([30.0, 10.0, 20.0], [0.5, 0.99, 0.01]) == [20.0, 30.0, 10.0]


def test_without_samples_there_is_no_percentile() -> None:
    with pytest.raises(ValueError, match="no samples"):
        exact([], [0.5])


def test_a_quantile_is_a_share() -> None:
    with pytest.raises(ValueError, match="from 0 to 1"):
        rank(99, 10)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    values=st.lists(st.integers(0, 20), min_size=1, max_size=150),
    limit=st.integers(0, 20),
    percent=st.sampled_from([50, 90, 95, 99]),
)
def test_a_percentile_is_within_a_limit_just_when_few_enough_are_over_it(
    values: list[int], limit: int, percent: int
) -> None:
    (percentile,) = exact([float(value) for value in values], [percent / 100])
    over = exceedance([float(value) for value in values], limit)
    assert (percentile <= limit) == (over.over * 100 <= (100 - percent) * over.n)


def test_a_value_at_the_limit_is_not_over_it() -> None:
    assert exceedance([120.0, 120.1, 119.9], 120.0).over == 1
    assert exceedance([], 120.0).share == 0.0
