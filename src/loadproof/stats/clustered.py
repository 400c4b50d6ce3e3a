"""How many of n requests are over a limit, where those that are come in clusters."""

import numpy as np
from scipy.special import betainc, gammainc, gammaln

from loadproof.stats.percentiles import FloatArray

_RARE = 0.1
"""Up to this share clusters are few and far between, and come as a Poisson process."""

_MANY = 30
"""From so many expected clusters on the shape of a single one does not matter."""


def at_most(over: float, n: int, shares: FloatArray, correlations: FloatArray) -> FloatArray:
    """The probability of `over` or fewer of `n`, for each true share with its correlation.

    Clusters come as a Poisson process, with geometric sizes whose mean, (correlation + 1) / 2,
    makes the count vary by `correlation` times what independent requests would (the Pólya–Aeppli
    distribution, computed with gamma in place of negative binomial sums). With a correlation of 1
    this is the Poisson distribution. For shares that are not small, or many clusters, it is the
    binomial distribution of n / correlation requests (Korn and Graubard 1998).

    Sources: Aldous, "Probability Approximations via the Poisson Clumping Heuristic" (1989), for
    rare events in a dependent series; Johnson, Kemp and Kotz, "Univariate Discrete Distributions"
    (2005), section 9.7; Korn and Graubard, "Confidence intervals for proportions with small
    expected number of positive counts estimated from survey data", Survey Methodology 24 (1998).
    """
    effective = n / correlations
    few = (correlations > 1) & (shares <= _RARE) & (effective * shares < _MANY)
    hits = np.minimum(over / correlations, effective * (1 - 1e-12))
    found = np.asarray(
        1 - betainc(hits + 1, np.maximum(effective - hits, 1e-9), shares), np.float64
    )
    if few.any():
        found[few] = _clusters_at_most(over, n * shares[few], correlations[few])
    return found


def at_least(over: float, n: int, shares: FloatArray, correlations: FloatArray) -> FloatArray:
    """The probability of `over` or more of `n`; otherwise as `at_most`.

    Where less than one cluster is expected, how large a single one may be decides, which a mean
    says little of: there the binomial form is used, which asks for more.
    """
    if over <= 0:
        return np.ones_like(shares)
    effective = n / correlations
    expected = effective * shares
    few = (correlations > 1) & (shares <= _RARE) & (expected >= 1) & (expected < _MANY)
    hits = np.minimum(over / correlations, effective)
    found = np.asarray(betainc(hits, effective - hits + 1, shares), np.float64)
    if few.any():
        found[few] = 1 - _clusters_at_most(over - 1, n * shares[few], correlations[few])
    return found


def _clusters_at_most(over: float, expected: FloatArray, correlations: FloatArray) -> FloatArray:
    size = (correlations + 1) / 2
    # Of a geometric size the squared coefficient of variation is 1 - 1 / mean; with none of it a
    # cluster is one request, and the least that a float can tell stands for that.
    shape = 1 / np.maximum(1 - 1 / size, 1e-6)
    clusters = (expected / size)[:, None]
    number = np.arange(1, int(clusters.max() + 8 * np.sqrt(clusters.max())) + 12)[None, :]
    weights = np.exp(number * np.log(clusters) - clusters - gammaln(number + 1))
    small = gammainc(number * shape[:, None], ((over + 0.5) * shape / size)[:, None])
    weights = np.where(number <= over, weights, 0.0)
    total: FloatArray = np.exp(-clusters[:, 0]) + (weights * small).sum(axis=1)
    return total
