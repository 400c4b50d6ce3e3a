"""What flowed within a stretch of time: output tokens and requests, at the time of their arrival.

The stretch is the one in which a level's load was up, from the beginning of the measuring (the end
of the start-up, where one was cut) to that of the draining. What arrives in it counts, whichever
request bore it: also of one that was started before, and of one that was cut off at the end, but
not what arrives when the load drains.
"""

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from loadproof.analysis.samples import LevelSamples
from loadproof.model.record import Outcome, RequestRecord
from loadproof.stats.percentiles import FloatArray

Stretch = tuple[int, int]
"""Its beginning and end in monotonic nanoseconds."""


def stretch_of(level: LevelSamples) -> Stretch | None:
    """When the level's load was up; None for a level of which nothing is known."""
    stretch = level.load_ns or level.window_ns
    if stretch is None:
        return None
    if level.steadiness is not None and level.steadiness.from_ns is not None:
        stretch = level.steadiness.from_ns, stretch[1]
    return stretch if stretch[0] < stretch[1] else None


def edges_ns(stretch: Stretch, parts: int) -> FloatArray:
    """The `parts` + 1 edges of equal parts of a stretch."""
    return np.linspace(stretch[0], stretch[1], parts + 1)


def in_flight(level: LevelSamples, task: str | None) -> list[RequestRecord]:
    """The requests of one task or of all that can have borne something within the stretch."""
    records = (*level.leading, *level.measured)
    return [record for record in records if task is None or record.task == task]


def completed_within(level: LevelSamples, stretch: Stretch, task: str | None) -> int:
    """How many requests of one task or of all completed within the stretch."""
    return int(completed_between(in_flight(level, task), edges_ns(stretch, 1))[0])


def tokens_between(records: Iterable[RequestRecord], edges: FloatArray) -> FloatArray:
    """Output tokens that arrived between each two neighbouring edges, of requests that completed
    or were cut off.

    A record holds the arrivals of the first and the last token. The others are taken to lie evenly
    between them.
    """
    rows = [
        (
            record.start_ns + record.ttft_ms * 1e6,
            record.start_ns + record.e2e_ms * 1e6,
            record.output_tokens,
        )
        for record in records
        if record.outcome is not Outcome.FAILED
        and record.ttft_ms is not None
        and record.e2e_ms is not None
        and record.output_tokens
    ]
    until: FloatArray = np.zeros(len(edges))
    for first_ns, last_ns, tokens in rows:
        until += edges >= first_ns
        if tokens > 1:
            length_ns = max(last_ns - first_ns, 1.0)
            until += (tokens - 1) * np.clip((edges - first_ns) / length_ns, 0.0, 1.0)
    return np.diff(until)


def completed_between(records: Iterable[RequestRecord], edges: FloatArray) -> FloatArray:
    """Requests that completed between each two neighbouring edges."""
    ends_ns = [record.end_ns for record in records if record.outcome is Outcome.COMPLETED]
    ends = np.sort(np.array(ends_ns, dtype=np.float64))
    until: npt.NDArray[np.intp] = np.searchsorted(ends, edges)
    return np.diff(until).astype(np.float64)


def per_second(amounts: FloatArray, edges: FloatArray) -> FloatArray:
    """The amounts between neighbouring edges as rates."""
    rates: FloatArray = amounts * 1e9 / np.diff(edges)
    return rates


def mean_rates(level: LevelSamples) -> tuple[float | None, float | None]:
    """Output tokens and completed requests per second over the level's stretch."""
    stretch = stretch_of(level)
    if stretch is None:
        return None, None
    records, edges = in_flight(level, None), edges_ns(stretch, 1)
    tokens = per_second(tokens_between(records, edges), edges)
    requests = per_second(completed_between(records, edges), edges)
    return float(tokens[0]), float(requests[0])
