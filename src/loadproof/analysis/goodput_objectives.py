"""Judging goodput: which of the requests that were sent completed and met every bound."""

import numpy as np

from loadproof.analysis import wording
from loadproof.analysis.finding import (
    Finding,
    bound_text,
    more_requests,
    more_text,
    ruling_at_least,
)
from loadproof.analysis.latency_objectives import nothing_measured
from loadproof.analysis.samples import LevelSamples, latency_ms
from loadproof.model.objective import Bound, Objective
from loadproof.model.record import Outcome, RequestRecord
from loadproof.model.verdict import Ruling
from loadproof.stats.interval import Interval
from loadproof.stats.series import share_bounds
from loadproof.stats.settling import requests_to_settle


def judge_goodput(objective: Objective, level: LevelSamples, confidence: float) -> Finding:
    """`goodput(ttft <= 200ms and …) >= limit`, as a share of all requests that were sent.

    A failed or cut-off request misses. By the one-sided bounds of the share of misses, which come
    in bunches (see `stats.series`).
    """
    missed = [not is_good(record, objective.bounds) for record in level.sent(objective.task)]
    n = len(missed)
    if n == 0:
        return nothing_measured(objective, level)
    misses = share_bounds(np.array(missed, dtype=np.float64), 0.5, confidence, plan=level.plan)
    good = n - misses.over
    share = good / n
    bounds = Interval(1 - misses.high, 1 - misses.low)
    ruling = ruling_at_least(bounds, objective.limit)
    more = None
    low, high = wording.share(bounds.low), wording.share(bounds.high)
    reason = (
        f"{wording.count(good)} of {wording.requests(n)} ({wording.share(share)}) "
        f"completed and met every bound, {bound_text(ruling, low, high, confidence, at_most=False)}"
        f", and the objective asks for {wording.share_limit(objective.limit)}"
    )
    if ruling is Ruling.INCONCLUSIVE:
        allowed = round(1 - objective.limit, 12)
        per_request = misses.correlation_requests
        needed = requests_to_settle(misses.over / n, allowed, confidence, per_request)
        more = more_requests(needed, n, len(level.sent()))
        reason += f"; {more_text(more)}"
    return Finding(ruling, reason, n, share, share, bounds.low, bounds.high, more)


def is_good(record: RequestRecord, bounds: tuple[Bound, ...]) -> bool:
    """Whether a request completed and met every bound. It meets none that it has no value of,
    but one of the gaps between tokens and of the time per token where it bore a single event."""
    return record.outcome is Outcome.COMPLETED and all(_meets(record, bound) for bound in bounds)


def _meets(record: RequestRecord, bound: Bound) -> bool:
    value_ms = record.itl_max_ms if bound.metric == "itl" else latency_ms(record, bound.metric)
    if value_ms is None:
        return bound.metric in ("itl", "tpot") and record.ttft_ms is not None
    return value_ms <= bound.limit_ms
