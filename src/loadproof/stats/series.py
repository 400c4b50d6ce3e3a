"""Bounds for shares and means of one series of requests, which are not independent of each other.

All bounds are one-sided: each holds at the confidence on its own. Values are in the order of the
requests' starts; while a level is still running, only those that were started before the oldest
request in flight may be given, since the slow ones are the last to be known.
"""

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t

from loadproof.stats import binomial
from loadproof.stats.correlation import correlation_requests
from loadproof.stats.looking import Plan
from loadproof.stats.percentiles import FloatArray


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

    Without a plan for one look at all of `values`; with one the bounds hold at all looks together.
    """
    if plan is not None:
        return _share_at_looks(values, limit, confidence, plan)
    n = len(values)
    over = int(np.count_nonzero(values > limit))
    if n == 0:
        return ShareBounds(0.0, 1.0, 0, 0, 0.0, 1.0)
    # Where hardly any are over the limit, nothing can be seen of how they follow each other.
    threshold = min(limit, float(np.quantile(values, 0.95)))
    per_request = correlation_requests((values > threshold).astype(np.float64))
    effective_n = n / per_request
    bounds = binomial.interval(over / per_request, effective_n, confidence, sides=1)
    return ShareBounds(bounds.low, bounds.high, over, n, effective_n, per_request)


def mean_bounds(values: FloatArray, confidence: float, *, plan: Plan | None = None) -> MeanBounds:
    """Bounds of the mean of one correlated series; as `share_bounds` in all else."""
    if plan is not None:
        return _mean_at_looks(values, confidence, plan)
    n = len(values)
    if n < 2:
        mean = float(values.mean()) if n else 0.0
        return MeanBounds(-math.inf, math.inf, mean, n, float(n), 1.0)
    per_request = correlation_requests(values)
    effective_n = n / per_request
    mean = float(values.mean())
    reach = math.inf
    if effective_n > 2:
        factor = float(t.ppf(confidence, effective_n - 1))
        reach = factor * float(values.std(ddof=1)) / math.sqrt(effective_n)
    return MeanBounds(mean - reach, mean + reach, mean, n, effective_n, per_request)


def _share_at_looks(values: FloatArray, limit: float, confidence: float, plan: Plan) -> ShareBounds:
    looks = plan.looks()
    each = 1 - (1 - confidence) / len(looks)
    found = ShareBounds(0.0, 1.0, 0, 0, 0.0, 1.0)
    low, high = 0.0, 1.0
    for look in looks:
        if look > len(values):
            break
        found = share_bounds(values[:look], limit, each)
        low, high = max(low, found.low), min(high, found.high)
    return ShareBounds(
        low, high, found.over, found.n, found.effective_n, found.correlation_requests
    )


def _mean_at_looks(values: FloatArray, confidence: float, plan: Plan) -> MeanBounds:
    looks = plan.looks()
    each = 1 - (1 - confidence) / len(looks)
    found = MeanBounds(-math.inf, math.inf, 0.0, 0, 0.0, 1.0)
    low, high = -math.inf, math.inf
    for look in looks:
        if look > len(values):
            break
        found = mean_bounds(values[:look], each)
        low, high = max(low, found.low), min(high, found.high)
    return MeanBounds(low, high, found.mean, found.n, found.effective_n, found.correlation_requests)
