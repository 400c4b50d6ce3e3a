"""The bootstrap for statistics of graded answers: means of scores, macro F1, paired differences.

Answers come in few kinds (a score of 2/3, a letter taken for another one), so a sample is given
by how often each kind occurred. Drawing n answers anew is then one multinomial draw over the
kinds, which costs the same for a hundred answers and for a million.
"""

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt
from scipy.stats import norm

from loadproof.stats.interval import Interval
from loadproof.stats.percentiles import FloatArray

IntArray = npt.NDArray[np.int64]
Statistic = Callable[[FloatArray], FloatArray]
"""From counts of each kind, shape (samples, kinds), to a value a sample, shape (samples,)."""

REPLICATES = 4_000
_SEED = 20_240_607


def mean_of(values: FloatArray) -> Statistic:
    """The mean score, where `values` (kinds,) are the scores of the kinds."""

    def mean(counts: FloatArray) -> FloatArray:
        return np.asarray(counts @ values / counts.sum(axis=1))

    return mean


def interval(
    counts: IntArray, statistic: Statistic, confidence: float, *, sides: Literal[1, 2] = 2
) -> Interval:
    """The BCa bootstrap interval of `statistic` for a sample with `counts` (kinds,) of each kind.

    With `sides=1` each bound holds at `confidence` on its own. Always the same for the same
    sample. A sample of a single kind gives an interval without width: the caller has to know
    better. Raises ValueError for an empty sample.

    Source: Efron, "Better bootstrap confidence intervals", JASA 82 (1987), with the acceleration
    from the jackknife.
    """
    drawn = replicates(counts, statistic)
    observed = float(statistic(counts[np.newaxis].astype(np.float64))[0])
    miss = (1 - confidence) / sides
    below = float(np.mean(drawn < observed) + np.mean(drawn == observed) / 2)
    edge = 0.5 / len(drawn)
    bias = float(norm.ppf(min(max(below, edge), 1 - edge)))
    acceleration = _acceleration(counts, statistic)
    shares = []
    for z in (float(norm.ppf(miss)), float(norm.ppf(1 - miss))):
        bent = 1 - acceleration * (bias + z)
        shares.append(float(norm.cdf(bias + (bias + z) / bent)) if bent > 0 else float(z > 0))
    low, high = np.quantile(drawn, shares)
    return Interval(float(low), float(high))


def replicates(counts: IntArray, statistic: Statistic) -> FloatArray:
    """The statistic of REPLICATES samples drawn with replacement from a sample; seeded."""
    n = int(counts.sum())
    if n == 0:
        raise ValueError("no sample to draw from")
    rng = np.random.default_rng(_SEED)
    return statistic(rng.multinomial(n, counts / n, size=REPLICATES).astype(np.float64))


def achieved_level(drawn: FloatArray) -> float:
    """Two-sided p that the quantity behind the replicates `drawn` is 0.

    Twice the share of replicates beyond 0, never below 2 / (replicates + 1).
    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), section 15.4.
    """
    beyond = min(int(np.count_nonzero(drawn <= 0)), int(np.count_nonzero(drawn >= 0)))
    return min(2 * (beyond + 1) / (len(drawn) + 1), 1.0)


def _acceleration(counts: IntArray, statistic: Statistic) -> float:
    """A sixth of the skewness of the jackknife values, each counted as often as it occurs."""
    present = np.flatnonzero(counts)
    if counts.sum() < 2:
        return 0.0
    without_one = counts.astype(np.float64) - np.eye(len(counts))[present]
    values, weights = statistic(without_one), counts[present]
    away = np.average(values, weights=weights) - values
    spread = float(np.sum(weights * away**2))
    return float(np.sum(weights * away**3)) / (6 * spread**1.5) if spread > 1e-300 else 0.0


def kinds_of(rows: FloatArray) -> tuple[FloatArray, IntArray]:
    """The distinct rows (or values) of `rows` and how often each occurs."""
    kinds, counts = np.unique(rows, axis=0, return_counts=True)
    return kinds, counts.astype(np.int64)
