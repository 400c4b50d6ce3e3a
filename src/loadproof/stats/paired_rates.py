"""The same questions twice: tests by flipping signs, McNemar's exact one among them, and Tango's
bounds of the difference of two rates."""

import math
from collections.abc import Callable
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binomtest, norm

from loadproof.stats.bootstrap import IntArray
from loadproof.stats.interval import Interval
from loadproof.stats.percentiles import FloatArray

_DRAWN = 1 << 14
_SEED = 20_240_607
_LARGEST_EXACT = 4_000_000
"""Questions times differences up to which the sign-flip distribution is computed in full."""


def mcnemar(net: IntArray) -> float:
    """Two-sided exact p from each question's net loss: how often its answer got worse, less how
    often it got better.

    Where no level makes a difference, each net loss is as likely as the same gain. Their sum is
    compared with its distribution over all signs. With one asking a question that is McNemar's
    exact test, a binomial one of the discordant pairs; with several it is the same test with the
    question as the unit.

    Source: McNemar, "Note on the sampling error of the difference between correlated proportions
    or percentages", Psychometrika 12 (1947); for several askings the sign-flip permutation test
    of Fisher, The Design of Experiments (1935), section 21.
    """
    sizes = np.abs(net[net != 0])
    if len(sizes) == 0:
        return 1.0
    total = abs(int(net.sum()))
    if sizes.max() == 1:
        return float(binomtest((len(sizes) + total) // 2, len(sizes)).pvalue)
    reach = int(sizes.sum())
    if reach * len(sizes) > _LARGEST_EXACT:  # so many that their sum is normal to all digits shown
        return float(2 * norm.sf((total - 0.5) / math.sqrt(float(np.sum(sizes**2)))))
    chances = np.zeros(2 * reach + 1)
    chances[reach] = 1.0
    for size in sizes.tolist():
        chances = (np.roll(chances, size) + np.roll(chances, -size)) / 2
    return min(2 * float(chances[reach + total :].sum()), 1.0) if total else 1.0


def sign_flip(net: FloatArray) -> float:
    """Two-sided p from each question's net loss, as `mcnemar`, of scores that are no whole numbers.

    Over all signs where those are few, else over _DRAWN that are drawn, always the same.
    Source: Fisher, The Design of Experiments (1935), section 21.
    """
    sizes = np.abs(net[net != 0])
    if len(sizes) == 0:
        return 1.0
    total = abs(float(net.sum())) * (1 - 1e-12)
    if 2 ** len(sizes) <= _DRAWN:
        flips = (np.arange(2 ** len(sizes))[:, np.newaxis] >> np.arange(len(sizes))) & 1
        return float(np.mean(np.abs((2 * flips - 1) @ sizes) >= total))
    drawn = np.random.default_rng(_SEED).choice((-1.0, 1.0), size=(_DRAWN, len(sizes)))
    return (int(np.count_nonzero(np.abs(drawn @ sizes) >= total)) + 1) / (_DRAWN + 1)


def score_bounds(
    lost: float, gained: float, n: float, confidence: float, *, sides: Literal[1, 2] = 2
) -> Interval:
    """Bounds of a drop of a rate, where of `n` pairs `lost` got worse and `gained` got better.

    All three may be real-valued, as an effective sample size is.

    Source: Tango, "Equivalence test and confidence interval for the difference in proportions for
    the paired-sample design", Statistics in Medicine 17 (1998), by the score with the variance at
    the supposed drop.
    """
    z = float(norm.ppf(1 - (1 - confidence) / sides))
    observed = (lost - gained) / n

    def excess(drop: float) -> float:
        """How far the observed drop lies above `drop`, in standard errors."""
        variance = n * (2 * _gain_at(drop, lost, gained, n) + drop * (1 - drop))
        away = lost - gained - n * drop
        if variance > 1e-300:
            return away / math.sqrt(variance)
        return math.copysign(math.inf, away) if away else 0.0

    nearly = 1 - 1e-12
    low = high = observed
    if observed > -nearly:
        low = _crossing(lambda drop: excess(drop) - z, -nearly, observed)
    if observed < nearly:
        high = _crossing(lambda drop: excess(drop) + z, observed, nearly)
    return Interval(low, high)


def _gain_at(drop: float, lost: float, gained: float, n: float) -> float:
    """The most likely probability of a gain, were the true drop `drop`."""
    a, b, c = 2 * n, -lost - gained + (2 * n - lost + gained) * drop, -gained * drop * (1 - drop)
    return max((math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a), 0.0)


def _crossing(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function crosses 0 between two points; the nearer end where it does not."""
    if function(low) <= 0:
        return low
    if function(high) >= 0:
        return high
    return float(brentq(function, low, high, xtol=1e-9))
