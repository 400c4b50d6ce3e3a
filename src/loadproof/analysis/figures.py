"""What of a load level is compared with another run's: estimates with their bounds."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from hdrh.histogram import HdrHistogram

from loadproof.analysis import flow
from loadproof.analysis.checks import PRECISION
from loadproof.analysis.gap_clusters import RequestGaps
from loadproof.analysis.goodput_objectives import is_good
from loadproof.analysis.samples import LevelSamples
from loadproof.model.comparison import Family
from loadproof.model.objective import Kind, Objective
from loadproof.model.record import Outcome
from loadproof.recording import hdr
from loadproof.stats.confidence_curve import Curve
from loadproof.stats.long_run import (
    Dependence,
    Series,
    mean_curve,
    quantile_curve,
    quantile_shares,
    share_curve,
)
from loadproof.stats.percentiles import FloatArray

LATENCIES = ("ttft", "ttfat", "itl", "tpot", "e2e")
QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99}


@dataclass(frozen=True, slots=True)
class Estimate:
    """One metric of one level: milliseconds, per second, or a share, with its bounds."""

    metric: str
    family: Family
    lower_is_better: bool
    curve: Curve


def estimates_of(level: LevelSamples, objectives: Iterable[Objective]) -> Iterator[Estimate]:
    """Latencies, throughput, rates, and what of goodput `objectives` ask of the level; nothing of
    what has no samples.
    """
    for metric in LATENCIES:
        if metric == "itl":
            yield from _of_gaps(level)
            continue
        yield from latencies_of(level, metric)
    yield from _of_flow(level, objectives)
    yield from _of_rates(level, objectives)


def latencies_of(level: LevelSamples, metric: str, task: str | None = None) -> Iterator[Estimate]:
    """A latency that each request has one of: quantiles and mean, of one task or of all."""
    values_ms = level.latencies_ms(metric, task)
    if len(values_ms):
        series = Series.of(values_ms, _in_flight(level))
        curves = {name: quantile_curve(series, quantile) for name, quantile in QUANTILES.items()}
        for name, curve in (curves | {"mean": mean_curve(series)}).items():
            yield Estimate(f"{name}({metric})", Family.LATENCY, lower_is_better=True, curve=curve)


MOST_PARTS = 512
"""Into how many equal parts the time of a level is cut, to see how what flows varies."""


def _of_flow(level: LevelSamples, objectives: Iterable[Objective]) -> Iterator[Estimate]:
    """What flowed per second while the load was up: neighbouring parts of the time make up for
    each other, since a token that came late for one came early for the next."""
    stretch = flow.stretch_of(level)
    if stretch is None or not level.completed():
        return
    records = flow.in_flight(level, None)
    completed = flow.completed_within(level, stretch, None)
    parts = min(max(completed, 4), MOST_PARTS)
    edges = flow.edges_ns(stretch, parts)
    flows = {
        "throughput(output_tokens)": flow.tokens_between(records, edges),
        "throughput(requests)": flow.completed_between(records, edges),
    }
    for objective in objectives:
        if objective.kind is Kind.GOODPUT_RATE and _asked(objective, level):
            good = [
                record
                for record in flow.in_flight(level, objective.task)
                if is_good(record, objective.bounds)
            ]
            flows[f"{objective.subject()}/s"] = flow.completed_between(good, edges)
    in_flight = _in_flight(level) * parts / max(completed, 1)
    for name, amounts in flows.items():
        curve = mean_curve(Series.of(flow.per_second(amounts, edges), in_flight), regular=True)
        curve = replace(curve, n=completed, effective_n=min(curve.effective_n, completed))
        yield Estimate(name, Family.THROUGHPUT, lower_is_better=False, curve=curve)


def _in_flight(level: LevelSamples) -> float:
    """About how many requests are on their way at a time: as many as there are users."""
    return float(level.users or 1)


def _asked(objective: Objective, level: LevelSamples) -> bool:
    return objective.users is None or level.users in objective.users


def _of_rates(level: LevelSamples, objectives: Iterable[Objective]) -> Iterator[Estimate]:
    if not level.measured:
        return
    failed = _flags(record.outcome is Outcome.FAILED for record in level.measured)
    yield Estimate(
        "rate(failed)",
        Family.RATE,
        lower_is_better=True,
        curve=share_curve(failed, _in_flight(level)),
    )
    for objective in objectives:
        sent = level.sent(objective.task)
        if objective.kind is Kind.GOODPUT and _asked(objective, level) and sent:
            good = _flags(is_good(record, objective.bounds) for record in sent)
            yield Estimate(
                objective.subject(),
                Family.RATE,
                lower_is_better=False,
                curve=share_curve(good, _in_flight(level)),
            )


def _flags(flags: Iterable[bool]) -> FloatArray:
    return np.fromiter(flags, dtype=np.float64)


def _of_gaps(level: LevelSamples) -> Iterator[Estimate]:
    """Gaps between tokens: their value from the histogram of all of them, their error from how
    much requests differ, which share their tokens' luck."""
    histogram = level.gaps()
    requests = RequestGaps.of(level, None)
    if not histogram.total_count or requests is None:
        return
    dependence = Dependence.of(requests.mean_ms, _in_flight(level))
    for name, quantile in QUANTILES.items():
        curve = _gap_quantile(histogram, requests, quantile, dependence)
        yield Estimate(f"{name}(itl)", Family.LATENCY, lower_is_better=True, curve=curve)
    means_ms = requests.means_ms()
    mean = mean_curve(Series(means_ms, means_ms, dependence))
    yield Estimate("mean(itl)", Family.LATENCY, lower_is_better=True, curve=mean)


def _gap_quantile(
    histogram: HdrHistogram, requests: RequestGaps, quantile: float, dependence: Dependence
) -> Curve:
    value_ms = float(hdr.percentiles(histogram, np.array([quantile]))[0]) / 1e3
    n = len(requests.number)
    shares = quantile_shares(
        quantile, _over(requests, value_ms, quantile), dependence, requests.number
    )
    low_ms, high_ms = (hdr.percentiles(histogram, s) / 1e3 for s in (shares.low, shares.high))
    low = np.where(shares.low > 0, low_ms, -np.inf)
    high = np.where(shares.high < 1, high_ms, np.inf)
    return Curve(value_ms, low, high, n, min(shares.effective_n, n))


def _over(requests: RequestGaps, limit_ms: float, quantile: float) -> FloatArray:
    """About which share of each request's gaps is over a limit that is this quantile of all.

    Of the median all or none, by whether the request's own median is over that of the requests:
    this is the most that they can differ. A limit as a histogram gives it can be above all gaps of
    its bucket; where none are over it, those within its precision are.
    """
    if quantile <= 0.5:
        order = np.argsort(requests.p50_ms)
        weights = np.cumsum(requests.number[order])
        middle = requests.p50_ms[order[np.searchsorted(weights, weights[-1] / 2)]]
        over = requests.p50_ms > middle
        return np.where(over if over.any() else requests.p50_ms >= middle, 1.0, 0.0)
    shares = requests.shares_over(limit_ms)
    return shares if shares.any() else requests.shares_over(limit_ms * (1 - 2 * PRECISION))
