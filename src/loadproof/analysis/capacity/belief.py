"""Where the capacity may lie, by all that the visits said: a distribution over the levels.

Probabilistic bisection: each visit moves probability to above or below its level by how likely it
makes each. Source: Horstein, "Sequential transmission using noiseless feedback", IEEE Trans. Inf.
Theory 9 (1963); with noisy answers of unequal weight as in Waeber, Frazier and Henderson,
"Bisection search with noisy responses", SIAM J. Control Optim. 51 (2013). It steers where requests
are spent, and nothing else: no claim rests on it.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

SUREST = 0.99
"""No single visit counts for more: levels may differ from what is fitted to them."""


def levels_between(lowest: int, highest: int, resolution: float) -> tuple[int, ...]:
    """The levels that may be visited: whole numbers, twice as close as `resolution` asks for."""
    ratio = 1 + resolution / 2
    levels = [lowest]
    while levels[-1] < highest:
        levels.append(min(max(levels[-1] + 1, int(levels[-1] * ratio)), highest))
    return tuple(levels)


@dataclass(frozen=True, slots=True)
class Belief:
    """`weights[k]` is the probability that exactly the first k levels hold, from 0 to all of them.

    Before anything is known each of these is equally likely.
    """

    levels: tuple[int, ...]
    weights: NDArray[np.float64]

    @classmethod
    def of(cls, levels: tuple[int, ...], said: Iterable[tuple[int, float]]) -> Self:
        """By visits as (level, the probability that it holds by what was seen there alone); those
        above all of `levels` count for nothing."""
        logarithms = np.zeros(len(levels) + 1)
        counts = np.arange(len(levels) + 1)
        for level, chance in said:
            sure = min(max(chance, 1 - SUREST), SUREST)
            holds = counts > np.searchsorted(levels, level)
            logarithms += np.where(holds, np.log(sure), np.log(1 - sure))
        weights = np.exp(logarithms - logarithms.max())
        return cls(levels, weights / weights.sum())

    def holds(self, level: int) -> float:
        """The probability that `level` holds."""
        return float(self.weights[self.levels.index(level) + 1 :].sum())

    def width(self, sure: float) -> float:
        """By which factor the lowest level that surely does not hold lies above the highest that
        surely does, each with a probability of `sure` at least."""
        holding = [level for level in self.levels if self.holds(level) >= sure]
        failing = [level for level in self.levels if 1 - self.holds(level) >= sure]
        highest = holding[-1] if holding else self.levels[0]
        lowest = failing[0] if failing else self.levels[-1]
        return lowest / highest

    def median(self) -> int:
        """The level about which it is least certain whether it holds."""
        return min(self.levels, key=lambda level: abs(self.holds(level) - 0.5))
