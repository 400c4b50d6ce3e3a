"""Latency series whose truth is known: the share of requests over a limit, exactly.

Each starts in its stationary state. What comes out is an array of runs by requests, in the order
of the requests' starts.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from scipy.signal import lfilter
from scipy.stats import norm

FloatArray = NDArray[np.float64]


class Process(Protocol):
    """A kind of latency series."""

    @property
    def name(self) -> str:
        """How the table calls it."""

    def runs(self, rng: np.random.Generator, runs: int, n: int) -> FloatArray:
        """`runs` independent series of `n` latencies each."""

    def limit(self, share: float) -> float:
        """The latency that a share `share` of all requests is over, in the long run."""

    @property
    def mean(self) -> float:
        """The mean latency in the long run."""


@dataclass(frozen=True)
class Autoregressive:
    """exp(z) of a stationary Gaussian AR(1) z of variance 1; 0 gives independent log-normals."""

    name: str
    coefficient: float

    def runs(self, rng: np.random.Generator, runs: int, n: int) -> FloatArray:
        noise = rng.standard_normal((runs, n))
        noise[:, 1:] *= math.sqrt(1 - self.coefficient**2)
        return np.exp(lfilter([1.0], [1.0, -self.coefficient], noise, axis=1))

    def limit(self, share: float) -> float:
        return math.exp(float(norm.isf(share)))

    @property
    def mean(self) -> float:
        return math.exp(0.5)


@dataclass(frozen=True)
class ExponentialQueue:
    """Waiting and service in an M/M/1 queue with a mean service of 1."""

    name: str
    utilisation: float

    def runs(self, rng: np.random.Generator, runs: int, n: int) -> FloatArray:
        # The stationary wait is 0 with probability 1 - utilisation, else exponential.
        begin = rng.exponential(1 / (1 - self.utilisation), runs)
        begin[rng.random(runs) >= self.utilisation] = 0.0
        services = rng.exponential(1.0, (runs, n))
        between = rng.exponential(1 / self.utilisation, (runs, n))
        return _waits(begin, services, between) + services

    def limit(self, share: float) -> float:
        return -math.log(share) / (1 - self.utilisation)

    @property
    def mean(self) -> float:
        return 1 / (1 - self.utilisation)


SPREAD = 1.0
"""Of the logarithm of service times in the M/G/1 queue; variance 1.7 at a mean of 1."""


@dataclass(frozen=True)
class LogNormalQueue:
    """Waiting and service in an M/G/1 queue with log-normal services of mean 1."""

    name: str
    utilisation: float

    def runs(self, rng: np.random.Generator, runs: int, n: int) -> FloatArray:
        begin = self._stationary_waits(rng, runs)
        services = rng.lognormal(-(SPREAD**2) / 2, SPREAD, (runs, n))
        between = rng.exponential(1 / self.utilisation, (runs, n))
        return _waits(begin, services, between) + services

    def _stationary_waits(self, rng: np.random.Generator, runs: int) -> FloatArray:
        """Pollaczek and Khinchine: a geometric number of residual services."""
        residuals = rng.geometric(1 - self.utilisation, runs) - 1
        # The length-biased log-normal is log-normal again, and a residual is a uniform part of it.
        total = int(residuals.sum())
        parts = rng.lognormal(SPREAD**2 / 2, SPREAD, total) * rng.random(total)
        waits = np.bincount(np.repeat(np.arange(runs), residuals), parts, minlength=runs)
        return waits.astype(np.float64)

    def limit(self, share: float) -> float:
        return _queue_limit(self.utilisation, share)

    @property
    def mean(self) -> float:
        rho = self.utilisation
        return 1 + rho * math.exp(SPREAD**2) / (2 * (1 - rho))


@lru_cache(maxsize=32)
def _queue_limit(utilisation: float, share: float) -> float:
    grid, tail = _sojourn_tail(utilisation)
    return float(np.interp(-share, -tail, grid))


@lru_cache(maxsize=4)
def _sojourn_tail(utilisation: float) -> tuple[FloatArray, FloatArray]:
    """A grid of x and P(waiting + service > x), by the Pollaczek-Khinchine transform."""
    step, points = 0.005, 2**18
    edges = step * np.arange(points + 1)
    with np.errstate(divide="ignore"):
        logs = np.log(edges)
    service = np.diff(norm.cdf((logs + SPREAD**2 / 2) / SPREAD))
    # The residual's density is P(S > x) / E[S]; its integral over a step by the distribution of
    # S and of the length-biased S.
    survival = norm.sf((logs + SPREAD**2 / 2) / SPREAD)
    biased = norm.cdf((logs - SPREAD**2 / 2) / SPREAD)
    residual_cdf = edges * survival + biased
    residual_cdf[0] = 0.0
    residual = np.diff(residual_cdf)
    f_residual, f_service = np.fft.rfft(residual, 2 * points), np.fft.rfft(service, 2 * points)
    f_sojourn = f_service * (1 - utilisation) / (1 - utilisation * f_residual)
    mass = np.fft.irfft(f_sojourn)[:points]
    # Each step's mass stands at its lower edge; on average it is half a step more, once for the
    # service and once for each residual.
    shift = 0.5 * step * (1 + utilisation / (1 - utilisation))
    grid = (edges[1:] - step + shift).astype(np.float64)
    return grid, np.clip(1 - np.cumsum(mass), 0, 1)


@dataclass(frozen=True)
class Bursts:
    """Log-normal latencies that are slower while a hidden switch is on (a Markov chain).

    `on_share` of the requests come while it is on, `on_length` of them in a row on average; their
    latencies are `factor` times as long.
    """

    name: str
    on_share: float
    on_length: float
    factor: float
    spread: float = 0.5

    def runs(self, rng: np.random.Generator, runs: int, n: int) -> FloatArray:
        latencies = rng.lognormal(0.0, self.spread, (runs, n))
        latencies[_switch(rng, runs, n, self.on_share, self.on_length)] *= self.factor
        return latencies

    def limit(self, share: float) -> float:
        def excess(log_limit: float) -> float:
            off = float(norm.sf(log_limit / self.spread))
            on = float(norm.sf((log_limit - math.log(self.factor)) / self.spread))
            return self.on_share * on + (1 - self.on_share) * off - share

        return math.exp(brentq(excess, -20.0, 20.0))

    @property
    def mean(self) -> float:
        return math.exp(self.spread**2 / 2) * (1 + self.on_share * (self.factor - 1))


def _switch(
    rng: np.random.Generator, runs: int, n: int, on_share: float, on_length: float
) -> NDArray[np.bool_]:
    """A two-state Markov chain in its stationary state; geometric lengths of both states."""
    off_length = on_length * (1 - on_share) / on_share
    pairs = int(2 * n / (on_length + off_length)) + 20
    begins_on = rng.random(runs) < on_share
    on = rng.geometric(1 / on_length, (runs, pairs))
    off = rng.geometric(1 / off_length, (runs, pairs))
    first = np.where(begins_on[:, None], on, off)
    second = np.where(begins_on[:, None], off, on)
    lengths = np.stack([first, second], axis=2).reshape(runs, 2 * pairs)
    ends = np.cumsum(lengths, axis=1)
    flips = np.zeros((runs, n), dtype=np.int64)
    rows, columns = np.nonzero(ends < n)
    np.add.at(flips, (rows, ends[rows, columns]), 1)
    on_now: NDArray[np.bool_] = (np.cumsum(flips, axis=1) % 2 == 0) == begins_on[:, None]
    return on_now


def _waits(begin: FloatArray, services: FloatArray, between: FloatArray) -> FloatArray:
    """Lindley's recursion w' = max(w + service - interval, 0), from `begin`, along each row."""
    walk = np.empty_like(services)
    walk[:, 0] = 0.0
    np.cumsum(services[:, :-1] - between[:, 1:], axis=1, out=walk[:, 1:])
    lowest = np.minimum.accumulate(walk, axis=1)
    return walk - np.minimum(lowest, -begin[:, None])
