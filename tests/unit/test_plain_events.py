"""Reads decoded together say what they say one by one."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadproof.streaming import plain_native
from loadproof.streaming.native import library
from loadproof.streaming.plain_events import plain_chunks
from loadproof.streaming.plain_native import plain_run
from loadproof.streaming.response import Response
from unit.replies import CHUNKED


@contextmanager
def without_compiled_part() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain_native, "_decoder", lambda: None)
        yield


def delta(**fields: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": fields}]}


def event(data: dict[str, Any], end: bytes = b"\n\n") -> bytes:
    return b"data: " + json.dumps(data).encode() + end


def chunk(content: bytes, size: bytes = b"%x") -> bytes:
    return size % len(content) + b"\r\n" + content + b"\r\n"


USUAL = chunk(event(delta(content="word ") | {"usage": {"completion_tokens": 3}}))
READS = [
    USUAL,
    chunk(event(delta(content="字"))),
    chunk(event(delta(content="one\u2028line"))),
    chunk(event(delta(content=""))),
    chunk(event(delta(role="assistant"))),
    chunk(event(delta(content="both", reasoning="kinds"))),
    chunk(event(delta(reasoning_content="hm"))),
    chunk(event(delta(tool_calls=[{"index": 1, "function": {"name": "f", "arguments": "{}"}}]))),
    chunk(event({"choices": [{"index": 1, "delta": {"content": "another's"}}]})),
    chunk(event({"choices": [{"index": 0, "delta": {"content": "."}, "finish_reason": "stop"}]})),
    chunk(event({"choices": [], "usage": {"prompt_tokens": 5, "completion_tokens": 2**40}})),
    chunk(event({"usage": {"completion_tokens_details": {"reasoning_tokens": 7}}})),
    chunk(event({"error": {"message": "out of memory"}})),
    chunk(event({"object": "error", "message": "old"})),
    chunk(event(delta(content="x"), end=b"\r\n\r\n")),
    chunk(event(delta(content="x"), end=b"\n")),
    chunk(b"\n"),
    chunk(event(delta(content="two")) + event(delta(content="events"))),
    chunk(event(delta(content="large digits")), size=b"%X"),
    chunk(event(delta(content="noughts")), size=b"00%x"),
    chunk(b'data: {"choices"\ndata: :[{"delta":{"content":"lines"}}]}\n\n'),
    chunk(b"data: {no JSON}\n\n"),
    chunk(b'data: {"choices":[]},{"choices":[]}\n\n'),
    chunk(b'data: {"choices":[{}\n\n'),
    chunk(b'data: {"a\xff":1}\n\n'),
    chunk(b"event: error\ndata: {}\n\n"),
    chunk(b": ping\n\n"),
    chunk(b"data: [DONE]\n\n"),
    chunk(event(delta(content="with its successor"))) + USUAL,
    USUAL[:20],
    USUAL[20:],
    USUAL[:-1],
    b"\n",
    b"0\r\n\r\n",
]


def said(response: Response) -> tuple[object, ...]:
    transcript = response.transcript
    return (
        *(response.malformed, response.ended, transcript.events, transcript.done),
        *(transcript.content, transcript.reasoning, transcript.tool_calls, transcript.reasoned),
        *(transcript.error, transcript.malformed, transcript.finish_reason),
        *(transcript.prompt_tokens, transcript.output_tokens, transcript.reasoning_tokens),
        *(transcript.arrivals_ns, transcript.lateness_us, transcript.text_bytes),
        *(transcript.counts, transcript.kinds),
    )


@given(st.lists(st.sampled_from(READS) | st.just(USUAL), max_size=12), st.data())
@settings(max_examples=400, deadline=None, derandomize=True)
def test_reads_taken_in_together_say_what_they_say_one_by_one(
    reads: list[bytes], data: st.DataObject
) -> None:
    reads = [CHUNKED + USUAL, *reads]
    arrivals_ns = [1_000_000 * index for index in range(len(reads))]
    reads_ns = [arrival_ns + 2_500 for arrival_ns in arrivals_ns]
    apart, compiled, interpreted = Response(), Response(), Response()
    for read in zip(reads, arrivals_ns, reads_ns, strict=True):
        apart.feed(*read)
    at = 0
    while at < len(reads):
        end = data.draw(st.integers(at + 1, len(reads)))
        several = reads[at:end], arrivals_ns[at:end], reads_ns[at:end]
        compiled.feed_all(*several)
        with without_compiled_part():
            interpreted.feed_all(*several)
        at = end
    assert said(compiled) == said(apart)
    assert said(interpreted) == said(apart)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)
TEXT = st.text(max_size=12) | st.sampled_from(
    ['"', "\\", "\ud83d\ude00", "\u2028", "\0", "</think>"]
)
USAGE = st.fixed_dictionaries(
    {},
    optional={
        "prompt_tokens": st.none() | st.integers(-2, 2**33),
        "completion_tokens": st.none() | st.integers(-2, 2**33),
        "total_tokens": JSON,
        "completion_tokens_details": st.none() | st.just({"reasoning_tokens": 3}),
    },
)
DELTA = st.fixed_dictionaries(
    {},
    optional={
        name: st.none() | TEXT for name in ("content", "reasoning", "reasoning_content", "refusal")
    }
    | {"role": TEXT, "tool_calls": st.none() | st.just([]), "other": JSON},
)
CHOICE = st.fixed_dictionaries(
    {"delta": st.none() | DELTA},
    optional={
        "index": st.none() | st.integers(0, 1),
        "finish_reason": st.none() | st.sampled_from(["", "stop"]),
        "text": st.none() | TEXT,
        "logprobs": JSON,
    },
)
CHUNKS = st.fixed_dictionaries(
    {"choices": st.none() | st.lists(CHOICE, max_size=2)},
    optional={"usage": st.none() | USAGE, "error": st.none() | JSON, "id": JSON},
)


@given(st.lists(CHUNKS, min_size=1, max_size=4), st.booleans(), st.sampled_from([None, 1]))
@settings(max_examples=600, deadline=None, derandomize=True)
def test_whatever_a_chunk_holds_the_compiled_part_makes_the_same_of_it(
    chunks: list[dict[str, Any]], ascii_only: bool, indent: int | None
) -> None:
    separators = (",", ":") if indent is None else (", ", ": ")
    texts = [json.dumps(each, ensure_ascii=ascii_only, separators=separators) for each in chunks]
    reads = [chunk(b"data: " + text.encode("utf-8", "surrogatepass") + b"\n\n") for text in texts]
    compiled, interpreted = Response(), Response()
    times = list(range(len(reads)))
    for response in (compiled, interpreted):
        response.feed(CHUNKED + USUAL, 0, 0)
    compiled.feed_all(reads, times, times)
    with without_compiled_part():
        interpreted.feed_all(reads, times, times)
    assert said(compiled) == said(interpreted)


@pytest.mark.parametrize(
    ("payload", "content"),
    [
        (
            rb'{"choices":[{"delta":{"content":"\u5b57\ud83d\ude00\n\\ \"q\" \/"}}]}',
            '字😀\n\\ "q" /',
        ),
        (rb'{"choices":[{"delta":{"content":"a"},"delta":{}}]}', ""),
        (rb'{"choices":[{"delta":{"content":"a","content":"b"}}]}', "b"),
        (rb'{"choices":[{"delta":{"cont\u0065nt":"a"}}]}', "a"),
        (rb'{"choices":[{"delta":{"content":"a"}}],"choices":[]}', ""),
        (rb'{"choices":[{"delta":{"content":"a"}}]} ', "a"),
        (rb'{"choices":[{"delta":{"content":"a"}}],}', ""),
        (rb'{"choices":[{"delta":{"content":"a"}}],"x":01}', ""),
    ],
)
def test_odd_json_is_read_as_the_careful_way_reads_it(payload: bytes, content: str) -> None:
    reads = [CHUNKED, chunk(b"data: " + payload + b"\n\n")]
    compiled, interpreted = Response(), Response()
    compiled.feed_all(reads, [0, 0], [0, 0])
    with without_compiled_part():
        interpreted.feed_all(reads, [0, 0], [0, 0])
    assert said(compiled) == said(interpreted)
    assert compiled.transcript.content == content


def test_the_compiled_part_takes_the_usual_events() -> None:
    if library() is None:
        pytest.skip("the compiled part is not there")
    run = plain_run([USUAL, chunk(event(delta(reasoning="hm"))), USUAL, b"0\r\n\r\n", USUAL])
    assert run is not None
    assert (run.content, run.reasoning, list(run.kinds)) == (b"word word ", b"hm", [1, 2, 1])
    assert (list(run.counts), run.completion_tokens, run.prompt_tokens) == ([3, -1, 3], 3, None)


def test_reads_of_any_size_are_known_as_plain() -> None:
    for letters in (*range(300), 3_990, 4_030, 4_040, 4_060, 65_450, 65_500, 70_000, 2_000_000):
        read = chunk(event(delta(content="x" * letters)))
        assert len(plain_chunks([read])) == 1, letters


def test_plain_reads_end_at_the_first_other_one() -> None:
    assert len(plain_chunks([USUAL, USUAL, b"0\r\n\r\n", USUAL])) == 2
    assert plain_chunks([b"0\r\n\r\n", USUAL]) == []
