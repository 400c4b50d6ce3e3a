"""Replies read from bytes as a server would send them, cut as a network would cut them."""

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise

from loadproof.model.record import Clock
from loadproof.streaming.reply import Close, Ending, Reply, Timeline, assemble
from loadproof.streaming.response import Response

STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n"
CHUNKED = STREAM + b"Transfer-Encoding: chunked\r\n\r\n"
TO_THE_CLOSE = STREAM + b"\r\n"
WHOLE = Ending(Close.WHOLE)
BY_SERVER = Ending(Close.BY_SERVER)
MS = 1_000_000


def event(delta: object = None, finish: str | None = None, **more: object) -> bytes:
    """One event of a chat completion with one choice."""
    choice = {"index": 0, "delta": delta or {}, "finish_reason": finish}
    data = {"object": "chat.completion.chunk", "choices": [choice], **more}
    return b"data: " + json.dumps(data, ensure_ascii=False).encode() + b"\n\n"


def texts(*pieces: str) -> bytes:
    """One event a piece of content."""
    return b"".join(event({"content": piece}) for piece in pieces)


def usage(prompt: int, completion: int, **details: int) -> dict[str, object]:
    found: dict[str, object] = {"prompt_tokens": prompt, "completion_tokens": completion}
    return found | ({"completion_tokens_details": details} if details else {})


FINISH = event(finish="stop")
DONE = b"data: [DONE]\n\n"


def chunked(body: bytes, sizes: Iterable[int] = (), *, extension: bytes = b"") -> bytes:
    """`body` in chunks of `sizes`, what is left of it in one more."""
    out = b""
    for size in sizes:
        piece, body = body[:size], body[size:]
        if piece:
            out += b"%x%s\r\n%s\r\n" % (len(piece), extension, piece)
    if body:
        out += b"%X\r\n%s\r\n" % (len(body), body)
    return out + b"0\r\n\r\n"


def cut(data: bytes, places: Iterable[int]) -> list[bytes]:
    """`data` in pieces, cut at `places`."""
    marks = sorted({0, len(data), *(place for place in places if 0 < place < len(data))})
    return [data[a:b] for a, b in pairwise(marks)]


def read_response(pieces: Sequence[bytes], *, closed: bool = True) -> Response:
    """A response fed with `pieces`, the n-th of them at n ms, and closed by the server or not."""
    response = Response()
    for index, piece in enumerate(pieces, 1):
        response.feed(piece, index * MS, index * MS)
    if closed:
        response.close((len(pieces) + 1) * MS)
    return response


def reply_of(
    *pieces: bytes, ending: Ending = BY_SERVER, opened: bool = False, closed: bool = True
) -> Reply:
    """The reply to a request begun at 0, whose n-th piece of response arrived at n ms."""
    times = Timeline(0, None, 0, MS, (len(pieces) + 1) * MS, Clock.KERNEL)
    return assemble(read_response(pieces, closed=closed), ending, times, opened=opened)


def reply_to(*pieces: bytes, **how: object) -> Reply:
    """The same, of an event stream in `pieces` of body that ends with the connection."""
    return reply_of(TO_THE_CLOSE, *pieces, **how)  # type: ignore[arg-type]  # passed on as given
