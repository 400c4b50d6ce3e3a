"""The table of levels: what was asked at each load level, and what came back."""

from collections import Counter
from itertools import pairwise

from hdrh.histogram import HdrHistogram

from loadproof.analysis.flow import mean_rates
from loadproof.analysis.quality import qualities_of
from loadproof.analysis.samples import LevelSamples, Timeline
from loadproof.analysis.thinking import thinking_of
from loadproof.model.metrics import COUNTERS, GAUGES, LATENCIES, MEMORIES, TASKS
from loadproof.model.record import Clock, Outcome, RequestRecord
from loadproof.model.verdict import EndedEarly, Level, Percentiles
from loadproof.recording import hdr
from loadproof.stats.percentiles import FloatArray, exact

QUANTILES = (0.5, 0.9, 0.95, 0.99, 1.0)


def level_of(samples: LevelSamples, confidence: float) -> Level:
    """The level's row. Intervals of qualities are two-sided at `confidence`."""
    outcomes = Counter(record.outcome for record in samples.measured)
    completed = samples.completed(everything=True)
    output_tokens = sum(record.output_tokens or 0 for record in completed)
    duration_s = _duration_s(samples.measured)
    tokens_per_s, requests_per_s = mean_rates(samples)
    asked = {record.task for record in samples.measured}
    tasks = sorted(asked, key=lambda task: (TASKS.index(task) if task in TASKS else 99, task))
    return Level(
        step=samples.step,
        users=samples.users,
        duration_s=duration_s,
        sent=len(samples.measured),
        completed=outcomes[Outcome.COMPLETED],
        failed=outcomes[Outcome.FAILED],
        cut_off=outcomes[Outcome.CUT_OFF],
        warmup=samples.warmup,
        failures=_failures(samples.measured),
        output_tokens=output_tokens,
        tokens_per_s=tokens_per_s,
        requests_per_s=requests_per_s,
        latencies=_latencies(samples),
        by_task={task: _latencies(samples, task) for task in tasks},
        qualities=qualities_of(samples, tasks, confidence),
        peak_memory={
            name: int(peak(samples.samples[name])) for name in MEMORIES if name in samples.samples
        },
        gauges={
            name: growth(values) if name in COUNTERS else peak(values)
            for name, values in samples.samples.items()
            if name in (*GAUGES, *COUNTERS)
        },
        process_clock=sum(record.clock is Clock.PROCESS for record in completed),
        multi_token_events=sum(record.multi_token_events > 0 for record in completed),
        ended_early=_ended_early(samples),
        thinking=thinking_of(samples, confidence),
        steadiness=samples.steadiness,
    )


def percentiles_of(values_ms: FloatArray) -> Percentiles:
    """Exact percentiles of samples in milliseconds, by the nearest rank."""
    if len(values_ms) == 0:
        return Percentiles(0, None, None, None, None, None, None)
    return Percentiles(len(values_ms), float(values_ms.mean()), *exact(values_ms, QUANTILES))


def percentiles_of_gaps(histogram: HdrHistogram) -> Percentiles:
    """Percentiles of a histogram in microseconds, in milliseconds, to within its 0.1 %."""
    mean_us = hdr.mean(histogram)
    if mean_us is None:
        return Percentiles(0, None, None, None, None, None, None)
    values_us = [hdr.percentile(histogram, quantile) or 0 for quantile in QUANTILES]
    return Percentiles(
        int(histogram.total_count), mean_us / 1e3, *(value / 1e3 for value in values_us)
    )


def peak(samples: Timeline) -> float:
    """The highest value of a gauge."""
    return max(value for _, value in samples)


def growth(samples: Timeline) -> float:
    """How much a counter has grown from its first sample on. A counter that falls has begun
    again at zero, as one of a restarted server does, and its new value is growth too."""
    total = 0.0
    for (_, before), (_, after) in pairwise(samples):
        total += after - before if after >= before else after
    return total


def _duration_s(measured: tuple[RequestRecord, ...]) -> float:
    if not measured:
        return 0.0
    return (max(record.end_ns for record in measured) - measured[0].start_ns) / 1e9


def _ended_early(samples: LevelSamples) -> EndedEarly | None:
    if samples.ended_early is None or samples.load_ns is None:
        return None
    start_ns, end_ns = samples.load_ns
    return EndedEarly((end_ns - start_ns) / 1e9, samples.ended_early)


def _failures(measured: tuple[RequestRecord, ...]) -> dict[str, int]:
    kinds = Counter(
        str(record.failure) if record.failure else "unknown"
        for record in measured
        if record.outcome is Outcome.FAILED
    )
    return dict(kinds.most_common())


def _latencies(samples: LevelSamples, task: str | None = None) -> dict[str, Percentiles]:
    """Those latencies that have samples."""
    found = {}
    for metric in LATENCIES:
        if metric == "itl":
            row = percentiles_of_gaps(samples.gaps(task))
        else:
            row = percentiles_of(samples.latencies_ms(metric, task))
        if row.n:
            found[metric] = row
    return found
