"""Judging latencies: percentiles by the share of requests over the limit, and means."""

from loadproof.analysis import wording
from loadproof.analysis.finding import (
    Finding,
    bound_text,
    more_requests,
    more_text,
    ruling_at_most,
)
from loadproof.analysis.samples import LevelSamples
from loadproof.model.objective import Objective
from loadproof.model.verdict import Ruling
from loadproof.recording import hdr
from loadproof.stats import binomial, mean
from loadproof.stats.interval import Interval
from loadproof.stats.percentiles import Exceedance, exact, exceedance
from loadproof.stats.series import mean_bounds, share_bounds

_DEPENDENT = "; gaps of one request are not independent, so it is less sure than stated"


def judge_percentile(objective: Objective, level: LevelSamples, confidence: float) -> Finding:
    """`p_q(x) <= limit`, by the share of x over the limit: it may be 1 - q at most.

    HOLDS where the upper Clopper–Pearson bound of that share is at most 1 - q, BROKEN where the
    lower bound is above. Each bound is one-sided, so each claim errs at most at 1 - confidence
    where samples are independent. A level that is looked at while it lasts is judged by bounds
    that stay true at all of its looks.
    """
    assert objective.quantile is not None, "a percentile has a quantile"
    quantile = objective.quantile
    if objective.metric == "itl":
        gaps = level.gaps(objective.task)
        top_us = hdr.percentile(gaps, quantile)
        if top_us is None:
            return nothing_measured(objective, level)
        over = hdr.count_over(gaps, objective.limit * 1e3)
        near = hdr.count_near(gaps, objective.limit * 1e3)
        n = int(gaps.total_count)
        least, most = Exceedance(n, over), Exceedance(n, over + near)
        observed_ms, unit = top_us / 1e3, "gaps between tokens"
    else:
        values_ms = level.latencies_ms(objective.metric, objective.task)
        if len(values_ms) == 0:
            return nothing_measured(objective, level)
        least = most = exceedance(values_ms, objective.limit)
        observed_ms, unit = exact(values_ms, [quantile])[0], "requests"
    allowed = round(1 - quantile, 12)
    bounds = Interval(
        binomial.interval(least.over, least.n, confidence, sides=1).low,
        binomial.interval(most.over, most.n, confidence, sides=1).high,
    )
    if level.plan is not None and objective.metric != "itl":
        found = share_bounds(values_ms, objective.limit, confidence, plan=level.plan)
        bounds = Interval(found.low, found.high)
    ruling = ruling_at_most(bounds, allowed)
    more = None
    reason = (
        f"{wording.quantile(quantile)} was {wording.milliseconds(observed_ms)}; "
        f"{wording.count(least.over)} of {wording.count(least.n)} {unit} "
        f"({wording.share(least.share)}) were over {wording.milliseconds_limit(objective.limit)}, "
        f"{_share_bounds(ruling, bounds, confidence)}, "
        f"and the objective allows {wording.share_limit(allowed)}"
    )
    if ruling is Ruling.INCONCLUSIVE:
        needed = binomial.trials_to_settle(least.share, allowed, confidence)
        more = more_requests(needed, least.n, len(level.sent()))
        reason += f"; {more_text(more)}"
    if objective.metric == "itl":
        reason += _DEPENDENT
    return Finding(ruling, reason, least.n, observed_ms, least.share, bounds.low, bounds.high, more)


def judge_mean(objective: Objective, level: LevelSamples, confidence: float) -> Finding:
    """`mean(x) <= limit`, by the one-sided t interval of the mean."""
    if objective.metric == "itl":
        gaps = level.gaps(objective.task)
        n = int(gaps.total_count)
        mean_us = hdr.mean(gaps)
        if mean_us is None:
            return nothing_measured(objective, level)
        moments = mean.Moments(n, mean_us / 1e3, float(gaps.get_stddev()) / 1e3)
        unit = "gaps between tokens"
    else:
        values_ms = level.latencies_ms(objective.metric, objective.task)
        if len(values_ms) == 0:
            return nothing_measured(objective, level)
        moments, unit = mean.Moments.of(values_ms), "requests"
    bounds = mean.interval(moments, confidence, sides=1)
    if level.plan is not None and objective.metric != "itl":
        found = mean_bounds(values_ms, confidence, plan=level.plan)
        bounds = Interval(found.low, found.high)
    observed = wording.milliseconds(moments.mean)
    if bounds is None:
        reason = f"the mean was {observed}, of a single request: two at least are needed"
        return Finding(Ruling.INCONCLUSIVE, reason, moments.n, moments.mean, moments.mean)
    ruling = ruling_at_most(bounds, objective.limit)
    more = None
    texts = wording.milliseconds(max(bounds.low, 0)), wording.milliseconds(bounds.high)
    reason = (
        f"the mean of {wording.count(moments.n)} {unit} was {observed}, "
        f"{bound_text(ruling, *texts, confidence, at_most=True)}, "
        f"and the objective allows {wording.milliseconds_limit(objective.limit)}"
    )
    if ruling is Ruling.INCONCLUSIVE:
        needed = mean.samples_to_settle(moments, objective.limit, confidence)
        more = more_requests(needed, moments.n, len(level.sent()))
        reason += f"; {more_text(more)}"
    if objective.metric == "itl":
        reason += _DEPENDENT
    return Finding(
        ruling, reason, moments.n, moments.mean, moments.mean, bounds.low, bounds.high, more
    )


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


def _share_bounds(ruling: Ruling, bounds: Interval, confidence: float) -> str:
    return bound_text(
        ruling, wording.share(bounds.low), wording.share(bounds.high), confidence, at_most=True
    )
