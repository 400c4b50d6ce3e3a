"""How uncertain means, shares and quantiles of one autocorrelated series of requests are.

Requests that wait in the same queue say the same thing over again. The variance of a mean is
therefore that of the series at frequency zero, estimated from its lowest cosine waves: their
squares are nearly independent of each other, so that Student's t with as many degrees of freedom
as there are waves fits. How many waves are low follows from the series' memory: fewer where
it is long, so that honest bounds get wide before they get wrong.

Sources: Müller, "HAC corrections for strongly autocorrelated time series", Journal of Business &
Economic Statistics 32 (2014), and Lazarus, Lewis, Stock and Watson, "HAR inference", ibid. 36
(2018), for the waves; Woodruff, "Confidence intervals for medians and other position measures",
JASA 47 (1952), for quantiles by bounds of the distribution function; Korn and Graubard,
"Confidence intervals for proportions with small expected number of positive counts", Survey
Methodology 24 (1998), for binomial bounds with an effective number of samples.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct
from scipy.special import betaincinv, stdtrit
from scipy.stats import rankdata

from loadproof.stats.confidence_curve import ERRORS, Curve, unknown
from loadproof.stats.correlation import correlation_requests
from loadproof.stats.percentiles import FloatArray, rank

FEWEST_MEMORIES = 10
"""A series shorter than this many times its own memory supports no bound at all."""

FEWEST_BEYOND = 0.3
"""How many memories' worth of requests have to lie beyond a quantile for any bound of it."""

_WAVES_A_MEMORY = 0.1
"""Waves used for each stretch of the series as long as its memory; by experiment."""
_WAVES_A_TURN = 0.5
"""Waves used for each time in which all requests in flight take their turn: what a long request
does to those behind it lasts longer than that, and is hidden under what tells them apart."""
_FEWEST_WAVES = 4


@dataclass(frozen=True, slots=True)
class Dependence:
    """How far the values of a series depend on each other, in requests.

    `memory` values weigh as much as one independent one. It is `correlation_requests` of their
    ranks, so that one huge value does not hide it, or of which of them are among the largest tenth,
    where that remembers longer, as a server's bad spells do; made larger for what a short series
    cannot show of its own memory. `in_flight` is how many requests are on their way at a time.
    """

    memory: float
    in_flight: float

    @classmethod
    def of(cls, values: FloatArray, in_flight: float = 1.0) -> Self:
        """As a series of at least one value shows it."""
        slowest = values > np.quantile(values, 0.9)
        seen = max(
            correlation_requests(rankdata(values)), correlation_requests(slowest.astype(np.float64))
        )
        return cls(seen * (1 + 3 * seen / len(values)), max(in_flight, 1.0))

    def waves(self, n: int) -> int:
        """How many of the lowest waves of a series of `n` are those of its slow changes."""
        most = min(0.4 * n ** (2 / 3), _WAVES_A_TURN * n / self.in_flight)
        return min(max(int(min(_WAVES_A_MEMORY * n / self.memory, most)), _FEWEST_WAVES), n - 1)


@dataclass(frozen=True, slots=True)
class Series:
    """Values in order of the requests' starts (n,), and how they depend on each other."""

    values: FloatArray
    ordered: FloatArray
    dependence: Dependence

    @classmethod
    def of(cls, values: FloatArray, in_flight: float = 1.0) -> Self:
        """The series of at least one value, with about so many requests in flight at a time."""
        return cls(values, np.sort(values), Dependence.of(values, in_flight))


@dataclass(frozen=True, slots=True)
class Shares:
    """Bounds of a share by error rate in ERRORS, and how many samples it rests on."""

    low: FloatArray
    high: FloatArray
    effective_n: float


def long_run_variance(values: FloatArray, dependence: Dependence) -> tuple[float, int]:
    """n times the variance of the mean of n correlated values, and its degrees of freedom.

    Each squared wave is divided by what an AR(1) series of the same memory has at its frequency
    relative to frequency zero.
    """
    n = len(values)
    waves = dependence.waves(n)
    numbers = np.arange(1, waves + 1)
    squares = dct(values - values.mean(), type=2)[1 : waves + 1] ** 2 / (2 * n)
    rho = (dependence.memory - 1) / (dependence.memory + 1)
    shape = (1 - rho) ** 2 / (1 - 2 * rho * np.cos(math.pi * numbers / n) + rho**2)
    return float(np.mean(squares / shape)), waves


def mean_curve(series: Series, *, regular: bool = False) -> Curve:
    """The mean of positive values, on a logarithmic scale.

    The values are taken to be at least as uncertain as independent ones, unless they may be
    `regular`: neighbours that make up for each other, as numbers of tokens in equal times do.
    """
    values, n = series.values, len(series.values)
    mean = float(values.mean())
    memory = series.dependence.memory
    if n / memory < FEWEST_MEMORIES or mean <= 0:
        return unknown(mean, n, n / memory)
    variance, waves = long_run_variance(values, series.dependence)
    spread = float(values.var())
    if not regular:
        variance = max(variance, spread)
    effective_n = n * spread / variance if variance > 0 else float(n)
    with np.errstate(over="ignore"):
        reach = np.exp(-stdtrit(waves, ERRORS) * math.sqrt(variance / n) / mean)
    return Curve(mean, mean / reach, mean * reach, n, effective_n)


