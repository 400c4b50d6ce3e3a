"""The common case of a stream: reads that are one chunk each, with one event, with one JSON object.

Servers write an event at a time, and each write arrives as one segment. Those reads are told by
their two ends and decoded together, in a fraction of the time of one by one; whatever looks
different in the least is left to the careful way, which gives the same for these.
"""

from collections.abc import Sequence
from functools import lru_cache

from loadproof.streaming.completion import Chunk, NotACompletionError, decode_chunks

_OPENING = b"\r\ndata: {"
_ENDING = b"}\n\n\r\n"
_AROUND_BYTES = len(_ENDING) - 1


def plain_chunks(reads: Sequence[bytes]) -> list[Chunk]:
    """The completion chunks in the plain reads that `reads` begin with.

    Empty where there is none, and where the decoder refuses any of them.
    """
    payloads: list[bytes] = []
    keep = payloads.append
    for data in reads:
        openings = _openings(len(data))
        if not (data.startswith(openings) and data.endswith(_ENDING)):
            break
        keep(data[len(openings[0]) - 1 : -_AROUND_BYTES])
    joined = b",".join(payloads)
    # A line's end within: an event of several lines, or several events.
    if not payloads or b"\n" in joined or b"\r" in joined:
        return []
    try:
        chunks = decode_chunks(joined)
    except NotACompletionError:
        return []
    return chunks if len(chunks) == len(payloads) else []


@lru_cache(maxsize=65_536)
def _openings(read_bytes: int) -> tuple[bytes, bytes]:
    """How a read of this size begins if it is one chunk with an event, digits small or large."""
    for digits in range(1, 8):
        content_bytes = read_bytes - digits - 4
        size = b"%x" % max(0, content_bytes)
        if len(size) == digits:
            return size + _OPENING, size.upper() + _OPENING
    return _OPENING, _OPENING  # with which no chunk begins: none has that size
