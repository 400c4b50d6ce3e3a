"""HDR histograms: recording in bulk, and the questions asked of them.

Every histogram spans 0 µs to 1 h at 3 significant digits: values below 2,048 µs are kept to the
microsecond, larger ones in buckets no wider than 1/1,024 of their lowest value. Geometry and
encoding are those of HdrHistogram (http://hdrhistogram.org), so that its tools read them.

The library records 1,343 ns a value and answers a percentile in 1.7 ms, both in Python loops;
numpy does the same to the same counts in tens of ns and of µs. What the library gets wrong is not
used: its percentiles round their rank, and its addition takes an empty histogram's minimum for 0.
"""

import binascii
import math
import zlib
from array import array
from fractions import Fraction
from functools import lru_cache

import numpy as np
from hdrh.codec import HdrCookieException, HdrLengthException
from hdrh.histogram import HdrHistogram
from numpy.typing import NDArray

from loadproof.recording.hdr_encoding import MOST_COUNTS, encoded_counts, last_index

HIGHEST_US = 3_600_000_000
"""One hour, in microseconds."""
DIGITS = 3

_MOST_WAITING = 16_384
_COUNTS_LEN = HdrHistogram(1, HIGHEST_US, DIGITS).counts_len
_NO_COUNTS = np.zeros(0, dtype=np.int64)
_HALF_MAGNITUDE = 10
"""2**11 sub-buckets hold 3 digits: counts index = (bucket << 10) + (value >> bucket)."""


def new_histogram() -> HdrHistogram:
    """An empty histogram of microseconds."""
    return HdrHistogram(1, HIGHEST_US, DIGITS)


def counts_of(histogram: HdrHistogram) -> NDArray[np.int64]:
    """The histogram's own counts, by counts index; what is written to them is recorded."""
    return np.frombuffer(histogram.counts, dtype=np.int64)


