"""What real servers sent reads the same however the network cuts it."""

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadproof.model.record import Outcome
from loadproof.streaming.reply import Reply
from unit.replies import CHUNKED, TO_THE_CLOSE, chunked, cut, reply_of
from wire.samples import SAMPLES, Sample


def contents(reply: Reply) -> tuple[object, ...]:
    """All of a reply but its times."""
    return (
        reply.outcome,
        reply.failure_detail,
        reply.answer,
        reply.tool_calls,
        reply.answer_index,
        reply.prompt_tokens,
        reply.output_tokens,
        reply.thinking_tokens,
        list(reply.tokens),
        len(reply.arrivals_ns),
    )


@cache
def uncut(sample: Sample) -> tuple[object, ...]:
    return contents(reply_of(TO_THE_CLOSE + sample.body))


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_sample_says_what_it_says(sample: Sample) -> None:
    reply = reply_of(TO_THE_CLOSE + sample.body)
    assert reply.outcome is Outcome.COMPLETED
    assert (reply.answer.text, reply.answer.thinking) == (sample.text, sample.thinking)
    assert (len(reply.arrivals_ns), reply.finish_reason) == (sample.events, sample.finish_reason)
    assert reply.prompt_tokens == sample.prompt_tokens
    assert reply.output_tokens == sample.output_tokens
    assert reply.multi_token_events == 0


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_a_cut_at_any_byte_changes_nothing(sample: Sample) -> None:
    """Each place in the stream's first part, and every 13th after it."""
    stream = TO_THE_CLOSE + sample.body
    places = [*range(1, min(len(stream), 1500)), *range(1500, len(stream), 13)]
    for place in places:
        assert contents(reply_of(*cut(stream, [place]))) == uncut(sample), place


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_every_byte_by_itself_changes_nothing(sample: Sample) -> None:
    plain = TO_THE_CLOSE + sample.body
    assert contents(reply_of(*cut(plain, range(len(plain))))) == uncut(sample)
    stream = CHUNKED + chunked(sample.body, [7] * len(sample.body))
    assert contents(reply_of(*cut(stream, range(len(stream))))) == uncut(sample)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.sampled_from(SAMPLES), st.sets(st.integers(1, 14_000), max_size=60))
def test_cuts_at_any_set_of_bytes_change_nothing(sample: Sample, places: set[int]) -> None:
    assert contents(reply_of(*cut(TO_THE_CLOSE + sample.body, places))) == uncut(sample)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(
    st.sampled_from(SAMPLES),
    st.lists(st.integers(1, 700), max_size=60),
    st.sets(st.integers(1, 16_000), max_size=60),
)
def test_chunks_of_any_size_cut_anywhere_change_nothing(
    sample: Sample, sizes: list[int], places: set[int]
) -> None:
    stream = CHUNKED + chunked(sample.body, sizes)
    assert contents(reply_of(*cut(stream, places))) == uncut(sample)


@pytest.mark.parametrize("line_end", [b"\r\n", b"\r"])
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_other_line_ends_change_nothing(sample: Sample, line_end: bytes) -> None:
    stream = TO_THE_CLOSE + sample.body.replace(b"\n", line_end)
    assert contents(reply_of(*cut(stream, range(0, len(stream), 5)))) == uncut(sample)
