"""What a visit to a level says so far, and whether it may end."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from scipy.stats import norm

from loadproof.analysis.capacity.policy import Purpose
from loadproof.analysis.judge import judge_level
from loadproof.analysis.samples import LevelSamples
from loadproof.model.objective import Kind, Objective
from loadproof.model.scenario import Scenario
from loadproof.model.verdict import Judgement, Ruling

CLEAR = 0.95
"""A visit that only steers ends when it is this sure, of either side."""
FUTILE_FROM_REQUESTS = 300
"""Before that many, what more it would take is anyone's guess."""
_RESOURCES = (str(Kind.PEAK), str(Kind.GAUGE), str(Kind.COUNTER))


@dataclass(frozen=True, slots=True)
class Says:
    """What the requests of a visit say: see `policy.Visit`. `more_requests` is how many more a
    claim would be expected to need, None where that is not known; `broken` are the objectives
    that are, by their sentences."""

    n: int
    chance: float
    ruling: Ruling = Ruling.INCONCLUSIVE
    more_requests: int | None = None
    invalid: bool = False
    broken: tuple[str, ...] = ()
    resources: bool = False
    """Whether HOLDS rests on memory, gauges or counters too."""


def says(
    level: LevelSamples,
    objectives: Sequence[Objective],
    scenario: Scenario,
    confidence: float | None,
    cpus: int | None = None,
) -> Says:
    """What a level's samples say; with the `confidence` of a claim also what may be claimed.

    The probability that it holds is that of its worst objective, from one look: it steers.
    """
    once = replace(level, plan=None)
    health, steering = judge_level(once, None, objectives, scenario, cpus)
    spoilt = any(judgement.ruling is Ruling.INVALID for judgement in steering)
    invalid = spoilt and health is not None and bool(health.troubles)
    chances = [
        chance_of(judgement, objective, scenario.confidence)
        for judgement, objective in zip(steering, objectives, strict=True)
    ]
    n = len(level.measured)
    chance = min(chances, default=0.5)
    worst = tuple(j.objective for j in steering if j.ruling is Ruling.BROKEN)
    if confidence is None:
        return Says(n, chance, invalid=invalid, broken=worst)
    held = _judged(level, objectives, scenario, confidence, cpus)
    each = 1 - (1 - confidence) / max(len(objectives), 1)
    broken = held if each == confidence else _judged(level, objectives, scenario, each, cpus)
    ruling = Ruling.INCONCLUSIVE
    if any(judgement.ruling is Ruling.BROKEN for judgement in broken):
        ruling = Ruling.BROKEN
    elif held and all(judgement.ruling is Ruling.HOLDS for judgement in held):
        ruling = Ruling.HOLDS
    return Says(
        n=n,
        chance=chance,
        ruling=ruling,
        more_requests=_more(held),
        invalid=invalid,
        broken=tuple(j.objective for j in broken if j.ruling is Ruling.BROKEN) or worst,
        resources=any(judgement.kind in _RESOURCES for judgement in held),
    )


def chance_of(judgement: Judgement, objective: Objective, confidence: float) -> float:
    """The probability that the objective holds, from its judgement's one-sided bounds.

    By the normal approximation, as far from the limit as the bound on its side is from the
    estimate: Phi(z * (limit - estimate) / (high - estimate)) where the estimate is within the
    limit, and the like with the lower bound where it is not.
    """
    estimate, low, high = judgement.estimate, judgement.low, judgement.high
    if estimate is None or low is None or high is None:
        return {Ruling.HOLDS: 0.8, Ruling.BROKEN: 1 - CLEAR}.get(judgement.ruling, 0.5)
    limit = objective.limit
    if objective.quantile is not None:
        limit = 1 - objective.quantile
    sign = 1 if objective.at_most else -1
    distance = sign * (limit - estimate)
    within = distance >= 0
    reach = (high - estimate) if within == objective.at_most else (estimate - low)
    if reach <= 0:
        return CLEAR if within else 1 - CLEAR
    return float(norm.cdf(norm.ppf(confidence) * distance / reach))


def may_end(purpose: Purpose, said: Says, requests: int) -> bool:
    """Whether a visit has served its purpose after `said.n` of at most `requests`.

    A claim ends when it is made, or when it is not to be made within what the visit may cost.
    """
    if said.n >= requests or said.invalid:
        return True
    if purpose is Purpose.CLAIM:
        if said.ruling is not Ruling.INCONCLUSIVE:
            return True
        if said.n < FUTILE_FROM_REQUESTS:
            return False
        return said.more_requests is not None and said.n + said.more_requests > requests
    return said.chance >= CLEAR or said.chance <= 1 - CLEAR


def _judged(
    level: LevelSamples,
    objectives: Sequence[Objective],
    scenario: Scenario,
    confidence: float,
    cpus: int | None,
) -> list[Judgement]:
    stated = scenario.model_copy(update={"confidence": confidence})
    return judge_level(level, None, objectives, stated, cpus)[1]


def _more(judgements: Sequence[Judgement]) -> int | None:
    """To settle all that is open; None where that cannot be said of one of them."""
    more = [j.more_requests for j in judgements if j.ruling is Ruling.INCONCLUSIVE]
    known = [number for number in more if number is not None]
    if not more or len(known) < len(more):
        return None
    return math.ceil(max(known))
