"""Whether and from when on a load level is steady: decided once, before any objective is looked at.

Time to first token and end-to-end latency are looked at in order of start, each request ranked
among those of its own task; throughput over the time in which load was sent.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from loadproof.model.metrics import MEMORIES
from loadproof.model.record import Outcome, RequestRecord
from loadproof.model.verdict import START_BURST, Climb, Drift, Steadiness
from loadproof.stats import occupancy, steady_state
from loadproof.stats.percentiles import FloatArray

MOST_BINS = 400
WORTH_CUTTING = 0.1
"""By how much a start-up differs from the rest, at least, relative to the lower of both."""
REQUESTS_A_USER = 4
"""Of a level from which the first one of each user is cut."""
AT_ONCE = 0.2
"""Of a request's median time: users that start within it start together."""
LEAST_QUEUED = 4.0
"""Requests by which a queue has to grow to matter, beside its relative growth."""
CLIMB_AT_LEAST_BYTES = 32 * 2**20
CLIMB_AT_LEAST = 0.01
"""Of the memory in use: less is what a process gathers by running."""
CLIMB_P = 1e-3

Samples = Sequence[tuple[int, float]]


@dataclass(frozen=True, slots=True)
class Series:
    """One quantity over a level: `values` at `times_ns`, their normal `scores`, and how many of
    them make a batch."""

    quantity: str
    times_ns: npt.NDArray[np.int64]
    values: FloatArray
    scores: FloatArray
    batch: int

    def since(self, from_ns: int) -> "Series":
        """The part from a moment on."""
        kept = self.times_ns >= from_ns
        values, scores = self.values[kept], self.scores[kept]
        return Series(self.quantity, self.times_ns[kept], values, scores, self.batch)


def steadiness_of(
    records: Sequence[RequestRecord],
    users: int | None,
    load_ns: tuple[int, int],
    samples: Mapping[str, Samples],
) -> Steadiness:
    """Of a level with these records (its warm-up included, in order of start), to which so many
    users (None: arrivals at a rate) sent load during `load_ns`, and the sidecar's samples of then.

    What is cut, and whether anything is, depends on latencies and completions alone. The first
    requests of users that start together are cut without looking: they are a burst that no later
    request meets.
    """
    completed = [record for record in records if record.outcome is Outcome.COMPLETED]
    measured = [record for record in completed if not record.warmup]
    series = [
        *_latencies("ttft", measured, lambda record: record.ttft_ms),
        *_latencies("e2e", measured, lambda record: record.e2e_ms),
        *_throughput(completed, load_ns),
    ]
    begin_ns = _after_burst(records, users)
    from_ns, cut_by = (load_ns[0], None) if begin_ns is None else (begin_ns, START_BURST)
    drifts: list[Drift] = []
    for one in (whole.since(from_ns) for whole in series):
        found = steady_state.start_up(one.scores, one.batch)
        ratio = steady_state.median_ratio(one.values[: found.count], one.values[found.count :])
        if found.endless:
            drifts += _endless(one, found, ratio, load_ns[0])
        elif steady_state.is_relevant(ratio, WORTH_CUTTING):
            # Users that start together do so at one moment: all of them, or none.
            first_ns = int(one.times_ns[found.count - 1]) + 1
            if first_ns > from_ns:
                from_ns, cut_by = first_ns, one.quantity
    if drifts:
        from_ns, cut_by = load_ns[0], None
    for one in series:
        if all(one.quantity != drift.quantity for drift in drifts):
            drifts += _trend(one.since(from_ns), load_ns[0])
    drifts += _growing_queue(samples.get("waiting", ()), from_ns, load_ns)
    to_tell = steady_state.BATCH * steady_state.LEAST_TO_JUDGE
    told_from = sum(record.start_ns >= from_ns for record in measured)
    cut = cut_by is not None
    return Steadiness(
        steady=False if drifts else True if told_from >= to_tell else None,
        from_ns=from_ns if cut else None,
        cut_requests=sum(r.start_ns < from_ns for r in records if not r.warmup) if cut else 0,
        cut_s=(from_ns - load_ns[0]) / 1e9 if cut else 0.0,
        cut_by=cut_by,
        drifts=tuple(drifts),
        climbs=tuple(_climbs(samples, from_ns)),
        requests=told_from,
        requests_to_tell=to_tell,
    )


def _after_burst(records: Sequence[RequestRecord], users: int | None) -> int | None:
    """When all users of a level without warm-up have started, if they did so at once.

    None for a level in which they make less than REQUESTS_A_USER each.
    """
    if users is None or users < 2 or len(records) < REQUESTS_A_USER * users or records[0].warmup:
        return None
    median_ns = float(np.median([record.end_ns - record.start_ns for record in records]))
    last_ns = records[users - 1].start_ns
    return last_ns + 1 if last_ns - records[0].start_ns <= AT_ONCE * median_ns else None


