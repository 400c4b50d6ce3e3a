"""Intervals for a mean, and the sample that would settle which side of a limit it is on."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Self

import numpy as np
from scipy.stats import norm, t

from loadproof.stats import binomial
from loadproof.stats.interval import Interval
from loadproof.stats.percentiles import FloatArray

FEW = 30
"""Below this many samples a t interval of a value bounded to [0, 1] is not to be relied on."""


@dataclass(frozen=True, slots=True)
class Moments:
    """Number, mean and standard deviation (with n - 1) of some samples, in their unit."""

    n: int
    mean: float
    deviation: float

    @classmethod
    def of(cls, values: Sequence[float] | FloatArray) -> Self:
        """The moments of `values`; mean and deviation of no samples are 0, with `n` = 0."""
        array = np.asarray(values, dtype=np.float64)
        if len(array) == 0:
            return cls(0, 0.0, 0.0)
        deviation = float(array.std(ddof=1)) if len(array) > 1 else 0.0
        return cls(len(array), float(array.mean()), deviation)


def interval(moments: Moments, confidence: float, *, sides: Literal[1, 2] = 2) -> Interval | None:
    """Student's t interval of the mean; None for fewer than two samples.

    With `sides=1` each bound holds at `confidence` on its own. It takes the samples for
    independent, and their number for large enough that the mean is about normal.

    Source: Student, "The probable error of a mean", Biometrika 6 (1908).
    """
    if moments.n < 2:
        return None
    factor = float(t.ppf(1 - (1 - confidence) / sides, moments.n - 1))
    reach = factor * moments.deviation / math.sqrt(moments.n)
    return Interval(moments.mean - reach, moments.mean + reach)


def unit_interval(
    values: Sequence[float] | FloatArray, confidence: float, *, sides: Literal[1, 2] = 2
) -> Interval:
    """The interval of the mean of samples that lie in [0, 1], such as F1 scores or 0/1 grades.

    Samples of only 0 and 1 get the exact binomial interval. So do fewer than FEW samples and
    samples that are all the same, with their sum as the successes: of all distributions on [0, 1]
    with a given mean the one on 0 and 1 alone varies most, so that is on the careful side. All
    others get the t interval, cut to [0, 1]. Without samples the interval is all of [0, 1].
    Raises ValueError for values outside [0, 1].
    """
    array = np.asarray(values, dtype=np.float64)
    if len(array) == 0:
        return Interval(0.0, 1.0)
    if array.min() < 0 or array.max() > 1:
        raise ValueError("values have to be from 0 to 1")
    if judged_as_binary(array):
        total = min(float(array.sum()), float(len(array)))
        return binomial.interval(total, len(array), confidence, sides=sides)
    bounds = interval(Moments.of(array), confidence, sides=sides)
    assert bounds is not None, "FEW is more than one"
    return Interval(max(bounds.low, 0.0), min(bounds.high, 1.0))


def judged_as_binary(values: Sequence[float] | FloatArray) -> bool:
    """Whether `unit_interval` takes the binomial interval for these samples."""
    array = np.asarray(values, dtype=np.float64)
    is_binary = bool(np.all((array == 0) | (array == 1)))
    return is_binary or len(array) < FEW or bool(array.min() == array.max())


def samples_to_settle(moments: Moments, limit: float, confidence: float) -> int | None:
    """The n at which a mean observed as in `moments` is told from `limit`, one-sided.

    By the normal approximation n = (z * deviation / distance)^2, with at least two. None where
    the mean is the limit, or with fewer than two samples to tell the deviation from.
    """
    distance = abs(moments.mean - limit)
    if moments.n < 2 or distance == 0:
        return None
    needed = (float(norm.ppf(confidence)) * moments.deviation / distance) ** 2
    return max(math.ceil(needed), 2) if needed <= binomial.MOST_TRIALS else None
