"""Judging a drop of answer quality against the lowest load, on the questions asked at both."""

from loadproof.analysis import wording
from loadproof.analysis.finding import Finding, bound_text, ruling_at_most
from loadproof.analysis.latency_objectives import nothing_measured
from loadproof.analysis.planned_looks import as_looked_at
from loadproof.analysis.quality import paired
from loadproof.analysis.samples import LevelSamples
from loadproof.model.objective import Objective
from loadproof.model.verdict import Ruling
from loadproof.stats.macro_f1 import ChoicePairs
from loadproof.stats.pairing import Pairs


def judge_drop(
    objective: Objective, level: LevelSamples, first: LevelSamples, confidence: float
) -> Finding:
    """`drop(correct(boxed_math)) <= limit`: how much lower the grade is here than at `first`.

    HOLDS where the upper bound of the drop, over pairs of answers to the same questions, is at
    most the limit, BROKEN where the lower bound is above. Each bound is one-sided (see
    `stats.pairing.Pairs.drop_bounds`). A rise is a drop below zero. A level that ends as soon as it
    is settled is judged at its planned looks.
    """
    assert objective.task is not None, "a quality is one task's"
    level, each_look = as_looked_at(level, confidence)
    task, metric = objective.task, objective.metric
    for asked in (level, first):
        if not asked.completed(task, everything=True):
            return nothing_measured(objective, asked)
    pairs = paired(first, level, task, metric)
    there = wording.level(first.users, first.step)
    if pairs.n == 0:
        reason = f"no question of {task} has a grade by {metric} both at {there} and here"
        return Finding(Ruling.INCONCLUSIVE, reason, 0)
    bounds = pairs.drop_bounds(each_look, sides=1)
    ruling = ruling_at_most(bounds, objective.limit)
    low, high = wording.points(bounds.low), wording.points(bounds.high)
    reason = (
        f"{metric} was {wording.share(pairs.before_value)} at {there} and "
        f"{wording.share(pairs.after_value)} here, over {wording.count(pairs.n)} "
        f"pair{'' if pairs.n == 1 else 's'} of answers to the same questions "
        f"({wording.count(pairs.lost)} worse, {wording.count(pairs.gained)} better): "
        f"a drop of {wording.points(pairs.drop)}, "
        f"{bound_text(ruling, low, high, confidence, at_most=True)}, "
        f"and the objective allows {wording.points_limit(objective.limit)}"
    )
    more = None
    if ruling is Ruling.INCONCLUSIVE:
        more = _more_requests(pairs, objective.limit, each_look, len(level.sent(everything=True)))
        reason += f"; {_more_text(more, there)}"
    return Finding(ruling, reason, pairs.n, pairs.drop, pairs.drop, bounds.low, bounds.high, more)


def _more_requests(
    pairs: Pairs | ChoicePairs, limit: float, confidence: float, sent: int
) -> int | None:
    """Requests to send on top at each of the two levels, at the rate at which pairs came so far."""
    needed = pairs.pairs_to_settle(limit, confidence)
    if needed is None:
        return None
    return max(-(-(needed - pairs.n) * sent // pairs.n), 1)


def _more_text(more: int | None, there: str) -> str:
    if more is None:
        return "no number of requests would be expected to settle it, at what was observed"
    return (
        f"about {wording.count(more)} more request{'' if more == 1 else 's'} here and as many at "
        f"{there} would be expected to settle it"
    )
