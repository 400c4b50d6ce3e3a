"""How gaps between tokens cluster: those of one request, and of requests in flight together."""

from dataclasses import dataclass
from typing import Self

import numpy as np

from loadproof.analysis.samples import LevelSamples
from loadproof.recording import hdr
from loadproof.stats.correlation import correlation_requests
from loadproof.stats.percentiles import FloatArray
from loadproof.stats.tail_correlation import SHARES, TailCorrelation, Threshold


@dataclass(frozen=True, slots=True)
class RequestGaps:
    """Of each completed request in order of start (n,): how many gaps it has, and in milliseconds
    their mean, median, 99th percentile and maximum, which is all that is recorded of them."""

    number: FloatArray
    mean_ms: FloatArray
    p50_ms: FloatArray
    p99_ms: FloatArray
    max_ms: FloatArray

    @classmethod
    def of(cls, level: LevelSamples, task: str | None) -> Self | None:
        """None where no request has gaps."""
        rows = [
            (r.output_tokens - 1, r.tpot_ms, r.itl_p50_ms, r.itl_p99_ms, r.itl_max_ms)
            for r in level.completed(task)
            if r.output_tokens is not None
            and r.output_tokens > 1
            and None not in (r.tpot_ms, r.itl_p50_ms, r.itl_p99_ms, r.itl_max_ms)
        ]
        return cls(*np.array(rows, dtype=np.float64).T) if rows else None

    def means_ms(self) -> FloatArray:
        """A series by request whose mean is that of all gaps, and varies as that does: a request
        counts by the number of its gaps (the linear form of a ratio estimate)."""
        mean_ms = float((self.mean_ms * self.number).sum() / self.number.sum())
        by_request = mean_ms + (self.mean_ms - mean_ms) * self.number / self.number.mean()
        return np.asarray(by_request, dtype=np.float64)

    def shares_over(self, limit_ms: float) -> FloatArray:
        """Which share of each request's gaps is over a limit, about: between what is recorded of
        them it is taken to fall evenly, and to be all of them from the median on."""
        one = 1 / self.number
        between = np.select(
            [limit_ms >= self.max_ms, limit_ms >= self.p99_ms, limit_ms >= self.p50_ms],
            [
                np.zeros_like(one),
                np.maximum(one, 0.01 * _part(limit_ms, self.max_ms, self.p99_ms)),
                np.maximum(one, 0.01 + 0.49 * _part(limit_ms, self.p99_ms, self.p50_ms)),
            ],
            1.0,
        )
        return np.asarray(np.minimum(between, 1.0), dtype=np.float64)


def gap_tail(level: LevelSamples, task: str | None, least_share: float) -> TailCorrelation:
    """The correlation of gaps at thresholds down to about `least_share` of them.

    At each it is how many times more the share over varies than for independent gaps: by request,
    with what neighbouring requests share, which the same slow step of the server holds up.
    """
    requests, gaps = RequestGaps.of(level, task), level.gaps(task)
    found: list[Threshold] = []
    if requests is None or len(requests.number) < 2:
        return TailCorrelation(())
    total = float(requests.number.sum())
    for share in SHARES:
        limit_us = hdr.percentile(gaps, 1 - share)
        if limit_us is None or (found and share < least_share):
            break
        over = requests.shares_over(limit_us / 1e3) * requests.number
        actual = float(over.sum()) / total
        if not 0 < actual < 1 or (found and actual >= found[-1].share):
            continue
        varies = over - actual * requests.number
        independent = actual * (1 - actual) * total
        by_request = len(varies) * float(varies.var()) * correlation_requests(varies)
        correlation = max(by_request / independent, 1.0)
        found.append(Threshold(actual, correlation, total * actual / correlation))
    return TailCorrelation(tuple(found))


def _part(limit_ms: float, high_ms: FloatArray, low_ms: FloatArray) -> FloatArray:
    """How far below `high_ms` the limit is, as a part of the way to `low_ms`."""
    part: FloatArray = (high_ms - limit_ms) / np.maximum(high_ms - low_ms, 1e-9)
    return np.clip(part, 0.0, 1.0)
