"""What a scenario can show before it is run: which true values its requests would settle."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import norm

from loadproof.analysis import wording
from loadproof.analysis.samples import LevelSamples
from loadproof.model.objective import Kind, Objective
from loadproof.model.record import Outcome
from loadproof.model.scenario import Scenario, Step
from loadproof.stats.looking import Plan
from loadproof.stats.mean import Moments
from loadproof.stats.series import share_bounds
from loadproof.stats.settling import requests_to_settle, settles

_SHARES = (Kind.PERCENTILE, Kind.RATE, Kind.QUALITY, Kind.GOODPUT)
_RESOURCES = (Kind.PEAK, Kind.GAUGE, Kind.COUNTER)
POWER = 0.9
"""How often a true value that is said to be settled is."""


@dataclass(frozen=True, slots=True)
class Expected:
    """What is expected of a level: its requests, and what those of an earlier run say.

    `requests` is None where only a duration is given and no rate is known. `correlation` is how
    many requests weigh as much as one independent one; `like` is the level of an earlier run.
    """

    requests: int | None
    correlation: float
    like: LevelSamples | None = None


@dataclass(frozen=True, slots=True)
class Prospect:
    """What one objective at one level can come to; `possible`: a verdict of both kinds can."""

    step: Step
    objective: Objective
    said: str
    possible: bool


def prospects(scenario: Scenario, expected: Sequence[Expected]) -> Iterator[Prospect]:
    """For each step of `scenario`, of which `expected` says what to expect, and each objective."""
    for step, level in zip(scenario.load_steps(), expected, strict=True):
        for objective in scenario.parsed_objectives():
            if objective.users is None or step.users in objective.users:
                yield _prospect(scenario, step, objective, level)


def expected_of(
    step: Step, rate_rps: float | None, correlation: float, like: LevelSamples | None
) -> Expected:
    """The requests of a step: as many as it says, or as its time allows at a rate."""
    known = [] if step.requests is None else [step.requests]
    if step.duration_s is not None and rate_rps is not None:
        known.append(math.floor(rate_rps * step.duration_s))
    return Expected(min(known, default=None), correlation, like)


def _prospect(scenario: Scenario, step: Step, objective: Objective, level: Expected) -> Prospect:
    if objective.kind in _RESOURCES:
        said = "is judged as sampled: HOLDS or BROKEN, without an interval"
        return Prospect(step, objective, said, possible=True)
    if objective.kind not in (*_SHARES, Kind.MEAN):
        said = "depends on how it varies within a level: no number of requests can be named"
        return Prospect(step, objective, said, possible=True)
    if level.requests is None:
        said = "cannot be told: the level ends by time, give --rate or --like"
        return Prospect(step, objective, said, possible=True)
    n = level.requests * _part(scenario, objective)
    confidence = scenario.confidence
    if step.stop_when_decided:  # each of its looks may err a part only
        confidence = 1 - (1 - confidence) / len(Plan(level.requests).looks())
    if objective.kind is Kind.MEAN:
        return _mean(step, objective, level, n, confidence)
    return _share(step, objective, level, n, confidence)


def _part(scenario: Scenario, objective: Objective) -> float:
    """Of the requests, those that the objective is about, by the weights of the tasks."""
    if objective.task is None:
        return 1.0
    total = sum(entry.weight for entry in scenario.traffic)
    return sum(e.weight for e in scenario.traffic if e.task == objective.task) / total


def _share(
    step: Step, objective: Objective, level: Expected, n: float, confidence: float
) -> Prospect:
    allowed = _allowed(objective)
    correlation = _correlation(objective, level)
    below, above = settles(n, allowed, confidence, correlation, POWER)
    what = _what(objective)
    fewest = requests_to_settle(0.0, allowed, confidence, correlation) if allowed > 0 else None
    sides = []
    if below is not None:
        sides.append(f"below {wording.share(below)}")
    if above is not None:
        sides.append(f"above {wording.share(above)}")
    who = f"{wording.requests(round(n))}{_weight(correlation)}"
    said = f"{who} settle nothing"
    if sides:
        said = f"{who} settle it if the true {what} is {' or '.join(sides)}"
    if fewest is not None:
        of = "independent requests" if correlation == 1 else "requests"
        said += f"; below {wording.count(fewest)} {of} HOLDS is not possible"
    elif below is None:
        said += "; HOLDS is not possible where nothing at all is allowed"
    return Prospect(step, objective, said, possible=below is not None and above is not None)


def _mean(
    step: Step, objective: Objective, level: Expected, n: float, confidence: float
) -> Prospect:
    values = _values(objective, level)
    if values is None or len(values) < 2:
        said = "cannot be told: how far values lie apart is not known, give --like"
        return Prospect(step, objective, said, possible=True)
    correlation = level.correlation
    reach = float(norm.ppf(confidence) + norm.ppf(POWER)) * Moments.of(values).deviation
    reach /= math.sqrt(max(n / correlation, 1.0))
    low, high = objective.limit - reach, objective.limit + reach
    who = f"{wording.requests(round(n))}{_weight(correlation)}"
    below = f"below {wording.milliseconds(low)} or " if low > 0 else ""
    said = f"{who} settle it if the true mean is {below}above {wording.milliseconds(high)}"
    return Prospect(step, objective, said, possible=low > 0)


def _allowed(objective: Objective) -> float:
    """The share of requests that may be over the limit, failed, wrong or not good."""
    if objective.quantile is not None:
        return round(1 - objective.quantile, 12)
    return objective.limit if objective.at_most else round(1 - objective.limit, 12)


def _what(objective: Objective) -> str:
    match objective.kind:
        case Kind.PERCENTILE:
            return "over-limit rate"
        case Kind.RATE:
            return f"rate of {objective.metric}"
        case Kind.GOODPUT:
            return "share of requests that miss a bound"
        case _:
            return "share of answers without it"


def _weight(correlation: float) -> str:
    return "" if correlation == 1 else f", of which {correlation:.3g} weigh as one,"


def _values(
    objective: Objective, level: Expected
) -> "np.ndarray[tuple[int], np.dtype[np.float64]] | None":
    if level.like is None or objective.metric == "itl":
        return None
    return level.like.latencies_ms(objective.metric, objective.task)


def _correlation(objective: Objective, level: Expected) -> float:
    """That of the earlier run's values of the same kind where there are any."""
    if level.like is None:
        return level.correlation
    values = None
    if objective.kind is Kind.PERCENTILE:
        values, limit = _values(objective, level), objective.limit
    elif objective.kind is Kind.RATE:
        of = level.like.sent(objective.task)
        values = np.array([record.outcome is not Outcome.COMPLETED for record in of], dtype=float)
        limit = 0.5
    if values is None or len(values) == 0:
        return level.correlation
    return max(share_bounds(values, limit, 0.95).correlation_requests, 1.0)
