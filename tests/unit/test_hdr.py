import math

import numpy as np
import pytest
from hdrh.histogram import HdrHistogram
from hypothesis import given, settings
from hypothesis import strategies as st

from loadproof.recording.hdr import (
    HIGHEST_US,
    IntervalHistograms,
    add_histogram,
    count_near,
    count_over,
    counts_of,
    decode_histogram,
    highest_us,
    mean,
    new_histogram,
    percentile,
    percentiles,
)

TAG = "0/chat/itl"
EDGES = sorted(
    {
        value
        for power in range(33)
        for multiple in (1024, 1025, 1337, 2047, 2048)
        for value in (
            (multiple << power) - 1,
            multiple << power,
            (multiple << power) + 1,
            (1 << power) - 1,
            1 << power,
        )
        if value <= HIGHEST_US
    }
    | {0, 1, 2, HIGHEST_US - 1, HIGHEST_US}
)
values_us = st.lists(
    st.one_of(st.integers(0, HIGHEST_US), st.sampled_from(EDGES), st.integers(0, 5000)),
    min_size=1,
    max_size=200,
)


def recorded_by_the_library(values: list[int]) -> HdrHistogram:
    histogram = new_histogram()
    for value in values:
        assert histogram.record_value(value)
    return histogram


def recorded(values: list[int] | np.ndarray) -> HdrHistogram:
    histograms = IntervalHistograms()
    histograms.record(TAG, np.asarray(values, dtype=np.float64))
    return decode_histogram(histograms.take()[TAG])


@settings(max_examples=60, deadline=None)
@given(values_us)
def test_bulk_recording_encodes_to_the_same_bytes_as_record_value(values: list[int]) -> None:
    bulk, single = IntervalHistograms(), IntervalHistograms()
    bulk.record(TAG, np.asarray(values, dtype=np.float64))
    for value in values:
        single.record(TAG, float(value))
    expected = recorded_by_the_library(values).encode()
    assert bulk.take() == {TAG: expected}
    assert single.take() == {TAG: expected}


def test_bulk_recording_counts_every_bucket_edge_as_record_value_does() -> None:
    ours, theirs = recorded(EDGES), recorded_by_the_library(EDGES)
    assert np.array_equal(counts_of(ours), counts_of(theirs))
    assert ours.get_total_count() == len(EDGES)


def test_more_values_than_wait_together_are_all_counted() -> None:
    values = np.random.default_rng(5).lognormal(9.5, 1.0, 20_000).astype(int)
    histograms = IntervalHistograms()
    for part in np.array_split(values.astype(np.float64), [1, 4095, 4096, 4097, 9000]):
        histograms.record(TAG, part)
    taken = decode_histogram(histograms.take()[TAG])
    assert np.array_equal(counts_of(taken), counts_of(recorded_by_the_library(values.tolist())))


@pytest.mark.parametrize("distinct", [1, 2, 126, 127, 128, 3000])
def test_few_and_many_counts_encode_to_the_same_bytes_as_the_library(distinct: int) -> None:
    values = [7 * index for index in range(distinct)] + [HIGHEST_US] * 300
    histograms = IntervalHistograms()
    histograms.record(TAG, np.asarray(values, dtype=np.float64))
    assert histograms.take() == {TAG: recorded_by_the_library(values).encode()}


@settings(max_examples=60, deadline=None)
@given(values_us)
def test_the_highest_value_of_an_encoding_is_known_without_decoding(values: list[int]) -> None:
    encoded = recorded_by_the_library(values).encode()
    assert highest_us(encoded) == decode_histogram(encoded).get_max_value()


def test_the_highest_value_of_what_is_no_histogram_is_refused() -> None:
    whole = recorded_by_the_library([5, 9]).encode()
    for encoded in (b"", b"HISTFAAAA", whole[:-9], b"x" + whole):
        with pytest.raises(ValueError, match="no HdrHistogram"):
            highest_us(encoded)


def test_values_are_rounded_to_whole_microseconds() -> None:
    assert np.flatnonzero(counts_of(recorded(np.array([0.4, 1.6, 3.0])))).tolist() == [0, 2, 3]


def test_the_callers_array_may_be_changed_after_recording() -> None:
    histograms = IntervalHistograms()
    values = np.array([100.0, 200.0])
    histograms.record(TAG, values)
    values[:] = 7.0
    taken = decode_histogram(histograms.take()[TAG])
    assert np.flatnonzero(counts_of(taken)).tolist() == [100, 200]


def test_values_outside_the_range_are_clamped_and_counted() -> None:
    histograms = IntervalHistograms()
    histograms.record(TAG, np.array([-3.0, 5.0, 4e9, math.inf]))
    histograms.record(TAG, -math.inf)
    taken = decode_histogram(histograms.take()[TAG])
    assert histograms.clamped == 4
    assert taken.get_total_count() == 5
    assert taken.get_min_value() == 0
    assert taken.get_max_value() == pytest.approx(HIGHEST_US, rel=1e-3)


@pytest.mark.parametrize("values", [math.nan, np.array([1.0, math.nan])])
def test_what_is_not_a_number_is_refused_with_its_tag(values: float | np.ndarray) -> None:
    histograms = IntervalHistograms()
    with pytest.raises(ValueError, match=TAG):
        histograms.record(TAG, values)