def _latencies(
    quantity: str,
    measured: Sequence[RequestRecord],
    of: Callable[[RequestRecord], float | None],
) -> Iterator[Series]:
    found = [(r.start_ns, value, r.task) for r in measured if (value := of(r)) is not None]
    if not found:
        return
    starts_ns, values_ms, tasks = zip(*found, strict=True)
    values, labels = np.array(values_ms, dtype=np.float64), np.array(tasks)
    scores = steady_state.normal_scores(values, labels)
    for task in np.unique(labels):
        of_task = labels == task
        values[of_task] /= max(float(np.median(values[of_task])), 1e-9)
    times_ns = np.array(starts_ns, dtype=np.int64)
    yield Series(quantity, times_ns, values, scores, steady_state.BATCH)


def _throughput(completed: Sequence[RequestRecord], load_ns: tuple[int, int]) -> Iterator[Series]:
    """Requests a second in bins of equal length, in which about a batch of them completes.

    Until the last start: of a level that still runs, later ones are not all known.
    """
    begin_ns, end_ns = load_ns[0], min(load_ns[1], completed[-1].start_ns)
    within = sum(begin_ns <= record.end_ns < end_ns for record in completed)
    bins = min(within // steady_state.BATCH, MOST_BINS)
    if bins < steady_state.LEAST_TO_CUT:
        return
    edges_ns = np.linspace(begin_ns, end_ns, bins + 1)
    starts = np.array([record.start_ns for record in completed], dtype=np.float64)
    ends = np.array([record.end_ns for record in completed], dtype=np.float64)
    values = np.diff(occupancy.done_by(starts, ends, edges_ns)) / np.diff(edges_ns) * 1e9
    scores = steady_state.normal_scores(values)
    yield Series("throughput", edges_ns[:-1].astype(np.int64), values, scores, 1)


def _endless(
    one: Series, found: steady_state.StartUp, ratio: float, begin_ns: int
) -> Iterator[Drift]:
    """A start-up of more than half of the level, where it matters."""
    if steady_state.is_relevant(ratio):
        after_s = (int(one.times_ns[found.count]) - begin_ns) / 1e9
        yield Drift(one.quantity, ratio, found.p, after_s)


def _trend(one: Series, begin_ns: int) -> Iterator[Drift]:
    found = steady_state.trend(one.scores, one.values, one.batch)
    if found is None:
        return
    after_s = None
    if found.shift_at is not None:
        place = int(found.shift_at * len(one.times_ns))
        after_s = (int(one.times_ns[place]) - begin_ns) / 1e9
    yield Drift(one.quantity, found.ratio, found.p, after_s)


def _growing_queue(samples: Samples, from_ns: int, load_ns: tuple[int, int]) -> Iterator[Drift]:
    """The server's own gauge of requests that wait."""
    found = [(t_ns, value + 1) for t_ns, value in samples if from_ns <= t_ns < load_ns[1]]
    if len(found) < steady_state.LEAST_TO_JUDGE:
        return
    times_ns, values = zip(*found, strict=True)
    queued = np.array(values, dtype=np.float64)
    quarter = len(queued) // 4
    if np.median(queued[-quarter:]) - np.median(queued[:quarter]) >= LEAST_QUEUED:
        scores = steady_state.normal_scores(queued)
        times = np.array(times_ns, dtype=np.int64)
        yield from _trend(Series("waiting", times, queued, scores, 1), load_ns[0])


def _climbs(samples: Mapping[str, Samples], from_ns: int) -> Iterator[Climb]:
    for memory in MEMORIES:
        found = [(t_ns, value) for t_ns, value in samples.get(memory, ()) if t_ns >= from_ns]
        if memory != "host_memory" and len(found) >= 4 * steady_state.MEANS:
            yield from _climb(memory, found)


def _climb(memory: str, samples: Samples) -> Iterator[Climb]:
    """A climb goes on in the second half as in the first: what levels off is a start-up."""
    times_s = np.array([t_ns for t_ns, _ in samples], dtype=np.float64) / 1e9
    used = np.array([value for _, value in samples], dtype=np.float64)
    quarter, half = len(used) // 4, len(used) // 2
    first, last = float(np.median(used[:quarter])), float(np.median(used[-quarter:]))
    if last - first < max(CLIMB_AT_LEAST_BYTES, CLIMB_AT_LEAST * first):
        return
    slope = float(np.polyfit(times_s[half:] - times_s[half], used[half:], 1)[0])
    overall = float(np.polyfit(times_s - times_s[0], used, 1)[0])
    scores = steady_state.normal_scores(used)
    fits = [
        steady_state.drift_fit(steady_state.equal_parts(part, steady_state.MEANS))
        for part in (scores, scores[half:])
    ]
    p = max(fit.p for fit in fits)
    if slope > overall / 2 and p < CLIMB_P:
        yield Climb(memory, round(first), round(last), slope, p)
