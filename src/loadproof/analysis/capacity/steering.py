"""What a visit makes likely of a level. It steers the search; no claim rests on it.

A few dozen requests cannot count what one in a hundred does. So the share of latencies over a limit
is read off a log-normal distribution with their mean and deviation, unless there are enough to
count, or what was counted speaks against that.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import beta, binom, norm

from loadproof.analysis.samples import LevelSamples
from loadproof.model.objective import Kind, Objective
from loadproof.model.verdict import Judgement, Ruling

CORRELATION = 3.0
"""Requests that weigh as one: a guess, for it only steers."""
REACH = 5.0
"""Standard errors, at the most that a visit may cost, between a limit and what is clear of it."""
COUNTABLE = 5.0
"""With as many requests to be expected over the limit they are counted."""
UNLIKELY = 0.01
MISFIT = 1.5


@dataclass(frozen=True, slots=True)
class Leaning:
    """How likely a level holds, and how likely a claim would find so: `clearly_holds` that it is
    far enough within all limits for HOLDS, `clearly_broken` far enough beyond one for BROKEN."""

    holds: float
    clearly_holds: float
    clearly_broken: float


UNKNOWN = Leaning(0.5, 0.5, 0.5)


def leaning_of(
    level: LevelSamples, judged: Sequence[tuple[Objective, Judgement]], most_requests: int
) -> Leaning:
    """Of a level, by its objectives with their judgements; a visit measures `most_requests`."""
    each = [_leaning(level, *one, most_requests) for one in judged]
    return Leaning(
        holds=min((one.holds for one in each), default=0.5),
        clearly_holds=min((one.clearly_holds for one in each), default=0.5),
        clearly_broken=max((one.clearly_broken for one in each), default=0.5),
    )


def _leaning(
    level: LevelSamples, objective: Objective, judgement: Judgement, most_requests: int
) -> Leaning:
    if judgement.estimate is None or judgement.n == 0:
        return UNKNOWN
    match objective.kind:
        case Kind.PERCENTILE | Kind.RATE | Kind.QUALITY | Kind.GOODPUT:
            return _of_share(level, objective, judgement, most_requests)
        case Kind.PEAK | Kind.GAUGE | Kind.COUNTER:
            if judgement.ruling is Ruling.BROKEN:
                return Leaning(0.02, 0.02, 0.98)
            return Leaning(0.9, 0.9, 0.1)
        case _:
            return _of_bounds(level, objective, judgement, most_requests)


def _of_share(
    level: LevelSamples, objective: Objective, judgement: Judgement, most_requests: int
) -> Leaning:
    """Of a share that may be `allowed` at most: over a limit, failed, wrong or not good."""
    share = judgement.estimate or 0.0
    allowed = objective.limit
    if objective.quantile is not None:
        allowed = 1 - objective.quantile
    elif not objective.at_most:
        share, allowed = 1 - share, 1 - allowed
    n = min(judgement.n, len(level.measured))
    at_most = max(most_requests / CORRELATION * n / max(len(level.measured), 1), 1.0)
    reach = REACH * math.sqrt(max(allowed * (1 - allowed), 1e-9) / at_most)
    within, beyond = max(allowed - reach, allowed / 20), min(allowed + reach, 1.0)
    fitted = _fitted(level, objective) if n * allowed < COUNTABLE else None
    over = share * n
    if fitted is not None and binom.sf(round(over) - 1, n, float(norm.sf(fitted[0]))) < UNLIKELY:
        fitted = None

    def below(limit: float) -> float:
        if fitted is None:
            weight = max(n / CORRELATION, 1.0)
            return float(beta.cdf(limit, share * weight + 0.5, (1 - share) * weight + 0.5))
        score, error = fitted
        return float(norm.cdf((score - norm.isf(limit)) / error))

    return Leaning(below(allowed), below(within), 1 - below(beyond))


def _fitted(level: LevelSamples, objective: Objective) -> tuple[float, float] | None:
    """How many deviations the limit lies above the mean of the latencies' logarithms, and the
    standard error of that: sqrt((1 + z^2 / 2) / n), by the delta method, and half as much again
    for what the distribution is not."""
    if objective.kind is not Kind.PERCENTILE or objective.metric == "itl":
        return None
    values = np.log(np.maximum(level.latencies_ms(objective.metric, objective.task), 1e-6))
    deviation = float(values.std(ddof=1)) if len(values) > 2 else 0.0
    if deviation == 0 or objective.limit <= 0:
        return None
    score = (math.log(objective.limit) - float(values.mean())) / deviation
    return score, MISFIT * math.sqrt((1 + score**2 / 2) * CORRELATION / len(values))


def _of_bounds(
    level: LevelSamples, objective: Objective, judgement: Judgement, most_requests: int
) -> Leaning:
    """Of a mean or a throughput, from its one-sided bounds at 95 % or so."""
    estimate, low, high = judgement.estimate, judgement.low, judgement.high
    if estimate is None or low is None or high is None or not math.isfinite(high - low):
        return UNKNOWN
    error = max(high - low, 1e-9 * abs(estimate), 1e-12) / 2 / float(norm.ppf(0.95))
    sign = 1.0 if objective.at_most else -1.0
    reach = REACH * error * math.sqrt(len(level.measured) / most_requests)
    distance = sign * (objective.limit - estimate)
    return Leaning(
        holds=float(norm.cdf(distance / error)),
        clearly_holds=float(norm.cdf((distance - reach) / error)),
        clearly_broken=float(norm.cdf((-distance - reach) / error)),
    )
