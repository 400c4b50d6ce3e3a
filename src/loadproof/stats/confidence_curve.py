"""An estimate with its one-sided bounds at every error rate: what differences are made of."""

from dataclasses import dataclass

import numpy as np

from loadproof.stats.interval import Interval
from loadproof.stats.percentiles import FloatArray

ERRORS: FloatArray = 0.05 * 10 ** (np.arange(20, -95, -1) / 20)
"""Error rates of one bound, from 0.5 down to 0.000001 in steps of 11 %; 0.05 is one of them."""


@dataclass(frozen=True, slots=True)
class Curve:
    """An estimate, and by error rate in ERRORS the lower and the upper bound: arrays (115,).

    Each bound alone is wrong as often as its error rate says. A bound about which nothing is known
    is infinite. `n` samples weigh as much as `effective_n` independent ones.
    """

    estimate: float
    low: FloatArray
    high: FloatArray
    n: int
    effective_n: float

    def bounds(self, confidence: float) -> Interval:
        """The bounds that each hold at `confidence`, or at the next higher one that is known."""
        index = min(int(np.argmax((1 - confidence) * (1 + 1e-9) >= ERRORS)), len(ERRORS) - 1)
        return Interval(float(self.low[index]), float(self.high[index]))

    def p_above(self, limit: float) -> float:
        """One-sided p that the quantity is at most `limit`: how surely it is above."""
        return _least_error(self.low > limit)

    def p_below(self, limit: float) -> float:
        """One-sided p that the quantity is at least `limit`: how surely it is below."""
        return _least_error(self.high < limit)


def _least_error(decided: np.typing.NDArray[np.bool_]) -> float:
    """The smallest error rate down to which all bounds decide; 1 where not even the first does."""
    count = len(decided) if decided.all() else int(np.argmin(decided))
    return float(ERRORS[count - 1]) if count else 1.0


def unknown(estimate: float, n: int, effective_n: float) -> Curve:
    """The curve of an estimate of whose error nothing can be said."""
    infinite = np.full(len(ERRORS), np.inf)
    return Curve(estimate, -infinite, infinite, n, effective_n)
