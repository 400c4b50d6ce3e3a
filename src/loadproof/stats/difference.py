"""Differences and ratios of two independent estimates, from the bounds of each.

Source: Zou and Donner, "Construction of confidence limits about effect measures: a general
approach", Statistics in Medicine 27 (2008): the method of variance estimates recovery. A lower
bound of a difference lies as far below it as the two bounds that would make it smaller lie from
their estimates, added as squares. It keeps what is lopsided about each.
"""

import numpy as np

from loadproof.stats.confidence_curve import Curve
from loadproof.stats.percentiles import FloatArray


def difference(new: Curve, base: Curve) -> Curve:
    """`new` - `base`, where the two are independent of each other."""
    return _difference(
        (new.estimate, new.low, new.high),
        (base.estimate, base.low, base.high),
        min(new.n, base.n),
        min(new.effective_n, base.effective_n),
    )


def relative_change(new: Curve, base: Curve) -> Curve:
    """`new` / `base` - 1 of two positive quantities; unknown bounds where one of them is 0."""
    apart = _difference(
        _logarithms(new),
        _logarithms(base),
        min(new.n, base.n),
        min(new.effective_n, base.effective_n),
    )
    with np.errstate(over="ignore"):
        low = np.where(np.isfinite(apart.low), np.expm1(apart.low), -np.inf)
        high = np.expm1(apart.high)
    return Curve(float(np.expm1(apart.estimate)), low, high, apart.n, apart.effective_n)


Bounded = tuple[float, FloatArray, FloatArray]


def _difference(new: Bounded, base: Bounded, n: int, effective_n: float) -> Curve:
    new_estimate, new_low, new_high = new
    base_estimate, base_low, base_high = base
    estimate = new_estimate - base_estimate
    low = estimate - np.hypot(new_estimate - new_low, base_high - base_estimate)
    high = estimate + np.hypot(new_high - new_estimate, base_estimate - base_low)
    return Curve(estimate, low, high, n, effective_n)


def _logarithms(curve: Curve) -> Bounded:
    if curve.estimate <= 0:
        raise ValueError(f"a ratio needs positive quantities, not {curve.estimate}")
    with np.errstate(divide="ignore"):
        low = np.log(np.maximum(curve.low, 0.0))
    return float(np.log(curve.estimate)), low, np.log(curve.high)
