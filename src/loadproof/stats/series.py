"""Bounds for shares and means of one series of requests, which are not independent of each other.

All bounds are one-sided: each holds at the confidence on its own. Values are in the order of the
requests' starts; while a level is still running, only those that were started before the oldest
request in flight may be given, since the slow ones are the last to be known.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.special import gammaincinv
from scipy.stats import norm, t

from loadproof.stats import clustered
from loadproof.stats.correlation import correlation_requests
from loadproof.stats.looking import Plan
from loadproof.stats.percentiles import FloatArray
from loadproof.stats.tail_correlation import ENOUGH_CLUSTERS, TailCorrelation

_ALLOWANCE_FOR_HOLDS = 1.8
_ALLOWANCE_FOR_BROKEN = 0.3
"""Standard errors of the correlation that a bound allows for, by each of its own.

Runs with few requests over the limit tend to be those that show little correlation: what speaks
for HOLDS needs the larger allowance. Both are as calibrated in docs/verdicts.md."""


_LONGEST = 0.1
"""The share of the requests, the longest of all, that a mean mostly varies with."""


@dataclass(frozen=True, slots=True)
class ShareBounds:
    """Of the share of all requests that are over a limit; shares from 0 to 1.

    `over` of the `n` requests were; they weigh as much as `effective_n` independent ones, one for
    each `correlation_requests`.
    """

    low: float
    high: float
    over: int
    n: int
    effective_n: float
    correlation_requests: float


@dataclass(frozen=True, slots=True)
class MeanBounds:
    """Of the mean of all requests, in the unit of the values; infinite where nothing is known."""

    low: float
    high: float
    mean: float
    n: int
    effective_n: float
    correlation_requests: float


def share_bounds(
    values: FloatArray, limit: float, confidence: float, *, plan: Plan | None = None
) -> ShareBounds:
    """Bounds of the share over `limit` (the same unit as `values`), from one correlated series.

    The upper bound is the largest share under which as few requests over the limit as were seen
    are still to be expected with probability 1 - confidence; the lower one likewise. How such
    requests cluster is measured in the series itself, see `tail_correlation` and `clustered`.

    Without a plan for one look at all of `values`; with one the bounds hold at all looks together.
    """
    if plan is None:
        return _share(values, limit, 1 - confidence)
    found = ShareBounds(0.0, 1.0, 0, 0, 0.0, 1.0)
    for look in plan.looks_at(confidence):
        if look.requests > len(values):
            break
        last = _share(values[: look.requests], limit, look.miss)
        found = replace(last, low=max(found.low, last.low), high=min(found.high, last.high))
    return found


def mean_bounds(values: FloatArray, confidence: float, *, plan: Plan | None = None) -> MeanBounds:
    """Bounds of the mean of one correlated series of values that are not negative.

    As of the mean of as many independent values as the series weighs, by its own correlation or
    that of its longest tenth, where that is more. The upper bound is infinite where too little has
    been seen of that tenth to know it. As `share_bounds` in all else.
    """
    if plan is None:
        return _mean(values, 1 - confidence)
    found = MeanBounds(-math.inf, math.inf, 0.0, 0, 0.0, 1.0)
    for look in plan.looks_at(confidence):
        if look.requests > len(values):
            break
        last = _mean(values[: look.requests], look.miss)
        found = replace(last, low=max(found.low, last.low), high=min(found.high, last.high))
    return found


def _share(values: FloatArray, limit: float, miss: float) -> ShareBounds:
    n = len(values)
    if n == 0:
        return ShareBounds(0.0, 1.0, 0, 0, 0.0, 1.0)
    over = int(np.count_nonzero(values > limit))
    # The lower bound asks about shares below the observed one, though not far below.
    tail = TailCorrelation.of(values, over / n / 4)
    low, high = bounds_of_count(over, n, tail, miss)
    correlation = tail.estimate(over / n)
    return ShareBounds(low, high, over, n, n / correlation, correlation)


def bounds_of_count(over: int, n: int, tail: TailCorrelation, miss: float) -> tuple[float, float]:
    """The bounds of a share that `over` of `n` requests have, each with error `miss`."""

    def few(shares: FloatArray) -> FloatArray:
        return probability_of_few(over, n, tail, shares, miss)

    def many(shares: FloatArray) -> FloatArray:
        return probability_of_many(over, n, tail, shares, miss)

    observed = over / n
    high = 1.0 if over >= n else _end(few, miss, max(observed, 0.01 / n), 1.0, "high")
    low = 0.0 if over <= 0 else _end(many, miss, 1e-4 * observed, observed, "low")
    return low, high


def probability_of_few(
    over: int, n: int, tail: TailCorrelation, shares: FloatArray, miss: float
) -> FloatArray:
    """How likely `over` or fewer of `n` are, for each true share; HOLDS needs less than `miss`."""
    sigmas = _ALLOWANCE_FOR_HOLDS * float(norm.isf(miss))
    correlations = [tail.careful(share, sigmas, grows=True) for share in shares.tolist()]
    return clustered.at_most(over, n, shares, np.array(correlations))


def probability_of_many(
    over: int, n: int, tail: TailCorrelation, shares: FloatArray, miss: float
) -> FloatArray:
    """How likely `over` or more of `n` are, for each true share; BROKEN needs less than `miss`."""
    sigmas = _ALLOWANCE_FOR_BROKEN * float(norm.isf(miss))
    correlations = [tail.careful(share, sigmas, grows=False) for share in shares.tolist()]
    return clustered.at_least(over, n, shares, np.array(correlations))


_POINTS = 24
_PASSES = 3


def _end(
    probability: Callable[[FloatArray], FloatArray],
    miss: float,
    first: float,
    last: float,
    side: Literal["low", "high"],
) -> float:
    """The outermost share between `first` and `last` that is not excluded, from outside."""
    for _ in range(_PASSES):
        shares = np.geomspace(first, last, _POINTS)
        possible = np.flatnonzero(probability(np.minimum(shares, 1 - 1e-12)) > miss)
        if side == "high":
            if not len(possible):
                return first
            if possible[-1] == _POINTS - 1:
                return last
            first, last = float(shares[possible[-1]]), float(shares[possible[-1] + 1])
        else:
            if not len(possible):
                return last
            if possible[0] == 0:
                return 0.0 if first < last / 2 else first
            first, last = float(shares[possible[0] - 1]), float(shares[possible[0]])
    return last if side == "high" else first


def _mean(values: FloatArray, miss: float) -> MeanBounds:
    n = len(values)
    mean = float(values.mean()) if n else 0.0
    nothing = MeanBounds(-math.inf, math.inf, mean, n, float(n), 1.0)
    if n < 2:
        return nothing
    thresholds = TailCorrelation.of(values, _LONGEST).thresholds
    correlation = correlation_requests(values)
    clusters = n * _LONGEST
    if thresholds:
        correlation = max(correlation, thresholds[-1].correlation)
        clusters = thresholds[-1].clusters
    found = replace(nothing, effective_n=n / correlation, correlation_requests=correlation)
    error = (1 - 1 / correlation) ** 2 / math.sqrt(clusters)
    known = error <= 1 / math.sqrt(ENOUGH_CLUSTERS)
    sigmas = float(norm.isf(miss))
    for_low = _ALLOWANCE_FOR_BROKEN if known else _ALLOWANCE_FOR_HOLDS
    low, _ = _gamma_bounds(values, n / correlation * math.exp(-for_low * sigmas * error), miss)
    _, high = _gamma_bounds(
        values, n / correlation * math.exp(-_ALLOWANCE_FOR_HOLDS * sigmas * error), miss
    )
    return replace(found, low=low, high=high if known else math.inf)


def _gamma_bounds(values: FloatArray, effective_n: float, miss: float) -> tuple[float, float]:
    """Of the mean of values that are not negative, as of `effective_n` independent ones.

    The mean of several is taken for gamma distributed, with the values' own relative spread: it is
    skewed where they are. For many of them this is Student's t interval, and for few it is widened
    as that is, because the spread is itself estimated.
    """
    mean, spread = float(values.mean()), float(values.std(ddof=1))
    if effective_n < 2:
        return -math.inf, math.inf
    if spread == 0:
        return mean, mean
    student = float(norm.isf(miss)) / float(t.isf(miss, effective_n - 1))
    shape = effective_n * (mean / spread * student) ** 2
    return (
        mean * shape / float(gammaincinv(shape, 1 - miss)),
        mean * shape / max(float(gammaincinv(shape, miss)), 1e-300),
    )
