"""The simulator's bytes beside vLLM 0.32's, as recorded; only the fingerprint differs."""

import json

from loadproof.servers.simulator.wire import (
    DONE,
    FINGERPRINT,
    EventFormat,
    completion,
    delta,
    error,
    error_event,
    usage,
)

VLLM_CONTINUOUS = [
    '{"id":"chatcmpl-be9d9fa0025c374a","object":"chat.completion.chunk","created":1795458804,'
    '"model":"smollm2-135m","choices":[{"index":0,"delta":{"role":"assistant","content":""},'
    '"logprobs":null,"finish_reason":null}],"usage":{"prompt_tokens":37,"total_tokens":37,'
    '"completion_tokens":0,"completion_tokens_details":null},"prompt_token_ids":null,'
    '"prompt_text":null}',
    '{"id":"chatcmpl-be9d9fa0025c374a","object":"chat.completion.chunk","created":1795458804,'
    '"model":"smollm2-135m","choices":[{"index":0,"delta":{"content":"The"},"logprobs":null,'
    '"finish_reason":null,"token_ids":null}],"usage":{"prompt_tokens":37,"total_tokens":38,'
    '"completion_tokens":1,"completion_tokens_details":null}}',
    '{"id":"chatcmpl-be9d9fa0025c374a","object":"chat.completion.chunk","created":1795458804,'
    '"model":"smollm2-135m","choices":[{"index":0,"delta":{"content":" capital"},"logprobs":null,'
    '"finish_reason":"length","stop_reason":null,"token_ids":null}],"usage":{"prompt_tokens":37,'
    '"total_tokens":39,"completion_tokens":2,"completion_tokens_details":null}}',
    '{"id":"chatcmpl-be9d9fa0025c374a","object":"chat.completion.chunk","created":1795458804,'
    '"model":"smollm2-135m","choices":[],"usage":{"prompt_tokens":37,"total_tokens":39,'
    '"completion_tokens":2},"system_fingerprint":"vllm-0.32.0-ede71704"}',
]
VLLM_NO_USAGE = [
    '{"id":"chatcmpl-be9d9fa0025c374a","object":"chat.completion.chunk","created":1795458804,'
    '"model":"smollm2-135m","choices":[{"index":0,"delta":{"role":"assistant","content":""},'
    '"logprobs":null,"finish_reason":null}],"prompt_token_ids":null,"prompt_text":null}',
    '{"id":"chatcmpl-be9d9fa0025c374a","object":"chat.completion.chunk","created":1795458804,'
    '"model":"smollm2-135m","choices":[{"index":0,"delta":{"content":"The"},"logprobs":null,'
    '"finish_reason":null,"token_ids":null}]}',
    '{"id":"chatcmpl-be9d9fa0025c374a","object":"chat.completion.chunk","created":1795458804,'
    '"model":"smollm2-135m","choices":[{"index":0,"delta":{"content":" capital"},"logprobs":null,'
    '"finish_reason":"length","stop_reason":null,"token_ids":null}],'
    '"system_fingerprint":"vllm-0.32.0-ede71704"}',
]


def stream(wanted: str) -> str:
    events = EventFormat("chatcmpl-be9d9fa0025c374a", 1795458804, "smollm2-135m", 37, wanted)
    raw = (
        events.role()
        + events.token(delta("content", "The"), 1)
        + events.last_token(delta("content", " capital"), 2, "length", None)
        + events.closing(2, None)
    )
    return raw.decode()


def as_recorded(events: list[str]) -> str:
    text = "".join(f"data: {event}\n\n" for event in [*events, "[DONE]"])
    return text.replace("vllm-0.32.0-ede71704", FINGERPRINT)


def test_a_stream_with_continuous_usage_is_byte_for_byte_vllms() -> None:
    assert stream("continuous") == as_recorded(VLLM_CONTINUOUS)


def test_a_stream_without_usage_is_byte_for_byte_vllms() -> None:
    assert stream("none") == as_recorded(VLLM_NO_USAGE)


def test_a_stream_with_final_usage_has_it_once_and_the_fingerprint_there() -> None:
    expected = as_recorded([*VLLM_NO_USAGE, VLLM_CONTINUOUS[-1]])
    on_last_token = f',"system_fingerprint":"{FINGERPRINT}"'
    assert stream("final") == expected.replace(on_last_token, "", 1)


def test_text_goes_out_as_utf8_with_json_escapes_only_where_needed() -> None:
    assert delta("reasoning", '好"\n') == '{"reasoning":"好\\"\\n"}'.encode()


def test_reasoning_tokens_are_told_apart_where_a_parser_is_at_work() -> None:
    counts = usage(6, 60, 45)
    assert counts["completion_tokens_details"] == {"reasoning_tokens": 45}
    assert "completion_tokens_details" not in usage(6, 60, None)


def test_errors_have_vllms_shape() -> None:
    assert json.loads(error("The model `x` does not exist.", "NotFoundError", 404, "model")) == {
        "error": {
            "message": "The model `x` does not exist.",
            "type": "NotFoundError",
            "param": "model",
            "code": 404,
        }
    }


def test_an_error_in_mid_stream_is_an_event_and_the_end_mark() -> None:
    event, done, rest = error_event().split(b"\n\n")
    assert json.loads(event.removeprefix(b"data: "))["error"]["code"] == 500
    assert (done + b"\n\n", rest) == (DONE, b"")


def test_a_whole_answer_says_what_finished_it_and_what_it_cost() -> None:
    body = json.loads(
        completion("chatcmpl-1", 7, "m", {"content": "Hi"}, ("stop", "###"), usage(3, 2, None))
    )
    choice = body["choices"][0]
    assert choice["message"]["content"] == "Hi"
    assert (choice["finish_reason"], choice["stop_reason"]) == ("stop", "###")
    assert body["usage"]["total_tokens"] == 5