def counts_indexes(values_us: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of the values, 0 to HIGHEST_US, is counted."""
    _, bits = np.frexp(values_us.astype(np.float64))
    buckets = np.maximum(bits.astype(np.int64) - (_HALF_MAGNITUDE + 1), 0)
    return (buckets << _HALF_MAGNITUDE) + (values_us >> buckets)


class _Recorder:
    """One tag's values of an interval: those that wait to be counted, and the counts of others."""

    __slots__ = ("_counts", "_waiting")

    def __init__(self) -> None:
        self._waiting: array[float] = array("d")
        self._counts: NDArray[np.int64] = _NO_COUNTS

    def add(self, values_us: "array[float]") -> int:
        """Returns how many values were clamped by making room, as does `fold`."""
        self._waiting += values_us
        return self.fold() if len(self._waiting) >= _MOST_WAITING else 0

    def fold(self) -> int:
        """Counts what waits, rounded to whole microseconds."""
        if not self._waiting:
            return 0
        values = np.rint(np.frombuffer(self._waiting, dtype=np.float64))
        self._waiting = array("d")
        clamped = 0
        if values.min() < 0 or values.max() > HIGHEST_US:
            clamped = int(np.count_nonzero((values < 0) | (values > HIGHEST_US)))
            values = values.clip(0, HIGHEST_US)
        before = self._counts
        self._counts = np.bincount(
            counts_indexes(values.astype(np.int64)), minlength=len(before)
        ).astype(np.int64, copy=False)
        self._counts[: len(before)] += before
        return clamped

    def take(self) -> bytes | None:
        """The encoding of what is counted, None for nothing; begins anew."""
        counts, self._counts = self._counts, _NO_COUNTS
        indexes = np.flatnonzero(counts)
        if not len(indexes):
            return None
        if len(indexes) <= MOST_COUNTS:
            return encoded_counts(
                indexes.tolist(), counts[indexes].tolist(), digits=DIGITS, highest=HIGHEST_US
            )
        histogram = new_histogram()
        counts_of(histogram)[: len(counts)] = counts
        histogram.total_count = int(counts.sum())
        histogram.max_value = int(_tops(histogram.counts_len)[len(counts) - 1])
        return bytes(histogram.encode())


class IntervalHistograms:
    """Histograms by tag (`<step>/<task>/<metric>`) of the current interval.

    `clamped` counts, since the beginning, the values below 0 or above 1 h that were recorded as
    0 or as 1 h. Not for use from several threads.
    """

    def __init__(self) -> None:
        self.clamped = 0
        self._recorders: dict[str, _Recorder] = {}

    def record(self, tag: str, values_us: "NDArray[np.float64] | array[float] | float") -> None:
        """Records one value in microseconds, or an array (of type "d") of them; they are copied.

        Raises ValueError for what is not a number.
        """
        recorder = self._recorders.get(tag)
        if recorder is None:
            recorder = self._recorders[tag] = _Recorder()
        if isinstance(values_us, np.ndarray):
            values_us = array("d", values_us.astype(np.float64, copy=False).tobytes())
        elif not isinstance(values_us, array):
            values_us = array("d", (values_us,))
        if any(map(math.isnan, values_us)):
            raise ValueError(f"{tag}: a latency that is not a number")
        self.clamped += recorder.add(values_us)

    def take(self) -> dict[str, bytes]:
        """What was recorded since the last call, by tag, in HdrHistogram's V2 encoding (zlib and
        base64, `HISTFAAA…`), and starts a new interval. Tags without values are left out."""
        taken = {}
        for tag, recorder in self._recorders.items():
            self.clamped += recorder.fold()
            encoded = recorder.take()
            if encoded is not None:
                taken[tag] = encoded
        self._recorders = {tag: self._recorders[tag] for tag in taken}
        return taken


def decode_histogram(encoded: bytes) -> HdrHistogram:
    """The histogram of a V2 encoding. Raises ValueError for what is not a whole one."""
    try:
        return HdrHistogram.decode(encoded)
    except (HdrCookieException, HdrLengthException, binascii.Error, zlib.error) as error:
        raise ValueError(f"no HdrHistogram: {error}") from None


def highest_us(encoded: bytes) -> int:
    """The highest value of a V2 encoding, as the top of its bucket. Raises ValueError as above."""
    index = last_index(encoded)
    if index is None or index >= _COUNTS_LEN:
        return int(decode_histogram(encoded).get_max_value())
    return int(_tops(_COUNTS_LEN)[index])


def add_histogram(total: HdrHistogram, part: HdrHistogram) -> None:
    """Adds the counts of `part` to `total`, exactly. Both span what `new_histogram` does.

    Minimum and maximum become those of both together, to within their buckets: the minimum is
    never above the true one, the maximum never below.
    """
    if not part.total_count:
        return
    if part.counts_len != total.counts_len or part.unit_magnitude != total.unit_magnitude:
        raise ValueError("histograms of different ranges cannot be added exactly")
    counts = counts_of(total)
    counts += counts_of(part)
    total.total_count += part.total_count
    total.min_value = min(total.min_value, part.min_value)
    total.max_value = max(total.max_value, part.max_value)


def percentile(histogram: HdrHistogram, q: float) -> int | None:
    """The value in microseconds that a share `q` (0 to 1) of the values do not exceed.

    Nearest rank: the smallest value whose rank is at least q * n, rank counted from 1, as the
    top of its bucket (never below the true value, at most 0.1 % above). None without values.
    """
    if not 0 <= q <= 1:
        raise ValueError(f"a share between 0 and 1, not {q}")
    n = histogram.total_count
    if not n:
        return None
    # 0.07 * 100 is 7.000000000000001 in floats: the rank is that of the decimal that was meant.
    rank = max(1, math.ceil(Fraction(q).limit_denominator(10**9) * n))
    index = int(np.searchsorted(np.cumsum(counts_of(histogram)), rank))
    return int(_tops(histogram.counts_len)[index])


def percentiles(histogram: HdrHistogram, shares: NDArray[np.float64]) -> NDArray[np.float64]:
    """`percentile` of each of `shares`, of a histogram that has values."""
    ranks = np.maximum(np.ceil(shares * histogram.total_count - 1e-6), 1)
    indexes = np.searchsorted(np.cumsum(counts_of(histogram)), ranks)
    values: NDArray[np.float64] = _tops(histogram.counts_len)[indexes].astype(np.float64)
    return values


def mean(histogram: HdrHistogram) -> float | None:
    """The mean in microseconds, each value taken as its bucket's middle (within 0.05 %)."""
    if not histogram.total_count:
        return None
    counts = counts_of(histogram)
    filled = np.flatnonzero(counts)
    tops = _tops(histogram.counts_len)
    bottoms = np.where(filled > 0, tops[filled - 1] + 1, 0)
    middles = (bottoms + tops[filled]) / 2
    return float((counts[filled] * middles).sum() / histogram.total_count)


def count_over(histogram: HdrHistogram, limit_us: float) -> int:
    """How many values are surely over `limit_us`: those above the limit's own bucket.

    Values that share the limit's bucket are not counted, though some of them may be over by up
    to 0.1 % of the limit; `count_near` says how many these are. Below 2,048 µs buckets are single
    microseconds and the count is exact for values as recorded, in whole microseconds.
    """
    if limit_us < 0:
        return int(histogram.total_count)
    return int(counts_of(histogram)[_index_of(limit_us) + 1 :].sum())


def count_near(histogram: HdrHistogram, limit_us: float) -> int:
    """How many values share the bucket of `limit_us`, so that the histogram cannot tell on which
    side they are; 0 where the limit is its bucket's top."""
    index = _index_of(limit_us)
    tops = _tops(histogram.counts_len)
    if limit_us < 0 or index >= len(tops) or math.floor(limit_us) == tops[index]:
        return 0
    return int(counts_of(histogram)[index])


def _index_of(limit_us: float) -> int:
    whole = min(math.floor(max(limit_us, 0)), 2 * HIGHEST_US)
    return int(counts_indexes(np.array([whole], dtype=np.int64))[0])


@lru_cache(maxsize=4)
def _tops(counts_len: int) -> NDArray[np.int64]:
    """The highest value of each bucket, by counts index."""
    index = np.arange(counts_len, dtype=np.int64)
    bucket = np.maximum((index >> _HALF_MAGNITUDE) - 1, 0)
    tops: NDArray[np.int64] = ((index - (bucket << _HALF_MAGNITUDE) + 1) << bucket) - 1
    return tops
