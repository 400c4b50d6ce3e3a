"""What one client path saw of one cell: each exchange with both sides' stamps, and its window.

The file is a plain sequence of native 64-bit integers, an exchange after the other: start_ns,
read_ns, n, then n pairs of arrival_ns and sent_ns. start_ns and arrival_ns are the client's,
read_ns and sent_ns the server's; all are CLOCK_MONOTONIC of one machine.
"""

from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

Nanoseconds = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request; `arrivals_ns` and `sent_ns` are of equal length, one value a token."""

    start_ns: int
    read_ns: int
    arrivals_ns: Nanoseconds
    sent_ns: Nanoseconds


class Window(msgspec.Struct, frozen=True):
    """The measured part of a cell, as the client itself says: one line of JSON on its output."""

    open_ns: int
    close_ns: int
    cpu_s: float
    """User and system time of the process between both."""
    children_cpu_s: dict[str, float]
    """The same of its child processes, by the program that they run."""
    rss_before_bytes: int
    """Resident memory before the first user existed."""
    rss_bytes: int
    """The highest until the end."""
    kept_bytes: int
    """What of it was kept for the comparison alone."""
    failed: int
    """Requests that did not end as they should."""
    notes: dict[str, int]
    """Counts of a path's own, such as coalesced reads."""


def stamps(text: str) -> tuple[int, list[int]]:
    """read_ns and the tokens' sent_ns in an answer's text. Raises ValueError for other texts."""
    first, *others = text.split()
    read, sent = first.split(":")
    return int(read), [int(sent), *map(int, others)]


def encoded(start_ns: int, text: str, arrivals_ns: Sequence[int]) -> bytes:
    """One exchange of the file, from what a client has at hand.

    Raises ValueError where the text has not one stamp for each arrival.
    """
    read_ns, sent_ns = stamps(text)
    if len(sent_ns) != len(arrivals_ns):
        raise ValueError(f"{len(arrivals_ns)} arrivals of {len(sent_ns)} tokens")
    numbers = array("q", [start_ns, read_ns, len(sent_ns)])
    for pair in zip(arrivals_ns, sent_ns, strict=True):
        numbers.extend(pair)
    return numbers.tobytes()


def parts_of(path: Path) -> list[Path]:
    """The files of all processes of a client: `path` of the one that measured, and `path`.0,
    `path`.1 … of its workers, each with its window beside it."""
    return [path, *sorted(path.parent.glob(f"{path.name}.[0-9]"))]


def joined(windows: Sequence[Window]) -> Window:
    """The window of the first, with what all of them kept, counted and held in memory."""
    counts: Counter[str] = Counter()
    for window in windows:
        counts.update(window.notes)
    return msgspec.structs.replace(
        windows[0],
        rss_before_bytes=sum(window.rss_before_bytes for window in windows),
        rss_bytes=sum(window.rss_bytes for window in windows),
        kept_bytes=sum(window.kept_bytes for window in windows),
        failed=sum(window.failed for window in windows),
        notes=dict(counts),
    )


def read_exchanges(path: Path) -> list[Exchange]:
    """All exchanges of the file at `path`, in the order in which they ended."""
    numbers = np.fromfile(path, dtype=np.int64)
    exchanges = []
    at = 0
    while at < len(numbers):
        start_ns, read_ns, tokens = (int(number) for number in numbers[at : at + 3])
        pairs = numbers[at + 3 : at + 3 + 2 * tokens].reshape(tokens, 2)
        exchanges.append(Exchange(start_ns, read_ns, pairs[:, 0], pairs[:, 1]))
        at += 3 + 2 * tokens
    return exchanges
