"""The interval that every estimate of this room comes with."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Interval:
    """Bounds of an unknown quantity, in that quantity's own unit."""

    low: float
    high: float
