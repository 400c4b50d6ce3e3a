"""vLLM's bytes: events of a stream, whole answers, errors, the list of models.

The shapes are those that vLLM 0.32 was seen to send; only the fingerprint says what this is.
"""

from typing import Any, Literal

import msgspec

from loadproof import __version__

FINGERPRINT = f"loadproof-simulator-{__version__}"
DONE = b"data: [DONE]\n\n"

Finish = Literal["stop", "length"]

_encode = msgspec.json.encode


class EventFormat:
    """The events of one stream. What does not change from token to token is encoded once."""

    __slots__ = ("_continuous", "_head", "_prompt_tokens", "_with_usage")

    def __init__(
        self, identifier: str, created: int, model: str, prompt_tokens: int, usage: str
    ) -> None:
        """`usage` is "none", "final" or "continuous"."""
        head = _encode(
            {
                "id": identifier,
                "object": "chat.completion.chunk",
                "created": created,
                "model": model,
            }
        )
        self._head = b"data: " + head[:-1] + b',"choices":['
        self._prompt_tokens = prompt_tokens
        self._continuous = usage == "continuous"
        self._with_usage = usage != "none"

    def role(self) -> bytes:
        """The first event, which bears no token."""
        return (
            self._head
            + b'{"index":0,"delta":{"role":"assistant","content":""},"logprobs":null,'
            + b'"finish_reason":null}]'
            + self._running(0)
            + b',"prompt_token_ids":null,"prompt_text":null}\n\n'
        )

    def token(self, delta: bytes, emitted: int) -> bytes:
        """The event of the token that makes them `emitted`; `delta` is a JSON object."""
        return (
            b'%b{"index":0,"delta":%b,"logprobs":null,"finish_reason":null,"token_ids":null}]%b}\n\n'
            % (
                self._head,
                delta,
                self._running(emitted) if self._continuous else b"",
            )
        )

    def last_token(
        self, delta: bytes, emitted: int, finish: Finish, stop_reason: str | None
    ) -> bytes:
        """The event of the last token, on which the finish reason rides."""
        fingerprint = b"" if self._with_usage else b',"system_fingerprint":' + _encode(FINGERPRINT)
        return (
            self._head
            + b'{"index":0,"delta":'
            + delta
            + b',"logprobs":null,"finish_reason":'
            + _encode(finish)
            + b',"stop_reason":'
            + _encode(stop_reason)
            + b',"token_ids":null}]'
            + self._running(emitted)
            + fingerprint
            + b"}\n\n"
        )

    def closing(self, emitted: int, reasoning_tokens: int | None) -> bytes:
        """What follows the last token: usage, where it was asked for, and the end mark."""
        if not self._with_usage:
            return DONE
        total = usage(self._prompt_tokens, emitted, reasoning_tokens)
        return (
            self._head
            + b'],"usage":'
            + _encode(total)
            + b',"system_fingerprint":'
            + _encode(FINGERPRINT)
            + b"}\n\n"
            + DONE
        )

    def _running(self, emitted: int) -> bytes:
        if not self._continuous:
            return b""
        return (
            b',"usage":{"prompt_tokens":%d,"total_tokens":%d,"completion_tokens":%d,'
            b'"completion_tokens_details":null}'
        ) % (self._prompt_tokens, self._prompt_tokens + emitted, emitted)


def delta(field: str, text: str) -> bytes:
    """The JSON object of a delta: `field` is "content", "reasoning" or "reasoning_content"."""
    return b'{"%b":%b}' % (field.encode(), _encode(text))


def usage(prompt_tokens: int, emitted: int, reasoning_tokens: int | None) -> dict[str, Any]:
    """The usage object; `reasoning_tokens` is None without a reasoning parser."""
    counts: dict[str, Any] = {
        "prompt_tokens": prompt_tokens,
        "total_tokens": prompt_tokens + emitted,
        "completion_tokens": emitted,
    }
    if reasoning_tokens is not None:
        counts["completion_tokens_details"] = {"reasoning_tokens": reasoning_tokens}
    return counts


def completion(
    identifier: str,
    created: int,
    model: str,
    message: dict[str, str | None],
    finish: tuple[Finish, str | None],
    counts: dict[str, Any],
) -> bytes:
    """A whole answer, as it comes where no stream was asked for. `message` holds its text fields,
    `finish` the reason and the stop string, `counts` the usage object."""
    return _encode(
        {
            "id": identifier,
            "object": "chat.completion",
            "created": created,
            "model": model,
            "choices": [
                {
                    "index": 0,
                    "message": {
                        "role": "assistant",
                        "content": None,
                        "refusal": None,
                        "annotations": None,
                        "audio": None,
                        "function_call": None,
                        "tool_calls": [],
                        **message,
                    },
                    "logprobs": None,
                    "finish_reason": finish[0],
                    "stop_reason": finish[1],
                    "token_ids": None,
                }
            ],
            "service_tier": None,
            "system_fingerprint": FINGERPRINT,
            "usage": {**counts, "prompt_tokens_details": None},
            "prompt_logprobs": None,
            "prompt_token_ids": None,
            "kv_transfer_params": None,
        }
    )


def error(message: str, kind: str, status: int, param: str | None = None) -> bytes:
    """vLLM's error object, as a response's body."""
    return _encode({"error": {"message": message, "type": kind, "param": param, "code": status}})


def error_event() -> bytes:
    """What vLLM sends in mid-stream when its engine fails, and the end mark after it."""
    return b"data: " + error("Internal server error", "InternalServerError", 500) + b"\n\n" + DONE


def models(model: str, created: int, max_model_len: int) -> bytes:
    """The list of models, which is the one."""
    card = {
        "id": model,
        "object": "model",
        "created": created,
        "owned_by": "loadproof-simulator",
        "root": model,
        "parent": None,
        "max_model_len": max_model_len,
        "permission": [],
    }
    return _encode({"object": "list", "data": [card]})
