"""Reads decoded together say what they say one by one."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from loadproof.streaming.plain_events import plain_chunks
from loadproof.streaming.response import Response
from unit.replies import CHUNKED


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
    apart, together = Response(), Response()
    for read in zip(reads, arrivals_ns, reads_ns, strict=True):
        apart.feed(*read)
    at = 0
    while at < len(reads):
        end = data.draw(st.integers(at + 1, len(reads)))
        together.feed_all(reads[at:end], arrivals_ns[at:end], reads_ns[at:end])
        at = end
    assert said(together) == said(apart)


def test_reads_of_any_size_are_known_as_plain() -> None:
    for letters in (*range(300), 3_990, 4_030, 4_040, 4_060, 65_450, 65_500, 70_000, 2_000_000):
        read = chunk(event(delta(content="x" * letters)))
        assert len(plain_chunks([read], 0)) == 1, letters


def test_plain_reads_end_at_the_first_other_one() -> None:
    assert len(plain_chunks([USUAL, USUAL, USUAL, b"0\r\n\r\n", USUAL], 1)) == 2
    assert plain_chunks([b"0\r\n\r\n", USUAL], 0) == []
