"""Tokens are shared among events so that they add up."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadproof.streaming.token_counts import tokens_by_proportion, tokens_by_usage


@pytest.mark.parametrize(
    ("counts", "tokens"),
    [([1, 2, 3], [1, 1, 1]), ([3, 4, 9], [3, 1, 5]), ([2, 2, 3], [2, 1, 1]), ([], []),
     ([5, 4, 6], [5, 1, 1])],
)  # fmt: skip
def test_running_totals_are_taken_apart(counts: list[int], tokens: list[int]) -> None:
    assert list(tokens_by_usage(counts)) == tokens


@pytest.mark.parametrize(
    ("sizes", "total", "tokens"),
    [
        ([4, 1, 8], 10, [3, 2, 5]),
        ([1, 1, 1], 5, [2, 2, 1]),
        ([0, 0], 4, [2, 2]),
        ([9, 9], 2, [1, 1]),
        ([9, 9], 1, [1, 1]),
        ([], 7, []),
    ],
)
def test_a_total_is_shared_by_largest_remainder(
    sizes: list[int], total: int, tokens: list[int]
) -> None:
    assert list(tokens_by_proportion(sizes, total)) == tokens


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=40), st.integers(0, 5_000))
def test_every_token_is_given_to_an_event(sizes: list[int], total: int) -> None:
    tokens = tokens_by_proportion(sizes, total)
    assert sum(tokens) == max(total, len(sizes))
    assert min(tokens) >= 1
