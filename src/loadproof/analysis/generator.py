"""How the load generator itself fared at a level: its health, and what to do where it is poor."""

from hdrh.histogram import HdrHistogram

from loadproof.analysis import wording
from loadproof.analysis.intervals import Interval
from loadproof.analysis.levels import percentiles_of_gaps
from loadproof.analysis.samples import LevelSamples
from loadproof.model.metrics import LOOP_LATENESS, READ_LATENESS
from loadproof.model.record import Clock
from loadproof.model.verdict import GeneratorHealth
from loadproof.recording.hdr import new_histogram
from loadproof.stats.percentiles import exact

DELIVERED_AT_LEAST = 0.95
"""Of the load that was asked for; with less, no objective is said to hold under it."""
SATURATED = 0.95
"""Of a core, over a whole level: a loop that is busy all the time."""
BUSY = 0.8
CROWDED_OUT = 0.1
"""Of the time without a CPU though there was work: others on the machine took it."""
_LONG_ENOUGH_NS = 500_000_000
"""The CPU share of a shorter interval says little."""


def health_of(level: LevelSamples) -> GeneratorHealth | None:
    """How the generator fared while the level was measured; None for a run that does not tell."""
    intervals = [interval for interval in level.generator if not interval.warmup]
    if not intervals:
        return None
    completed = level.completed(everything=True)
    with_token = [record for record in completed if record.ttft_ms is not None]
    events = sum(record.events for record in completed)
    delays_ms = level.latencies_ms("start_delay", everything=True)
    by_worker: dict[str, list[Interval]] = {}
    for interval in intervals:
        by_worker.setdefault(interval.worker, []).append(interval)
    busiest = max(by_worker.values(), key=_cpu_share)
    long_enough = [i for i in intervals if i.length_ns >= _LONG_ENOUGH_NS] or intervals
    waits = [_cpu_wait_share(worker) for worker in by_worker.values()]
    reads = level.lateness.get(READ_LATENESS)
    return GeneratorHealth(
        workers=len(by_worker),
        loop_lateness=percentiles_of_gaps(_or_empty(level.lateness.get(LOOP_LATENESS))),
        read_lateness=None if reads is None else percentiles_of_gaps(reads),
        process_clock=_share(sum(r.clock is Clock.PROCESS for r in completed), len(completed)),
        first_tokens_coalesced=_share(
            sum(record.first_token_coalesced for record in with_token), len(with_token)
        ),
        events_coalesced=_share(sum(record.coalesced for record in completed), events),
        cpu_share_mean=_cpu_share(busiest),
        cpu_share_max=max(interval.cpu_share for interval in long_enough),
        cpu_wait_share=max((wait for wait in waits if wait is not None), default=None),
        start_delay_p99_ms=exact(delays_ms, [0.99])[0] if len(delays_ms) else None,
        delivered=_delivered(level),
        concurrency=_concurrency(level),
        backlog_max=max(interval.backlog for interval in intervals),
        longest_collection_ms=max(i.longest_collection_us for i in intervals) / 1e3,
        clock_drift_ms=max(abs(interval.clock_drift_ns) for interval in intervals) / 1e6,
        clock_steps=max(interval.clock_steps for interval in intervals),
    )


def remedy(health: GeneratorHealth, cpus: int | None) -> str:
    """What to do about a generator that was late, by what it was late of."""
    late_ms = health.loop_lateness.max or 0.0
    if health.cpu_wait_share is not None and health.cpu_wait_share >= CROWDED_OUT:
        share = wording.share(health.cpu_wait_share)
        return (
            f"for {share} of the time other programs had its CPU: leave it a core of its own, "
            "or run it on a bigger machine"
        )
    if health.cpu_share_mean < BUSY and 2 * health.longest_collection_ms >= late_ms > 0:
        longest = wording.milliseconds(health.longest_collection_ms)
        return f"garbage collections took up to {longest}: run with {_more(health)}"
    if health.cpu_share_mean >= BUSY or late_ms == 0:
        core = f"it used {wording.share(health.cpu_share_mean)} of a core"
        if cpus is not None and health.workers >= cpus:
            return f"{core}, on a machine of {cpus}: run it on a bigger machine"
        return f"{core}: run with {_more(health)} or on a bigger machine"
    return (
        f"its loop was held up for up to {wording.milliseconds(late_ms)} though it used only "
        f"{wording.share(health.cpu_share_mean)} of a core: look for code of the locustfile that "
        f"computes without a pause, or run with {_more(health)}"
    )


def _more(health: GeneratorHealth) -> str:
    return f"--processes {health.workers + 1}"


def _cpu_share(intervals: list[Interval]) -> float:
    """Over all of one worker's intervals."""
    length_ns = sum(interval.length_ns for interval in intervals)
    used_ns = sum(interval.cpu_share * interval.length_ns for interval in intervals)
    return round(used_ns / length_ns, 4)


def _cpu_wait_share(intervals: list[Interval]) -> float | None:
    known = [(i.cpu_wait_share, i.length_ns) for i in intervals if i.cpu_wait_share is not None]
    length_ns = sum(length for _, length in known)
    return round(sum(wait * ns for wait, ns in known) / length_ns, 4) if known else None


def _delivered(level: LevelSamples) -> float | None:
    """1 minus the share of the users' time that went by between the moment at which they were to
    go on and their next request."""
    if not level.users or level.load_ns is None:
        return None
    start_ns, end_ns = level.load_ns
    lost_ns = sum(
        record.start_ns - record.intended_ns
        for record in level.measured
        if record.intended_ns is not None
    )
    asked_ns = level.users * (end_ns - start_ns)
    return max(1 - lost_ns / asked_ns, 0.0) if asked_ns > 0 else None


def _concurrency(level: LevelSamples) -> float | None:
    """Requests in flight, on average over the time in which they were started; those of the
    warm-up that were still in flight then are not among them."""
    if level.load_ns is None:
        return None
    start_ns, end_ns = level.load_ns
    busy_ns = sum(max(min(r.end_ns, end_ns) - r.start_ns, 0) for r in level.measured)
    return busy_ns / (end_ns - start_ns) if end_ns > start_ns else None


def _share(part: int, whole: int) -> float:
    return part / whole if whole else 0.0


def _or_empty(histogram: HdrHistogram | None) -> HdrHistogram:
    return new_histogram() if histogram is None else histogram