def quantile_curve(series: Series, quantile: float) -> Curve:
    """A quantile (0 to 1) by the nearest rank, between order statistics."""
    ordered, n = series.ordered, len(series.ordered)
    value = float(ordered[rank(quantile, n) - 1])
    over = series.values > value
    if not over.any():
        over = series.values >= value
    shares = quantile_shares(quantile, over.astype(np.float64), series.dependence)
    lower = np.floor(shares.low * n - 1e-9).astype(np.int64)
    upper = np.ceil(shares.high * n - 1e-9).astype(np.int64) + 1
    low = np.where(lower >= 1, ordered[np.clip(lower, 1, n) - 1], -np.inf)
    high = np.where(upper <= n, ordered[np.clip(upper, 1, n) - 1], np.inf)
    return Curve(value, low, high, n, shares.effective_n)


def quantile_shares(
    quantile: float, over: FloatArray, dependence: Dependence, weights: FloatArray | None = None
) -> Shares:
    """Between which quantiles of the samples the true `quantile` lies.

    `over` (n,) is by request the share of its samples that are over the observed quantile;
    `weights` (n,) are the numbers of its samples, one each where absent. `dependence` is that of
    the requests' latencies.
    """
    n, memory = len(over), dependence.memory
    memories, beyond = n / memory, np.count_nonzero(over > 0) / memory
    if memories < FEWEST_MEMORIES or beyond < FEWEST_BEYOND:
        nothing = np.zeros(len(ERRORS))
        return Shares(nothing, nothing + 1, memories)
    effective_n, waves = _effective(over, dependence, weights)
    freedom = None
    if waves is not None:
        sights = min(_stretches(over > 0, memory), _stretches(over < 1, memory))
        freedom = max(min(waves, sights - 1), 1)
    return _share_bounds(quantile, effective_n, n, freedom)


def share_curve(flags: FloatArray, in_flight: float = 1.0) -> Curve:
    """The share of requests that are flagged (1, else 0), also where none or all of them are."""
    n = len(flags)
    share = float(flags.mean())
    dependence = Dependence.of(flags, in_flight)
    memory = dependence.memory
    if n / memory < FEWEST_MEMORIES:
        return unknown(share, n, n / memory)
    effective_n, waves = _effective(flags, dependence, None)
    shares = _share_bounds(share, effective_n, n, waves)
    return Curve(share, shares.low, shares.high, n, effective_n)


def independent_share_curve(grades: FloatArray) -> Curve:
    """The mean of grades from 0 to 1 that do not depend on each other, however they vary: no grades
    vary more than zeros and ones with the same mean do."""
    n, share = len(grades), float(grades.mean())
    shares = _share_bounds(share, n, n, None)
    return Curve(share, shares.low, shares.high, n, n)


def _effective(
    over: FloatArray, dependence: Dependence, weights: FloatArray | None
) -> tuple[float, int | None]:
    """How many independent samples say as much of the share over, and from how many waves."""
    n = len(over)
    total = float(n)
    influence = over
    share = float(over.mean())
    if weights is not None:
        total = float(weights.sum())
        share = float((over * weights).sum()) / total
        influence = (over - share) * weights * (n / total)
    if not 0 < share < 1:
        return min(total, n / dependence.memory), None
    variance, waves = long_run_variance(influence, dependence)
    independent = share * (1 - share)
    effective_n = min(independent * n / variance if variance > 0 else total, total)
    return effective_n, waves


def _stretches(there: NDArray[np.bool_], memory: float) -> int:
    """In how many stretches as long as the series' memory it is there at all: what is seen of a
    tail in one stretch is one sight of it, however many requests took part."""
    return len(np.unique((np.flatnonzero(there) / memory).astype(np.int64)))


def _share_bounds(share: float, effective_n: float, n: int, freedom: int | None) -> Shares:
    """Clopper and Pearson's bounds with Korn and Graubard's effective number of samples."""
    factor: FloatArray = np.ones(len(ERRORS))
    if freedom is not None and n > 1:
        # The median has no t to speak of: both are zero there.
        factor[1:] = (stdtrit(n - 1, ERRORS[1:]) / stdtrit(freedom, ERRORS[1:])) ** 2
    trials = effective_n * factor
    hits, misses = trials * share, trials * (1 - share)
    zeros = np.zeros(len(ERRORS))
    low: FloatArray = zeros
    high: FloatArray = zeros + 1
    if share > 0:
        low = np.asarray(betaincinv(hits, misses + 1, ERRORS), dtype=np.float64)
    if share < 1:
        high = np.asarray(1 - betaincinv(misses, hits + 1, ERRORS), dtype=np.float64)
    return Shares(low, high, effective_n)
