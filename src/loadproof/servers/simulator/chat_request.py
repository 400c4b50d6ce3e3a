"""A chat request's body: read, checked, and refused as vLLM refuses."""

from typing import Any

import msgspec

from loadproof.servers.simulator import wire
from loadproof.servers.simulator.pieces import prompt_tokens


class Refusal(Exception):  # noqa: N818  # a refusal is an answer to the client, not an error here
    """A request that gets an HTTP status and an error object instead of an answer."""

    def __init__(self, status: int, body: bytes) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class _Part(msgspec.Struct):
    type: str
    text: str = ""


class _Message(msgspec.Struct):
    role: str
    content: str | list[_Part] | None = None


class _StreamOptions(msgspec.Struct):
    include_usage: bool | None = None
    continuous_usage_stats: bool | None = None


class _Body(msgspec.Struct):
    """The fields that decide something here; a real server's others are accepted unread."""

    messages: list[_Message]
    model: str | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    stream: bool | None = False
    stream_options: _StreamOptions | None = None
    ignore_eos: bool = False
    stop: str | list[str] | None = None
    seed: int | None = None
    n: int | None = 1


class ChatRequest(msgspec.Struct, frozen=True):
    """A request that can be answered. `max_tokens` already respects the context; `usage` is
    "none", "final" or "continuous"; `question` is the last user message's text."""

    question: str
    prompt_tokens: int
    max_tokens: int
    stream: bool
    usage: str
    ignore_eos: bool
    stop: tuple[str, ...]
    seed: int | None


_decoder = msgspec.json.Decoder(_Body)


def read(body: bytes, model: str, context_tokens: int) -> ChatRequest:
    """The request in `body`, to a server of `model`. Raises Refusal."""
    try:
        asked = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Refusal(400, wire.error(str(error), "Bad Request", 400)) from None
    if asked.model not in (None, model):
        raise Refusal(404, _unknown_model(str(asked.model)))
    if asked.n not in (None, 1):
        raise _bad("n must be 1: the simulator gives one answer a request", "n")
    if asked.stream_options is not None and not asked.stream:
        raise _bad("Stream options can only be defined when `stream=True`.", "stream_options")
    contents = [_text(message) for message in asked.messages]
    questions = [
        text
        for message, text in zip(asked.messages, contents, strict=True)
        if message.role == "user"
    ]
    length = prompt_tokens(contents)
    stop = (asked.stop,) if isinstance(asked.stop, str) else tuple(asked.stop or ())
    return ChatRequest(
        question=questions[-1] if questions else "",
        prompt_tokens=length,
        max_tokens=_max_tokens(asked, length, context_tokens),
        stream=bool(asked.stream),
        usage=_usage(asked.stream_options),
        ignore_eos=asked.ignore_eos,
        stop=tuple(text for text in stop if text),
        seed=asked.seed,
    )


def _text(message: _Message) -> str:
    if isinstance(message.content, list):
        return "\n".join(part.text for part in message.content if part.type == "text")
    return message.content or ""


def _usage(options: _StreamOptions | None) -> str:
    if options is None or not options.include_usage:
        return "none"
    return "continuous" if options.continuous_usage_stats else "final"


def _max_tokens(asked: _Body, length: int, context_tokens: int) -> int:
    """The longest answer allowed, by the request and by the context."""
    wanted = asked.max_completion_tokens or asked.max_tokens
    if asked.max_tokens is not None and asked.max_tokens < 1:
        raise _bad(f"max_tokens must be at least 1, got {asked.max_tokens}.", "max_tokens")
    if length >= context_tokens:
        raise _bad(
            f"This model's maximum context length is {context_tokens} tokens. However, your "
            f"request has {length} input tokens. Please reduce the length of the input messages.",
            "input_tokens",
        )
    if wanted is None:
        return context_tokens - length
    if length + wanted > context_tokens:
        raise _bad(
            f"'max_tokens' or 'max_completion_tokens' is too large: {wanted}. This model's "
            f"maximum context length is {context_tokens} tokens and your request has {length} "
            f"input tokens ({wanted} > {context_tokens} - {length}).",
            "max_tokens",
        )
    return wanted


def _bad(message: str, param: str) -> Refusal:
    return Refusal(400, wire.error(message, "BadRequestError", 400, param))


def _unknown_model(model: str) -> bytes:
    return wire.error(f"The model `{model}` does not exist.", "NotFoundError", 404, "model")


def fault_body(status: int) -> bytes:
    """The error object of a fault that answers with `status`."""
    texts: dict[int, Any] = {
        429: ("Too many requests, please try again later.", "RateLimitError"),
        500: ("Internal server error", "InternalServerError"),
        503: ("The server is overloaded, please try again later.", "ServiceUnavailableError"),
    }
    message, kind = texts[status]
    return wire.error(message, kind, status)
