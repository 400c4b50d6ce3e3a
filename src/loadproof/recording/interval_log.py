"""Lines of histograms.hlog: HdrHistogram's interval log, format version 1.3.

The library's own writer drops tags and cannot write a start time, so the lines are made here.
Format: http://hdrhistogram.github.io/HdrHistogram/JavaDoc/org/HdrHistogram/HistogramLogWriter.html
"""

from dataclasses import dataclass
from datetime import UTC, datetime

from hdrh.histogram import HdrHistogram

from loadproof.recording.hdr import decode_histogram, highest_us

_LEGEND = b'"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'


def opening_lines(wall_ns: int, monotonic_ns: int) -> list[bytes]:
    """The lines before the first interval.

    `wall_ns` (since 1970) and `monotonic_ns` are the same moment. Time stamps of the intervals
    are seconds of the monotonic clock; the base time is what a reader adds to have wall time.
    """
    start_s = wall_ns / 1e9
    base_s = (wall_ns - monotonic_ns) / 1e9
    start = datetime.fromtimestamp(start_s, UTC)
    return [
        b"#[Values: microseconds; Interval_Max: milliseconds; Tag: step/task/metric]",
        b"#[Histogram log format version 1.3]",
        b"#[StartTime: %.3f (seconds since epoch), %b]" % (start_s, start.isoformat().encode()),
        b"#[BaseTime: %.3f (seconds since epoch)]" % base_s,
        _LEGEND,
    ]


def interval_line(tag: str, start_ns: int, end_ns: int, encoded: bytes) -> bytes:
    """The line of one tag's histogram over one interval of monotonic time.

    Raises ValueError for a tag that the format cannot hold.
    """
    if not tag or any(character in tag for character in ", \r\n"):
        raise ValueError(f"a tag without commas and spaces, not {tag!r}")
    longest_ms = highest_us(encoded) / 1000
    length_s = (end_ns - start_ns) / 1e9
    times = b"%.6f,%.6f,%.3f" % (start_ns / 1e9, length_s, longest_ms)
    return b"Tag=%b,%b,%b" % (tag.encode(), times, encoded)


@dataclass(frozen=True, slots=True)
class TaggedInterval:
    """One tag's values over one interval, from `start_ns` (monotonic) on, still encoded."""

    tag: str
    start_ns: int
    encoded: bytes

    def histogram(self) -> HdrHistogram:
        """The values. Raises ValueError where they are torn."""
        return decode_histogram(self.encoded)


def tagged_interval(line: bytes) -> TaggedInterval | None:
    """What a line holds; None for a comment or the legend. Raises ValueError for a torn line."""
    if line.startswith((b"#", b'"')):
        return None
    fields = line.split(b",")
    if len(fields) != 5 or not fields[0].startswith(b"Tag="):
        raise ValueError("no tagged interval")
    start_ns = round(float(fields[1]) * 1e9)
    return TaggedInterval(fields[0][4:].decode("utf-8"), start_ns, fields[4])
