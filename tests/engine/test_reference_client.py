"""The same seeded request through loadproof's stream reader and the official openai client."""

import json

import pytest
from openai import OpenAI

from engine.tiny_server import MODEL
from loadproof.model.record import Outcome
from loadproof.model.scenario import Timeouts
from loadproof.servers.launch import RunningServer
from loadproof.streaming.connection import Connection, Target

# Shorter than a block of the prefix cache: the second time is computed like the first.
QUESTIONS = (
    "Where would you put a plate after you have washed it?",
    "患者发热、咳嗽三天,首选的治疗药物是什么?",
    "What is 3 + 4? Put your final answer within \\boxed{}.",
)


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_text_and_usage_are_those_of_the_openai_client(
    vllm: RunningServer, question: str, temperature: float
) -> None:
    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": question}],
        "max_tokens": 96,
        "temperature": temperature,
        "seed": 7,
        "stream": True,
        "stream_options": {"include_usage": True, "continuous_usage_stats": True},
    }
    connection = Connection(Target(vllm.url), Timeouts())
    reply = connection.post("/v1/chat/completions", json.dumps(body).encode())
    connection.close()
    assert reply.outcome is Outcome.COMPLETED, reply.failure_detail

    theirs = answer_by_openai(vllm.url, question, temperature)

    ours = (reply.answer.text, reply.finish_reason, reply.prompt_tokens, reply.output_tokens)
    assert ours == theirs
    assert reply.output_tokens == 96


def answer_by_openai(
    url: str, question: str, temperature: float
) -> tuple[str, str | None, int | None, int | None]:
    """Text, finish reason, prompt tokens and output tokens."""
    text, finish_reason, usage = "", None, None
    with OpenAI(base_url=f"{url}/v1", api_key="none", max_retries=0) as client:
        for chunk in client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": question}],
            max_tokens=96,
            temperature=temperature,
            seed=7,
            stream=True,
            stream_options={"include_usage": True},
        ):
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
                finish_reason = choice.finish_reason or finish_reason
    assert usage is not None
    return text, finish_reason, usage.prompt_tokens, usage.completion_tokens
