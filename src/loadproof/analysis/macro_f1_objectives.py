"""Judging the macro F1 of multiple choice."""

import math

from loadproof.analysis import wording
from loadproof.analysis.finding import (
    Finding,
    bound_text,
    more_requests,
    more_text,
    ruling_at_least,
)
from loadproof.analysis.latency_objectives import nothing_measured
from loadproof.analysis.planned_looks import as_looked_at
from loadproof.analysis.samples import LevelSamples
from loadproof.model.objective import Objective
from loadproof.model.verdict import Ruling
from loadproof.stats import macro_f1
from loadproof.stats.binomial import MOST_TRIALS


def judge_macro_f1(objective: Objective, level: LevelSamples, confidence: float) -> Finding:
    """`macro_f1(medical_qa) >= limit`, by the one-sided bootstrap bounds over the choices.

    A level that ends as soon as it is settled is judged at its planned looks.
    """
    assert objective.task is not None, "a quality is one task's"
    level, each_look = as_looked_at(level, confidence)
    truth, chosen = level.choices(objective.task)
    n = len(truth)
    if n == 0:
        if not level.completed(objective.task, everything=True):
            return nothing_measured(objective, level)
        reason = f"no answer of {objective.task} was a choice at this level"
        return Finding(Ruling.INCONCLUSIVE, reason, 0)
    observed = macro_f1.macro_f1(truth, chosen)
    bounds = macro_f1.interval(truth, chosen, each_look, sides=1)
    ruling = ruling_at_least(bounds, objective.limit)
    low, high = wording.share(bounds.low), wording.share(bounds.high)
    reason = (
        f"macro F1 was {wording.share(observed)} over {wording.count(n)} "
        f"choice{'' if n == 1 else 's'}, "
        f"{bound_text(ruling, low, high, confidence, at_most=False)}, "
        f"and the objective asks for {wording.share_limit(objective.limit)}"
    )
    more = None
    if ruling is Ruling.INCONCLUSIVE:
        # Bounds draw nearer by the square root of the number of answers.
        bound = bounds.low if observed > objective.limit else bounds.high
        distance = objective.limit - observed
        needed = math.inf if distance == 0 else n * ((bound - observed) / distance) ** 2
        settles = None if needed > MOST_TRIALS else math.ceil(needed)
        more = more_requests(settles, n, len(level.sent(everything=True)))
        reason += f"; {more_text(more)}"
    return Finding(ruling, reason, n, observed, observed, bounds.low, bounds.high, more)
