"""Judging shares of requests: failures by the outcomes, answer quality by the grades."""

import numpy as np

from loadproof.analysis import wording
from loadproof.analysis.finding import (
    Finding,
    bound_text,
    more_requests,
    more_text,
    ruling_at_least,
    ruling_at_most,
    weight_text,
)
from loadproof.analysis.latency_objectives import nothing_measured
from loadproof.analysis.samples import LevelSamples
from loadproof.model.objective import Objective
from loadproof.model.record import Outcome
from loadproof.model.verdict import Ruling
from loadproof.stats import binomial, mean
from loadproof.stats.interval import Interval
from loadproof.stats.looking import Plan
from loadproof.stats.percentiles import FloatArray
from loadproof.stats.series import mean_bounds, share_bounds
from loadproof.stats.settling import requests_to_settle

_OUTCOMES = {"failed": Outcome.FAILED, "cut_off": Outcome.CUT_OFF}
_DONE = {
    "failed": "failed",
    "cut_off": "were cut off",
    "unfinished_thinking": "never left their thinking",
}


def judge_rate(objective: Objective, level: LevelSamples, confidence: float) -> Finding:
    """`rate(failed) <= limit`, by the one-sided bounds of that share of all that was sent.

    `rate(unfinished_thinking)` is over all that completed: those that bore thinking tokens and
    none of the answer proper.
    """
    if objective.metric == "unfinished_thinking":
        found = [
            record.thinking_unfinished
            for record in level.completed(objective.task, everything=True)
        ]
    else:
        outcome = _OUTCOMES[objective.metric]
        found = [
            record.outcome is outcome for record in level.sent(objective.task, everything=True)
        ]
    n = len(found)
    if n == 0:
        return nothing_measured(objective, level)
    hits = sum(found)
    rate = hits / n
    flags = share_bounds(np.array(found, dtype=np.float64), 0.5, confidence, plan=level.plan)
    low_bound = flags.low
    if level.plan is None:
        # One outage may be a rare one, but it was one: bunches speak against HOLDS alone.
        low_bound = binomial.interval(hits, n, confidence, sides=1).low
    bounds = Interval(low_bound, flags.high)
    ruling = ruling_at_most(bounds, objective.limit)
    more = None
    low, high = wording.share(bounds.low), wording.share(bounds.high)
    reason = (
        f"{wording.count(hits)} of {wording.requests(n)} ({wording.share(rate)}) "
        f"{_DONE[objective.metric]}, {bound_text(ruling, low, high, confidence, at_most=True)}, "
        f"and the objective allows {wording.share_limit(objective.limit)}"
        f"{weight_text(n, flags.correlation_requests, 'requests')}"
    )
    if ruling is Ruling.INCONCLUSIVE:
        per_request = flags.correlation_requests
        needed = requests_to_settle(rate, objective.limit, confidence, per_request)
        more = more_requests(needed, n, len(level.sent(everything=True)))
        reason += f"; {more_text(more)}"
    return Finding(ruling, reason, n, rate, rate, bounds.low, bounds.high, more)


def judge_quality(objective: Objective, level: LevelSamples, confidence: float) -> Finding:
    """`accuracy(task) >= limit` and its like, over the completed requests that have the grade."""
    assert objective.task is not None, "a quality is one task's"
    grades = level.grades(objective.task, objective.metric)
    n = len(grades)
    if n == 0:
        if not level.completed(objective.task, everything=True):
            return nothing_measured(objective, level)
        reason = f"no answer of {objective.task} was graded by {objective.metric} at this level"
        return Finding(Ruling.INCONCLUSIVE, reason, 0)
    observed = float(grades.mean())
    bounds = mean.unit_interval(grades, confidence, sides=1)
    if level.plan is not None:
        bounds = _at_looks(grades, confidence, level.plan)
    ruling = ruling_at_least(bounds, objective.limit)
    more = None
    low, high = wording.share(bounds.low), wording.share(bounds.high)
    reason = (
        f"{objective.metric} was {wording.share(observed)} over {wording.count(n)} graded "
        f"answer{'' if n == 1 else 's'}, "
        f"{bound_text(ruling, low, high, confidence, at_most=False)}, "
        f"and the objective asks for {wording.share_limit(objective.limit)}"
    )
    if ruling is Ruling.INCONCLUSIVE:
        needed = _answers_to_settle(grades, objective.limit, confidence)
        more = more_requests(needed, n, len(level.sent(everything=True)))
        reason += f"; {more_text(more)}"
    return Finding(ruling, reason, n, observed, observed, bounds.low, bounds.high, more)


def _answers_to_settle(grades: FloatArray, limit: float, confidence: float) -> int | None:
    moments = mean.Moments.of(grades)
    if mean.judged_as_binary(grades):
        return binomial.trials_to_settle(1 - moments.mean, round(1 - limit, 12), confidence)
    return mean.samples_to_settle(moments, limit, confidence)


def _at_looks(grades: FloatArray, confidence: float, plan: Plan) -> Interval:
    """Bounds of the mean of grades from 0 to 1 that are true at all of the planned looks."""
    if bool(np.all((grades == 0) | (grades == 1))):
        right = share_bounds(grades, 0.5, confidence, plan=plan)
        return Interval(right.low, right.high)
    found = mean_bounds(grades, confidence, plan=plan)
    return Interval(max(found.low, 0.0), min(found.high, 1.0))
