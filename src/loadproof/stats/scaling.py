"""How throughput grows with concurrency: Gunther's universal scalability law, fitted.

    X(N) = a N / (1 + s (N - 1) + k N (N - 1))

a is the throughput of one request at a time, s the share of the work that requests contend for
(Amdahl's serial share), k what each pair of requests costs in keeping up with each other. With
k > 0 throughput has a maximum at N* = sqrt((1 - s) / k) and falls beyond it; with k = 0 and s > 0
it levels off at a / s.

Source: Gunther, "Guerrilla Capacity Planning", Springer (2007), chapter 4.
"""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import nnls
from scipy.stats import chi2

from loadproof.stats.percentiles import FloatArray

FEWEST = 4
"""Levels: three parameters, and one to see whether the law fits at all."""
DRAWS = 400
_ROUNDS = 4
_MISFIT_P = 0.01


@dataclass(frozen=True, slots=True)
class Law:
    """The parameters a, s and k."""

    alone: float
    contention: float
    crosstalk: float

    def throughput(self, concurrency: FloatArray) -> FloatArray:
        """X(N), in the unit of a."""
        n = np.asarray(concurrency, dtype=np.float64)
        queueing = 1 + self.contention * (n - 1) + self.crosstalk * n * (n - 1)
        return np.asarray(self.alone * n / queueing)

    @property
    def knee(self) -> float:
        """The concurrency of the highest throughput; infinite where it never falls."""
        if self.crosstalk <= 0:
            return np.inf
        return float(np.sqrt(max(1 - self.contention, 0.0) / self.crosstalk))


@dataclass(frozen=True, slots=True)
class Fitted:
    """The law that fits best, and `draws` of it: laws as likely as the levels' own errors allow.

    `stretched` is by how much those errors had to be stretched for the levels to lie on any law at
    all (1: not), `misfit` the largest distance of a level from the law, relative to the law, and
    `fits` is False where so much is more than chance.
    """

    law: Law
    draws: tuple[Law, ...]
    stretched: float
    misfit: float
    fits: bool


def fit(
    concurrency: FloatArray, throughput: FloatArray, error: FloatArray, seed: int = 1
) -> Fitted:
    """Fits the law to the levels of a run by weighted least squares, with s and k at least 0.

    `throughput` with its standard `error`, both in one unit, at each `concurrency`. N / X is
    linear in 1 / a, s / a and k / a, so the fit is one of non-negative least squares there, its
    weights taken from the fitted values (iteratively reweighted), which to first order is the
    non-linear one of X. The draws are a parametric bootstrap: levels drawn about the law by their
    errors, fitted again. Where the levels scatter about the law by more than their errors, these
    are stretched to what they scatter by (Birge, "The calculation of errors by the method of least
    squares", Physical Review 40, 1932).

    Raises ValueError for fewer than FEWEST levels of different concurrency.
    """
    if len(np.unique(concurrency)) < FEWEST:
        raise ValueError(f"at least {FEWEST} levels of different concurrency are needed")
    relative = error / throughput
    law = _fitted(concurrency, throughput, relative)
    expected = law.throughput(concurrency)
    off = throughput / expected - 1
    freedom = len(throughput) - 3
    scatter = float(np.sum((off / relative) ** 2))
    stretched = max(np.sqrt(scatter / freedom), 1.0)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((DRAWS, len(expected))) * relative * stretched
    drawn = expected * np.clip(1 + noise, 0.1, 10)
    return Fitted(
        law=law,
        draws=tuple(_fitted(concurrency, each, relative) for each in drawn),
        stretched=float(stretched),
        misfit=float(np.abs(off).max()),
        fits=bool(chi2.sf(scatter, freedom) >= _MISFIT_P),
    )


def _fitted(concurrency: FloatArray, throughput: FloatArray, relative: FloatArray) -> Law:
    n = concurrency
    columns = np.column_stack([np.ones(len(n)), n - 1, n * (n - 1)])
    latency = n / throughput
    weights = 1 / (latency * relative)
    found = np.zeros(3)
    for _ in range(_ROUNDS):
        found, _ = nnls(columns * weights[:, None], latency * weights)
        weights = 1 / (columns @ found * relative)
    # Without a constant the law has no throughput at one: it is then as high as can be told.
    first = max(float(found[0]), 1e-9 * float(latency.max()))
    return Law(1 / first, float(found[1]) / first, float(found[2]) / first)
