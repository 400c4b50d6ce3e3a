"""Judging throughput: output tokens, requests, or good requests per second, by batches of time."""

import math

from loadproof.analysis import flow, wording
from loadproof.analysis.finding import Finding, bound_text, ruling_at_least
from loadproof.analysis.goodput_objectives import is_good
from loadproof.analysis.latency_objectives import nothing_measured
from loadproof.analysis.samples import LevelSamples
from loadproof.model.objective import Kind, Objective
from loadproof.model.verdict import Ruling
from loadproof.stats import batches
from loadproof.stats.interval import Interval
from loadproof.stats.percentiles import FloatArray

_WHAT = {
    "output_tokens": "output tokens",
    "requests": "requests",
    "goodput": "requests that met every bound",
}


def judge_throughput(objective: Objective, level: LevelSamples, confidence: float) -> Finding:
    """`throughput(output_tokens) >= limit` and its like, and goodput as a rate.

    By the one-sided bounds of batch means over the time in which the load was up (see `flow`). A
    level within which the run was cut off decides nothing: what was in flight is unknown.
    """
    stretch = flow.stretch_of(level)
    n = 0 if stretch is None else flow.completed_within(level, stretch, objective.task)
    if stretch is None or n == 0:
        return nothing_measured(objective, level)
    length_s = (stretch[1] - stretch[0]) / 1e9
    rates = _rates(objective, level, flow.edges_ns(stretch, batches.number_of(n)))
    observed = float(rates.mean())
    said = (
        f"{_WHAT[objective.metric]} came at {wording.rate(observed)} over "
        f"{wording.seconds(length_s)}"
    )
    if not level.ended:
        reason = f"{said}, but the run was cut off within this level, with requests in flight"
        return Finding(Ruling.INCONCLUSIVE, reason, n, observed, observed)
    if len(rates) < batches.FEWEST:
        more_s: float | None = length_s * (batches.FEWEST_EVENTS / n - 1)
        reason = (
            f"{said}, in which {wording.requests(n)} completed, and {batches.FEWEST_EVENTS} are "
            f"needed; {_more_text(more_s)}"
        )
        more = _more_requests(more_s, length_s, level)
        return Finding(Ruling.INCONCLUSIVE, reason, n, observed, observed, more_requests=more)
    found = batches.bounds(rates, confidence)
    bounds = Interval(max(found.low, 0.0), found.high)
    ruling = ruling_at_least(bounds, objective.limit)
    low, high = wording.rate(bounds.low), wording.rate(bounds.high)
    reason = (
        f"{said}, {bound_text(ruling, low, high, confidence, at_most=False)}, "
        f"and the objective asks for {objective.text.rsplit('=', 1)[-1].strip()}"
    )
    more = None
    if ruling is Ruling.INCONCLUSIVE:
        more_s = batches.more_to_settle(found, objective.limit, length_s)
        more = _more_requests(more_s, length_s, level)
        reason += f"; {_more_text(more_s)}"
    return Finding(ruling, reason, n, observed, observed, bounds.low, bounds.high, more)


def _rates(objective: Objective, level: LevelSamples, edges: FloatArray) -> FloatArray:
    """What the objective is about, per second between neighbouring edges."""
    records = flow.in_flight(level, objective.task)
    if objective.metric == "output_tokens":
        amounts = flow.tokens_between(records, edges)
    else:
        if objective.kind is Kind.GOODPUT_RATE:
            records = [record for record in records if is_good(record, objective.bounds)]
        amounts = flow.completed_between(records, edges)
    return flow.per_second(amounts, edges)


def _more_requests(more_s: float | None, length_s: float, level: LevelSamples) -> int | None:
    """How many requests of all tasks are started in that much more time, as many as so far."""
    if more_s is None:
        return None
    return max(math.ceil(more_s / length_s * len(level.sent())), 1)


def _more_text(more_s: float | None) -> str:
    if more_s is None:
        return "no length of time would be expected to settle it, at what was observed"
    more = wording.seconds(max(more_s, 1.0))
    return f"about {more} more at this level would be expected to settle it"
