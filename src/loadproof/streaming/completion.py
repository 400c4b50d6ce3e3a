"""Chat completions as servers send them: chunks, whole answers and errors, decoded by msgspec.

Only the fields that are measured are decoded; all others are skipped unread. The structs are left
out of garbage collection: what comes from JSON has no cycles.
"""

from typing import Any

import msgspec

from loadproof.streaming.error_text import error_in


class FunctionCall(msgspec.Struct, gc=False):
    name: str | None = None
    arguments: str | None = None


class ToolCall(msgspec.Struct, gc=False):
    index: int | None = None
    function: FunctionCall | None = None

    @property
    def text_bytes(self) -> int:
        function = self.function
        return 0 if function is None else _size(function.name) + _size(function.arguments)


class Delta(msgspec.Struct, gc=False):
    """What an event adds to a message, or a whole message where it was not streamed."""

    content: str | None = None
    reasoning: str | None = None
    reasoning_content: str | None = None
    refusal: str | None = None
    tool_calls: list[ToolCall] | None = None


class Choice(msgspec.Struct, gc=False):
    index: int | None = 0
    delta: Delta | None = None
    message: Delta | None = None
    text: str | None = None
    finish_reason: str | None = None


class TokenDetails(msgspec.Struct, gc=False):
    reasoning_tokens: int | None = None


class Usage(msgspec.Struct, gc=False):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    completion_tokens_details: TokenDetails | None = None


class Chunk(msgspec.Struct, gc=False):
    """An event's data, or the body of an answer that was not streamed.

    `choices` is None where the data has none at all: then it may be an error.
    """

    choices: list[Choice] | None = None
    usage: Usage | None = None
    error: Any = None


class NotACompletionError(ValueError):
    """Data that is no chat completion. The message says, for people, what is wrong with it."""


_DECODER = msgspec.json.Decoder(Chunk)
_decode = _DECODER.decode
_decode_list = msgspec.json.Decoder(list[Chunk]).decode


def decode_chunk(data: bytes) -> Chunk:
    """The chunk in an event's data. Raises NotACompletionError."""
    try:
        return _decode(data)
    except msgspec.MsgspecError as error:
        raise NotACompletionError(f"{error} in {_excerpt(data)}") from None
    except UnicodeDecodeError as error:
        raise NotACompletionError(f"not UTF-8 ({error.reason}) in {_excerpt(data)}") from None


def decode_chunks(joined: bytes) -> list[Chunk]:
    """The chunks in the data of several events, joined by commas. Raises NotACompletionError."""
    try:
        return _decode_list(b"[" + joined + b"]")
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise NotACompletionError(f"{error} in one of several events") from None


def error_of(kind: str, data: bytes, chunk: Chunk | None) -> str | None:
    """The message of the error that an event reports, None where it reports none.

    Known shapes: `{"error": {"message": …}}` (OpenAI, vLLM), `{"error": "…"}`,
    `{"object": "error", "message": …}` (older vLLM), and any event of the type "error".
    """
    if chunk is not None and chunk.error:
        return error_in(data)
    if kind == "error":
        return error_in(data) or _excerpt(data)
    if chunk is not None and chunk.choices is None and chunk.usage is None:
        found = _any(data)
        if isinstance(found, dict) and (found.get("object") == "error" or "message" in found):
            return error_in(data)
    return None


def _any(data: bytes) -> object:
    try:
        return msgspec.json.decode(data)
    except ValueError:
        return None


def _size(text: str | None) -> int:
    return len(text.encode()) if text else 0


def _excerpt(data: bytes) -> str:
    text = " ".join(data[:120].decode("utf-8", "replace").split())
    return repr(text[:80] + ("…" if len(text) > 80 else ""))