def test_an_interval_starts_empty_and_leaves_out_untouched_tags() -> None:
    histograms = IntervalHistograms()
    histograms.record("0/chat/ttft", 1000.0)
    histograms.record("0/chat/e2e", np.array([], dtype=np.float64))
    assert list(histograms.take()) == ["0/chat/ttft"]
    assert histograms.take() == {}
    histograms.record("1/chat/ttft", 5.0)
    histograms.record("0/chat/ttft", 9.0)
    taken = {tag: decode_histogram(data) for tag, data in histograms.take().items()}
    assert {tag: (h.get_total_count(), h.get_max_value()) for tag, h in taken.items()} == {
        "1/chat/ttft": (1, 5),
        "0/chat/ttft": (1, 9),
    }


@settings(max_examples=30, deadline=None)
@given(st.lists(values_us, min_size=1, max_size=4))
def test_intervals_add_up_exactly(intervals: list[list[int]]) -> None:
    total = new_histogram()
    for values in intervals:
        add_histogram(total, recorded(values))
    whole = [value for values in intervals for value in values]
    assert np.array_equal(counts_of(total), counts_of(recorded_by_the_library(whole)))
    assert total.get_total_count() == len(whole)
    assert total.get_min_value() <= min(whole) <= total.get_min_value() * 1.001
    assert max(whole) <= total.get_max_value() <= max(whole) * 1.001


def test_adding_an_empty_histogram_leaves_the_minimum_alone() -> None:
    total = recorded([500])
    add_histogram(total, new_histogram())
    assert total.get_min_value() == 500
    first = new_histogram()
    add_histogram(first, recorded([500]))
    assert (first.get_min_value(), first.get_max_value()) == (500, 500)


def test_a_percentiles_rank_is_ceiled() -> None:
    histogram = recorded(list(range(1, 11)))
    assert percentile(histogram, 0.94) == 10
    assert percentile(histogram, 0.90) == 9
    assert percentile(histogram, 0.0) == 1
    assert percentile(histogram, 1.0) == 10


def test_a_percentiles_rank_is_that_of_the_decimal_meant() -> None:
    """99.9 / 100 is a little more than 0.999 in floats: a naive ceil gives rank 1,000."""
    assert percentile(recorded(list(range(1, 1001))), 99.9 / 100) == 999
    assert percentile(recorded(list(range(1, 101))), 0.07) == 7


@settings(max_examples=60, deadline=None)
@given(values_us, st.floats(0, 1))
def test_percentiles_agree_with_exact_ones_to_a_thousandth(values: list[int], q: float) -> None:
    exact = sorted(values)[max(1, math.ceil(round(q * len(values), 6))) - 1]
    found = percentile(recorded(values), q)
    assert found is not None
    assert exact <= found <= exact * 1.001


@given(values_us, st.lists(st.floats(0, 1), min_size=1))
def test_many_percentiles_are_those_one_by_one(values: list[int], shares: list[float]) -> None:
    histogram = recorded(values)
    found = percentiles(histogram, np.round(np.array(shares), 6))
    assert found.tolist() == [percentile(histogram, round(share, 6)) for share in shares]


def test_there_is_no_percentile_and_no_mean_without_values() -> None:
    assert percentile(new_histogram(), 0.99) is None
    assert mean(new_histogram()) is None


def test_a_percentile_given_in_percent_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 1, not 99"):
        percentile(recorded([1]), 99)


def test_the_mean_is_right_to_within_half_a_bucket() -> None:
    values = np.random.default_rng(2).lognormal(10, 1, 5000).round()
    assert mean(recorded(values)) == pytest.approx(values.mean(), rel=5e-4)


def test_counts_over_a_limit_are_exact_below_2048_microseconds() -> None:
    histogram = recorded([99, 100, 100, 101, 2000])
    assert count_over(histogram, 100) == 2
    assert count_over(histogram, 99.9) == 4
    assert count_over(histogram, -1) == 5
    assert count_near(histogram, 100) == 0


@settings(max_examples=60, deadline=None)
@given(values_us, st.one_of(st.integers(0, HIGHEST_US * 3), st.sampled_from(EDGES)))
def test_values_over_a_limit_are_counted_but_for_those_in_its_bucket(
    values: list[int], limit: int
) -> None:
    histogram = recorded(values)
    exact = sum(value > limit for value in values)
    sure, near = count_over(histogram, limit), count_near(histogram, limit)
    assert sure <= exact <= sure + near
    assert near <= sum(limit * 0.999 <= value <= limit * 1.001 for value in values)


@pytest.mark.parametrize(
    "encoded", [b"", b"HISTFAAA", b"not base64 at all!", b"AAAA" * 10, b"\xff\xfe"]
)
def test_what_is_no_histogram_is_refused(encoded: bytes) -> None:
    with pytest.raises(ValueError, match="no HdrHistogram"):
        decode_histogram(encoded)


def test_every_cut_of_an_encoding_is_refused() -> None:
    encoded = IntervalHistograms()
    encoded.record(TAG, np.arange(1.0, 3000.0, 7.0))
    whole = encoded.take()[TAG]
    for end in range(len(whole)):
        with pytest.raises(ValueError, match="no HdrHistogram"):
            decode_histogram(whole[:end])
