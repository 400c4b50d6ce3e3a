"""Judging latencies: percentiles by the share of requests over the limit, and means."""

import math
from dataclasses import dataclass

from loadproof.analysis import wording
from loadproof.analysis.finding import (
    Finding,
    bound_text,
    more_requests,
    more_text,
    ruling_at_most,
    weight_text,
)
from loadproof.analysis.gap_clusters import RequestGaps, gap_tail
from loadproof.analysis.samples import LevelSamples
from loadproof.model.objective import Objective
from loadproof.model.verdict import Ruling
from loadproof.recording import hdr
from loadproof.stats import mean
from loadproof.stats.interval import Interval
from loadproof.stats.percentiles import Exceedance, exact, exceedance
from loadproof.stats.series import bounds_of_count, mean_bounds, share_bounds
from loadproof.stats.settling import requests_to_settle


@dataclass(frozen=True, slots=True)
class _Seen:
    """What a percentile is judged by: the share over the limit, the percentile itself, the bounds
    of the share, and how many samples weigh as one."""

    over: Exceedance
    observed_ms: float
    bounds: Interval
    correlation: float


def judge_percentile(objective: Objective, level: LevelSamples, confidence: float) -> Finding:
    """`p_q(x) <= limit`, by the share of x over the limit: it may be 1 - q at most.

    HOLDS where the upper bound of that share is at most 1 - q, BROKEN where the lower bound is
    above. Each bound is one-sided, so each claim errs at most at 1 - confidence; how requests
    depend on each other is taken from the series itself (see `stats.series`). A level that is
    looked at while it lasts is judged by bounds that stay true at all of its looks.
    """
    assert objective.quantile is not None, "a percentile has a quantile"
    if objective.metric == "itl":
        return _judge_gaps(objective, level, confidence)
    values_ms = level.latencies_ms(objective.metric, objective.task)
    if len(values_ms) == 0:
        return nothing_measured(objective, level)
    found = share_bounds(values_ms, objective.limit, confidence, plan=level.plan)
    return _percentile(
        objective,
        level,
        confidence,
        _Seen(
            exceedance(values_ms, objective.limit),
            exact(values_ms, [objective.quantile])[0],
            Interval(found.low, found.high),
            found.correlation_requests,
        ),
    )


def _judge_gaps(objective: Objective, level: LevelSamples, confidence: float) -> Finding:
    """Gaps between tokens: their number over the limit is from the histogram of all of them."""
    assert objective.quantile is not None, "a percentile has a quantile"
    gaps = level.gaps(objective.task)
    top_us = hdr.percentile(gaps, objective.quantile)
    if top_us is None:
        return nothing_measured(objective, level)
    over = hdr.count_over(gaps, objective.limit * 1e3)
    near = hdr.count_near(gaps, objective.limit * 1e3)
    n = int(gaps.total_count)
    tail = gap_tail(level, objective.task, over / n / 4)
    miss = 1 - confidence
    return _percentile(
        objective,
        level,
        confidence,
        _Seen(
            Exceedance(n, over),
            top_us / 1e3,
            Interval(
                bounds_of_count(over, n, tail, miss)[0],
                bounds_of_count(over + near, n, tail, miss)[1],
            ),
            tail.estimate(over / n),
        ),
    )


def _percentile(
    objective: Objective,
    level: LevelSamples,
    confidence: float,
    seen: _Seen,
) -> Finding:
    over, bounds, correlation = seen.over, seen.bounds, seen.correlation
    assert objective.quantile is not None, "a percentile has a quantile"
    allowed = round(1 - objective.quantile, 12)
    ruling = ruling_at_most(bounds, allowed)
    unit = "gaps between tokens" if objective.metric == "itl" else "requests"
    low, high = wording.share(bounds.low), wording.share(bounds.high)
    reason = (
        f"{wording.quantile(objective.quantile)} was {wording.milliseconds(seen.observed_ms)}; "
        f"{wording.count(over.over)} of {wording.count(over.n)} {unit} "
        f"({wording.share(over.share)}) were over {wording.milliseconds_limit(objective.limit)}, "
        f"{bound_text(ruling, low, high, confidence, at_most=True)}, "
        f"and the objective allows {wording.share_limit(allowed)}"
        f"{weight_text(over.n, correlation, unit)}"
    )
    more = None
    if ruling is Ruling.INCONCLUSIVE:
        needed = requests_to_settle(over.share, allowed, confidence, correlation)
        more = more_requests(needed, over.n, len(level.sent()))
        reason += f"; {more_text(more)}"
    return Finding(
        ruling, reason, over.n, seen.observed_ms, over.share, bounds.low, bounds.high, more
    )


def judge_mean(objective: Objective, level: LevelSamples, confidence: float) -> Finding:
    """`mean(x) <= limit`, by the one-sided bounds of the mean of a correlated series."""
    unit = "requests"
    if objective.metric == "itl":
        gaps, requests = level.gaps(objective.task), RequestGaps.of(level, objective.task)
        mean_us = hdr.mean(gaps)
        if mean_us is None or requests is None:
            return nothing_measured(objective, level)
        values_ms, mean_ms = requests.means_ms(), mean_us / 1e3
        n, unit = int(gaps.total_count), "gaps between tokens"
    else:
        values_ms = level.latencies_ms(objective.metric, objective.task)
        if len(values_ms) == 0:
            return nothing_measured(objective, level)
        n, mean_ms = len(values_ms), float(values_ms.mean())
    observed = wording.milliseconds(mean_ms)
    if len(values_ms) < 2:
        reason = f"the mean was {observed}, of a single request: two at least are needed"
        return Finding(Ruling.INCONCLUSIVE, reason, n, mean_ms, mean_ms)
    plan = None if objective.metric == "itl" else level.plan
    found = mean_bounds(values_ms, confidence, plan=plan)
    bounds = Interval(found.low, found.high)
    ruling = ruling_at_most(bounds, objective.limit)
    more = None
    low = wording.milliseconds(max(bounds.low, 0))
    high = wording.milliseconds(bounds.high) if math.isfinite(bounds.high) else "any value"
    reason = (
        f"the mean of {wording.count(n)} {unit} was {observed}, "
        f"{bound_text(ruling, low, high, confidence, at_most=True)}, "
        f"and the objective allows {wording.milliseconds_limit(objective.limit)}"
        f"{weight_text(len(values_ms), found.correlation_requests, 'requests')}"
    )
    if ruling is Ruling.INCONCLUSIVE:
        samples = mean.samples_to_settle(mean.Moments.of(values_ms), objective.limit, confidence)
        needed = None if samples is None else math.ceil(samples * found.correlation_requests)
        more = more_requests(needed, len(values_ms), len(level.sent()))
        reason += f"; {more_text(more)}"
    return Finding(ruling, reason, n, mean_ms, mean_ms, bounds.low, bounds.high, more)


def nothing_measured(objective: Objective, level: LevelSamples) -> Finding:
    """No samples is INCONCLUSIVE, never a pass."""
    of = f" of {objective.task}" if objective.task else ""
    sent = level.sent(objective.task)
    if not sent:
        reason = f"no request{of} was measured at this level"
    elif not level.completed(objective.task):
        reason = f"none of {wording.requests(len(sent))}{of} completed at this level"
    else:
        reason = f"no completed request{of} has a value of {objective.metric} at this level"
    return Finding(Ruling.INCONCLUSIVE, reason, 0)
