"""Latencies as the design's table defines them, on replies made by hand."""

from array import array
from dataclasses import replace

import pytest

from loadproof.streaming.reply import Reply
from loadproof.streaming.timing import latencies
from unit.replies import MS, reply_to


def timed(
    arrivals_ms: list[float], tokens: list[int], output: int | None, answer_index: int | None = 0
) -> Reply:
    """A reply to a request that began at 10 ms."""
    return replace(
        reply_to(b""),
        start_ns=10 * MS,
        arrivals_ns=array("q", [round(ms * MS) for ms in arrivals_ms]),
        tokens=array("q", tokens),
        output_tokens=output,
        answer_index=answer_index,
    )


def test_each_latency_is_between_the_moments_that_define_it() -> None:
    found = latencies(timed([60, 80, 110, 120], [1, 1, 1, 1], 4, answer_index=2))
    assert (found.ttft_ms, found.ttfat_ms, found.e2e_ms) == (50.0, 100.0, 110.0)
    assert list(found.itl_us) == [20_000, 30_000, 10_000]
    assert (found.itl_p50_ms, found.itl_p99_ms, found.itl_max_ms) == (20.0, 30.0, 30.0)
    assert found.tpot_ms == 20.0


def test_an_event_of_several_tokens_shares_its_gap_among_them() -> None:
    found = latencies(timed([60, 90, 100], [2, 3, 1], 6))
    assert list(found.itl_us) == [10_000, 10_000, 10_000, 10_000]
    assert found.itl_max_ms == 30.0
    assert found.tpot_ms == 8.0


def test_a_percentile_of_itl_has_the_ceiled_rank() -> None:
    """Of 10 values the median is the 5th, and P99 the 10th: no interpolation."""
    gaps = [float(gap) for gap in range(1, 11)]
    arrivals = [10 + sum(gaps[:n]) for n in range(11)]
    found = latencies(timed(arrivals, [1] * 11, 11))
    assert (found.itl_p50_ms, found.itl_p99_ms) == (5.0, 10.0)


@pytest.mark.parametrize(("tokens", "output"), [([1], 1), ([5], 5)])
def test_an_answer_of_one_event_has_no_time_per_token(tokens: list[int], output: int) -> None:
    found = latencies(timed([60], tokens, output))
    assert (found.ttft_ms, found.e2e_ms) == (50.0, 50.0)
    assert (found.tpot_ms, found.itl_p50_ms, found.itl_max_ms, len(found.itl_us)) == (
        None,
        None,
        None,
        0,
    )


def test_no_token_has_no_latency() -> None:
    found = latencies(timed([], [], None, None))
    assert (found.ttft_ms, found.ttfat_ms, found.e2e_ms, found.tpot_ms) == (None,) * 4
    assert len(found.itl_us) == 0


def test_thinking_without_an_answer_has_no_first_answer_token() -> None:
    found = latencies(timed([60, 80], [1, 1], 2, answer_index=None))
    assert (found.ttft_ms, found.ttfat_ms) == (50.0, None)
