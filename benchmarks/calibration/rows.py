"""A row of the table: many runs of one process at one length, and how often each method erred."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibration.engine import EngineModel
from benchmarks.calibration.methods import METHODS, judged
from benchmarks.calibration.processes import Process
from loadproof.stats import binomial
from loadproof.stats.series import bounds_of_count, mean_bounds
from loadproof.stats.tail_correlation import TailCorrelation

ALLOWED = 0.01
"""What `p99(…) <= limit` allows."""

TRUTHS = (0.003, 0.005, 0.01, 0.02)
"""True shares over the limit; at ALLOWED any claim but INCONCLUSIVE is taken for a false one."""

CONFIDENCE = 0.95

OTHERS = {"p95": 0.05, "p50": 0.5}
"""Percentiles that false claims are counted of besides, and what they allow."""


@dataclass(frozen=True, slots=True)
class Row:
    """A kind of series and its length in requests."""

    process: Process
    n: int


@dataclass
class Tally:
    """Of some runs: how often each method said what, by (method, truth, ruling), and the sum of
    requests that it needed, by (method, truth)."""

    runs: int = 0
    said: Counter[tuple[str, float, str]] = field(default_factory=Counter)
    requests: Counter[tuple[str, float]] = field(default_factory=Counter)

    def add(self, other: "Tally") -> None:
        """Takes the runs of another tally in."""
        self.runs += other.runs
        self.said.update(other.said)
        self.requests.update(other.requests)

    def rate(self, method: str, truth: float, ruling: str) -> float:
        """In what share of the runs it was said."""
        return self.said[method, truth, ruling] / self.runs

    def at_most(self, method: str, truth: float, ruling: str) -> float:
        """The upper 95 % bound of that share, as the runs are independent of each other."""
        hits = self.said[method, truth, ruling]
        return binomial.interval(hits, self.runs, 0.95, sides=1).high

    def mean_requests(self, method: str, truth: float) -> float:
        """Until it was settled, or the run was over."""
        return self.requests[method, truth] / self.runs


def tally(row: Row, seed: int, first: int, count: int) -> Tally:
    """Judges runs `first` to `first + count - 1` of a row."""
    limits = [row.process.limit(truth) for truth in TRUTHS]
    found = Tally()
    for values in _series(row, seed, first, count):
        found.runs += 1
        by_method = judged(values, limits, ALLOWED, CONFIDENCE)
        for method in METHODS:
            for truth, one in zip(TRUTHS, by_method[method], strict=True):
                found.said[method, truth, str(one.ruling)] += 1
                found.requests[method, truth] += one.requests
        for kind, ruling in _others(values, row.process):
            found.said[kind, ALLOWED, ruling] += 1
    return found


def _series(row: Row, seed: int, first: int, count: int) -> NDArray[np.float64]:
    if isinstance(row.process, EngineModel):
        return row.process.cut(first, count, row.n)
    return row.process.runs(np.random.default_rng([seed, first, row.n]), count, row.n)


def _others(values: NDArray[np.float64], process: Process) -> Iterator[tuple[str, str]]:
    """What is said of other objectives whose limit is the truth; any claim is false by a hair."""
    mean = mean_bounds(values, CONFIDENCE)
    tail = TailCorrelation.of(values, min(OTHERS.values()))
    yield "mean", _ruling(mean.low, mean.high, process.mean)
    for kind, allowed in OTHERS.items():
        over = int(np.count_nonzero(values > process.limit(allowed)))
        yield kind, _ruling(*bounds_of_count(over, len(values), tail, 1 - CONFIDENCE), allowed)


def _ruling(low: float, high: float, limit: float) -> str:
    if high <= limit:
        return "HOLDS"
    return "BROKEN" if low > limit else "None"
