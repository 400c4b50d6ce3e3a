"""Our reader and the official client, on the same request to the same server, read the same."""

import base64
import json
from collections.abc import Iterator
from contextlib import closing

import openai
import pytest

from integration.scripts import PATH, Step, connect, scripted_server
from loadproof.model.record import Outcome
from unit.replies import chunked
from wire.samples import SAMPLES, Sample

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with scripted_server() as ports:
        yield ports[0]


def script_of(sample: Sample) -> list[Step]:
    """The sample as its server sent it, one event a chunk."""
    events = [event + b"\n\n" for event in sample.body.split(b"\n\n") if event]
    stream = HEAD + chunked(b"".join(events), [len(event) for event in events])
    return [["send64", base64.b64encode(stream).decode()]]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
def test_text_usage_and_number_of_tokens_are_the_same(port: int, sample: Sample) -> None:
    script = script_of(sample)
    with closing(connect(port)) as connection:
        ours = connection.post(PATH, json.dumps(script).encode())
    content, reasoning, usage, events = "", "", None, 0
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key="none") as client:
        # The script takes the place of the whole body.
        stream = client.post(
            "/chat/completions",
            body=script,
            cast_to=openai.types.chat.ChatCompletionChunk,
            stream=True,
            stream_cls=openai.Stream[openai.types.chat.ChatCompletionChunk],
        )
        for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                thought = (choice.delta.model_extra or {}).get("reasoning") or ""
                reasoning += thought
                content += choice.delta.content or ""
                events += bool(thought or choice.delta.content)
    assert ours.outcome is Outcome.COMPLETED
    assert (ours.answer.text, ours.answer.thinking or "") == (content, reasoning)
    assert len(ours.arrivals_ns) == events
    if usage is None:
        assert ours.prompt_tokens is None
    else:
        assert ours.prompt_tokens == usage.prompt_tokens
        assert ours.output_tokens == usage.completion_tokens
