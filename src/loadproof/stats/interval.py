"""The interval that every estimate of this room comes with."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds of an unknown quantity, in that quantity's own unit."""

    low: float
    high: float


def difference(one: tuple[float, Interval], other: tuple[float, Interval]) -> Interval:
    """Bounds of one quantity less another, each given by its estimate and its bounds.

    The two are independent, and all bounds are at the same confidence. Source: Zou and Donner,
    "Construction of confidence limits about effect measures", Statistics in Medicine 27 (2008).
    """
    (a, of_a), (b, of_b) = one, other
    return Interval(
        a - b - math.hypot(a - of_a.low, of_b.high - b),
        a - b + math.hypot(of_a.high - a, b - of_b.low),
    )
