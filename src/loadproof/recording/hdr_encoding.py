"""HdrHistogram's V2 encoding of few counts, which is what most intervals of a second come to.

The library goes through all of a histogram's buckets to encode or decode it: a third of a
millisecond, fifteen times a second, in a process that has tokens to read. Of some dozens of counts
the same bytes are made here in tens of microseconds.

Format: counts in the order of their indexes as ZigZag LEB128, a run of empty ones as the negative
of its length, after a header, compressed (`AbstractHistogram.encodeIntoByteBuffer` of HdrHistogram,
http://hdrhistogram.org).
"""

import base64
import binascii
import struct
import zlib
from collections.abc import Sequence

MOST_COUNTS = 128
"""Of more, the library is as fast."""

_COOKIE = 0x1C849303 | 0x10
_COMPRESSED_COOKIE = 0x1C849304 | 0x10
_WRAPPER = struct.Struct(">II")
"""Cookie and length of the compressed rest."""
_HEADER = struct.Struct(">IIIIQQd")
"""Cookie, length of the counts, offset, digits, lowest and highest value, conversion ratio."""
_PREFIX = b"HISTFAAAA"
_MOST_BYTES = 4 * MOST_COUNTS


def encoded_counts(
    indexes: Sequence[int], counts: Sequence[int], *, digits: int, highest: int
) -> bytes:
    """The encoding of a histogram of 1 to `highest` with `counts`, all above 0, at `indexes`, which
    ascend."""
    body = bytearray()
    at = 0
    for index, count in zip(indexes, counts, strict=True):
        if index > at:
            _put(body, 2 * (index - at) - 1)
        _put(body, 2 * count)
        at = index + 1
    header = _HEADER.pack(_COOKIE, len(body), 0, digits, 1, highest, 1.0)
    compressed = zlib.compress(header + body)
    return base64.b64encode(_WRAPPER.pack(_COMPRESSED_COOKIE, len(compressed)) + compressed)


def last_index(encoded: bytes) -> int | None:
    """The index of the last count in `encoded`; None where that is not quickly told."""
    if not encoded.startswith(_PREFIX):
        return None
    try:
        raw = zlib.decompress(base64.b64decode(encoded)[_WRAPPER.size :])
    except (binascii.Error, zlib.error):
        return None
    body = raw[_HEADER.size :]
    if not 0 < len(body) <= _MOST_BYTES:
        return None
    length = number = shift = 0
    for byte in body:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            length += (number + 1) >> 1 if number & 1 else 1
            number = shift = 0
    return length - 1


def _put(body: bytearray, number: int) -> None:
    while number >= 0x80:
        body.append(number & 0x7F | 0x80)
        number >>= 7
    body.append(number)
