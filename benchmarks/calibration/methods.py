"""The ways of judging a percentile that the table compares, each on one simulated run."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.stats import rankdata

from loadproof.stats import binomial
from loadproof.stats.looking import Plan
from loadproof.stats.series import probability_of_few, probability_of_many
from loadproof.stats.tail_correlation import TailCorrelation

FloatArray = NDArray[np.float64]
Ruling = Literal["HOLDS", "BROKEN", None]

METHODS = ("point", "binomial", "ranks", "loadproof", "looking")


@dataclass(frozen=True, slots=True)
class Judged:
    """What one method said of one run, and how many of its requests it needed."""

    ruling: Ruling
    requests: int


def judged(
    values: FloatArray, limits: Sequence[float], allowed: float, confidence: float
) -> dict[str, list[Judged]]:
    """What each method says of a run, against each of several limits."""
    n = len(values)
    over = [int(np.count_nonzero(values > limit)) for limit in limits]
    weight = rank_correlation(values)
    tail = TailCorrelation.of(values, allowed)
    miss = 1 - confidence
    return {
        "point": [Judged("HOLDS" if hits <= allowed * n else "BROKEN", n) for hits in over],
        "binomial": [Judged(_by_binomial(hits, n, allowed, confidence), n) for hits in over],
        "ranks": [
            Judged(_by_binomial(hits / weight, n / weight, allowed, confidence), n) for hits in over
        ],
        "loadproof": [Judged(_by_series(hits, n, tail, allowed, miss), n) for hits in over],
        "looking": looked_at(values, limits, allowed, confidence),
    }


def looked_at(
    values: FloatArray, limits: Sequence[float], allowed: float, confidence: float
) -> list[Judged]:
    """Loadproof's own judgement after every request, until it is settled or the run is over."""
    found = [Judged(None, len(values)) for _ in limits]
    for look in Plan(len(values)).looks_at(confidence):
        open_ones = [index for index, one in enumerate(found) if one.ruling is None]
        if not open_ones:
            break
        seen = values[: look.requests]
        tail = TailCorrelation.of(seen, allowed)
        for index in open_ones:
            hits = int(np.count_nonzero(seen > limits[index]))
            ruling = _by_series(hits, look.requests, tail, allowed, look.miss)
            if ruling is not None:
                found[index] = Judged(ruling, look.requests)
    return found


def _by_series(hits: int, n: int, tail: TailCorrelation, allowed: float, miss: float) -> Ruling:
    """As `share_bounds` would: its upper bound is at most `allowed`, or its lower one above.

    The bounds are where these probabilities cross `miss`; asking at `allowed` alone is faster.
    """
    shares = np.array([allowed])
    if probability_of_few(hits, n, tail, shares, miss)[0] <= miss:
        return "HOLDS"
    return "BROKEN" if probability_of_many(hits, n, tail, shares, miss)[0] <= miss else None


def _by_binomial(hits: float, n: float, allowed: float, confidence: float) -> Ruling:
    bounds = binomial.interval(min(hits, n), n, confidence, sides=1)
    if bounds.high <= allowed:
        return "HOLDS"
    return "BROKEN" if bounds.low > allowed else None


def rank_correlation(values: FloatArray) -> float:
    """1 + 2 * the sum of the autocorrelations of the ranks (Geyer's initial monotone sequence)."""
    ranks = rankdata(values)
    n = len(ranks)
    padded = next_fast_len(2 * n, real=True)
    spectrum = rfft(ranks - ranks.mean(), padded)
    covariances = irfft(spectrum.real**2 + spectrum.imag**2, padded)[:n]
    pairs = covariances[: n // 2 * 2 : 2] + covariances[1 : n // 2 * 2 : 2]
    negative = np.flatnonzero(pairs <= 0)
    kept = np.minimum.accumulate(pairs[: negative[0]] if len(negative) else pairs)
    return max(float(2 * kept.sum() / covariances[0] - 1), 1.0)
