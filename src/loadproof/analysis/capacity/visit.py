"""What a visit to a level says so far, and whether it may end."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from loadproof.analysis.capacity.policy import Purpose
from loadproof.analysis.capacity.steering import Leaning, leaning_of
from loadproof.analysis.judge import judge_level
from loadproof.analysis.samples import LevelSamples
from loadproof.model.objective import Kind, Objective
from loadproof.model.scenario import Scenario
from loadproof.model.verdict import Judgement, Ruling

CLEAR = 0.9
"""A visit that only steers ends when it is this sure, of either side."""
FUTILE = 0.3
"""A claim that is less likely than that to succeed is given up."""
FUTILE_FROM_REQUESTS = 300
_RESOURCES = (str(Kind.PEAK), str(Kind.GAUGE), str(Kind.COUNTER))


@dataclass(frozen=True, slots=True)
class Says:
    """What the requests of a visit say: see `policy.Visit`. `more_requests` is how many more a
    claim would be expected to need, None where that is not known; `broken` are the objectives
    that are, by their sentences."""

    n: int
    leaning: Leaning
    ruling: Ruling = Ruling.INCONCLUSIVE
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
    """What a level's samples say; with the `confidence` of a claim also what may be claimed."""
    assert scenario.search is not None, "the scenario is a search"
    once = replace(level, plan=None)
    health, steering = judge_level(once, None, objectives, scenario, cpus)
    spoilt = any(judgement.ruling is Ruling.INVALID for judgement in steering)
    invalid = spoilt and health is not None and bool(health.troubles)
    n = len(level.measured)
    judged = list(zip(objectives, steering, strict=True))
    leaning = leaning_of(level, judged, scenario.search.level_requests)
    worst = tuple(j.objective for j in steering if j.ruling is Ruling.BROKEN)
    if confidence is None:
        return Says(n, leaning, invalid=invalid, broken=worst)
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
        leaning=leaning,
        ruling=ruling,
        invalid=invalid,
        broken=tuple(j.objective for j in broken if j.ruling is Ruling.BROKEN) or worst,
        resources=any(judgement.kind in _RESOURCES for judgement in held),
    )


def may_end(purpose: Purpose, said: Says, requests: int, users: int) -> bool:
    """Whether a visit with so many `users` has served its purpose after `said.n` of at most
    `requests`.

    A claim ends when it is made, or is not likely to be made within what the visit may cost. Any
    other visit ends when it is clear, after a request of each user at least, or two of a probe:
    those of one round resemble each other.
    """
    if said.n >= requests or said.invalid:
        return True
    leaning = said.leaning
    if purpose.is_claim:
        if said.ruling is not Ruling.INCONCLUSIVE:
            return True
        hopeless = max(leaning.clearly_holds, leaning.clearly_broken) < FUTILE
        return hopeless and said.n >= FUTILE_FROM_REQUESTS
    fewest = users if purpose is Purpose.GLANCE else 2 * users
    return said.n >= fewest and not 1 - CLEAR < leaning.holds < CLEAR


def _judged(
    level: LevelSamples,
    objectives: Sequence[Objective],
    scenario: Scenario,
    confidence: float,
    cpus: int | None,
) -> list[Judgement]:
    stated = scenario.model_copy(update={"confidence": confidence})
    return judge_level(level, None, objectives, stated, cpus)[1]
