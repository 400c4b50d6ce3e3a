"""Plain events decoded by the compiled part: as by `plain_events`, but faster."""

import ctypes
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from loadproof.streaming.native import library

MOST_READS = 512
"""Decoded at a time."""

_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class PlainRun:
    """What a number of plain reads, one after the other, amount to.

    `kinds`, `text_bytes` and `counts` are by event, as in `Transcript`; the numbers of tokens are
    the last ones named, None for none.
    """

    content: bytes
    reasoning: bytes
    kinds: "array[int]"
    text_bytes: "array[int]"
    counts: "array[int]"
    prompt_tokens: int | None
    completion_tokens: int | None


class _Plain(ctypes.Structure):
    _fields_ = (
        ("content", ctypes.c_void_p),
        ("reasoning", ctypes.c_void_p),
        ("kinds", ctypes.c_void_p),
        ("text_bytes", ctypes.c_void_p),
        ("counts", ctypes.c_void_p),
        ("content_size", ctypes.c_int64),
        ("reasoning_size", ctypes.c_int64),
        ("prompt_tokens", ctypes.c_int64),
        ("completion_tokens", ctypes.c_int64),
    )


def plain_run(reads: Sequence[bytes]) -> PlainRun | None:
    """The plain reads that `reads` begin with, MOST_READS at most.

    None where the first is not plain, or the compiled part is not there.
    """
    decoder = _decoder()
    return None if decoder is None else decoder.decode(reads[:MOST_READS])


class _Decoder:
    """The compiled function with places for its results, which are used over and over."""

    def __init__(self, compiled: ctypes.CDLL) -> None:
        self._decode = compiled.decode_plain
        place = ctypes.c_void_p
        self._decode.argtypes = [ctypes.c_char_p, place, ctypes.c_int64, place]
        self._decode.restype = ctypes.c_int64
        self._kinds = (ctypes.c_int8 * MOST_READS)()
        self._text_bytes = (ctypes.c_uint32 * MOST_READS)()
        self._counts = (ctypes.c_int32 * MOST_READS)()
        self._room = 0
        self._plain = _Plain(
            kinds=ctypes.addressof(self._kinds),
            text_bytes=ctypes.addressof(self._text_bytes),
            counts=ctypes.addressof(self._counts),
        )
        self._plain_place = ctypes.addressof(self._plain)

    def decode(self, reads: Sequence[bytes]) -> PlainRun | None:
        joined = b"".join(reads)
        if len(joined) > self._room:
            self._make_room(len(joined))
        sizes = array("q", map(len, reads))
        plain = self._plain
        done = self._decode(joined, sizes.buffer_info()[0], len(reads), self._plain_place)
        if not done:
            return None
        prompt, completion = plain.prompt_tokens, plain.completion_tokens
        return PlainRun(
            content=ctypes.string_at(plain.content, plain.content_size),
            reasoning=ctypes.string_at(plain.reasoning, plain.reasoning_size),
            kinds=_first("b", self._kinds, done),
            text_bytes=_first("I", self._text_bytes, done),
            counts=_first("i", self._counts, done),
            prompt_tokens=None if prompt == _UNKNOWN else prompt,
            completion_tokens=None if completion == _UNKNOWN else completion,
        )

    def _make_room(self, size: int) -> None:
        self._room = 2 * size
        self._content = ctypes.create_string_buffer(self._room)
        self._reasoning = ctypes.create_string_buffer(self._room)
        self._plain.content = ctypes.addressof(self._content)
        self._plain.reasoning = ctypes.addressof(self._reasoning)


def _first(kind: str, numbers: "ctypes.Array[Any]", count: int) -> "array[int]":
    taken = array(kind)
    taken.frombytes(memoryview(numbers).cast("B")[: count * taken.itemsize])
    return taken


@lru_cache(maxsize=1)
def _decoder() -> _Decoder | None:
    compiled = library()
    return None if compiled is None else _Decoder(compiled)
