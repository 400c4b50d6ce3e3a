"""Looking at a series again and again while it grows, without the error adding up."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.stats import norm

from loadproof.stats.percentiles import FloatArray

FIRST_LOOK = 100
"""Requests before which nothing is said."""

_RATIO = 1.5
"""By what, at most, requests grow from one look to the next."""

_BEFORE_THE_LAST = 2 / 3
"""The part of the error that all looks but the last may spend together."""


@dataclass(frozen=True, slots=True)
class Look:
    """After `requests` a bound may err with probability `miss`, so that all looks keep the plan."""

    requests: int
    miss: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A series that is looked at while it grows, up to `requests` of it at most.

    Bounds change at looks only, whose requests are in a geometric sequence: whoever asks in
    between gets the last look's answer, so asking more often gains nothing.
    """

    requests: int

    def looks(self) -> tuple[int, ...]:
        """After how many requests it is looked at, in order; at last after `requests`."""
        return _requests(max(self.requests, 1))

    def looks_at(self, confidence: float) -> tuple[Look, ...]:
        """All looks in order, each with its error.

        Each bound may err once in all looks with probability 1 - confidence. All looks but the
        last have the same error, together two thirds of that; the last one has what is left.
        """
        return _looks(max(self.requests, 1), confidence)


@lru_cache(maxsize=256)
def _requests(requests: int) -> tuple[int, ...]:
    if requests <= FIRST_LOOK:
        return (requests,)
    steps = math.ceil(math.log(requests / FIRST_LOOK) / math.log(_RATIO))
    ratio = (requests / FIRST_LOOK) ** (1 / steps)
    return tuple(round(FIRST_LOOK * ratio**step) for step in range(steps + 1))


@lru_cache(maxsize=256)
def _looks(requests: int, confidence: float) -> tuple[Look, ...]:
    at = _requests(requests)
    if len(at) == 1:
        return (Look(requests, 1 - confidence),)
    ratio = round((requests / FIRST_LOOK) ** (1 / (len(at) - 1)), 6)
    misses = _misses(len(at), ratio, confidence)
    return tuple(Look(n, miss) for n, miss in zip(at, misses, strict=True))


@lru_cache(maxsize=256)
def _misses(looks: int, ratio: float, confidence: float) -> tuple[float, ...]:
    """The error of each look by itself, such that any errs with probability 1 - confidence.

    Sums of more and more requests cross their bounds as a Brownian motion does; how likely it is
    that one of them has been crossed is integrated from look to look.

    Sources: Pocock, "Group sequential methods in the design and analysis of clinical trials",
    Biometrika 64 (1977); Armitage, McPherson and Rowe, "Repeated significance tests on
    accumulating data", J. R. Statist. Soc. A 132 (1969); Lan and DeMets, "Discrete sequential
    boundaries for clinical trials", Biometrika 70 (1983), for spending a part of the error early.
    """
    miss = 1 - confidence
    early = brentq(
        lambda z: _crossed([z] * (looks - 1), ratio) - _BEFORE_THE_LAST * miss,
        float(norm.isf(_BEFORE_THE_LAST * miss)) - 1e-6,
        10.0,
        xtol=1e-6,
    )
    last = brentq(
        lambda z: _crossed([early] * (looks - 1) + [z], ratio) - miss,
        float(norm.isf(miss)) - 1e-6,
        10.0,
        xtol=1e-6,
    )
    return (float(norm.sf(early)),) * (looks - 1) + (float(norm.sf(last)),)


_GRID = 80
_DEEPEST = -8.0


def _crossed(bounds: list[float], ratio: float) -> float:
    """The probability that a Brownian motion, looked at in times that grow by `ratio` and divided
    by its standard deviation then, is over one of the bounds."""
    kept = math.sqrt(1 / ratio)
    values, weights = _legendre(bounds[0])
    density = norm.pdf(values) * weights
    for bound in bounds[1:]:
        following, weights = _legendre(bound)
        moved = (following[:, None] - kept * values[None, :]) / math.sqrt(1 - 1 / ratio)
        density = (norm.pdf(moved) @ density) / math.sqrt(1 - 1 / ratio) * weights
        values = following
    return 1 - float(density.sum())


def _legendre(bound: float) -> tuple[FloatArray, FloatArray]:
    """Nodes and weights of an integral from far below to `bound`."""
    nodes, weights = _nodes()
    half = (bound - _DEEPEST) / 2
    return _DEEPEST + half * (nodes + 1), half * weights


@lru_cache(maxsize=1)
def _nodes() -> tuple[FloatArray, FloatArray]:
    nodes, weights = np.polynomial.legendre.leggauss(_GRID)
    return nodes, weights
