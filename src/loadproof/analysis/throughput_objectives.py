"""Judging throughput: output tokens, requests, or good requests per second, by batches of time."""

import math

from loadproof.analysis import flow, wording
from loadproof.analysis.finding import Finding, bound_text, more_text, ruling_at_least
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

    By the one-sided bounds of batch means over the time in which the load was up (see `flow`). Of
    a level that was looked at while it lasted, the time up to the last planned look counts, at a
    confidence which all looks keep together (Bonferroni). A level within which the run was cut off
    decides nothing: what was in flight is unknown.
    """
    stretch = flow.stretch_of(level)
    looks = level.plan.looks() if level.plan is not None else ()
    if stretch is not None and looks:
        stretch = _until_look(level, stretch, looks)
    n = 0 if stretch is None else flow.completed_within(level, stretch, objective.task)
    if stretch is None or n == 0:
        if not level.completed(objective.task):
            return nothing_measured(objective, level)
        reason = "no request completed in the time that counts at this level"
        return Finding(Ruling.INCONCLUSIVE, reason, 0)
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
        more = _more_requests(batches.FEWEST_EVENTS / n - 1, level)
        reason = (
            f"{said}, in which {wording.requests(n)} completed, and {batches.FEWEST_EVENTS} are "
            f"needed; {more_text(more)}"
        )
        return Finding(Ruling.INCONCLUSIVE, reason, n, observed, observed, more_requests=more)
    found = batches.bounds(rates, 1 - (1 - confidence) / max(len(looks), 1))
    bounds = Interval(max(found.low, 0.0), found.high)
    ruling = ruling_at_least(bounds, objective.limit)
    low, high = wording.rate(bounds.low), wording.rate(bounds.high)
    reason = (
        f"{said}, {bound_text(ruling, low, high, confidence, at_most=False)}, "
        f"and the objective asks for {objective.text.rsplit('=', 1)[-1].strip()}"
    )
    more = None
    if ruling is Ruling.INCONCLUSIVE:
        more = _more_requests(batches.more_to_settle(found, objective.limit), level)
        reason += f"; {more_text(more)}"
    return Finding(ruling, reason, n, observed, observed, bounds.low, bounds.high, more)


def _until_look(
    level: LevelSamples, stretch: flow.Stretch, looks: tuple[int, ...]
) -> flow.Stretch | None:
    """The stretch up to the start of the request at which the last look was due; None before the
    first one."""
    sent = level.sent()
    due = [look for look in looks if look <= len(sent)]
    if not due:
        return None
    begin_ns, end_ns = stretch
    end_ns = min(sent[due[-1] - 1].start_ns, end_ns)
    return (begin_ns, end_ns) if begin_ns < end_ns else None


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


def _more_requests(times: float | None, level: LevelSamples) -> int | None:
    """How many requests of all tasks are that many times as many as were sent so far."""
    return None if times is None else max(math.ceil(times * len(level.sent())), 1)
