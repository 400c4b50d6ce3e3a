"""When a growing level is looked at, and when what was seen ends it. Pure: time is given."""

import math
from collections.abc import Sequence

from loadproof.model.objective import Kind
from loadproof.model.verdict import Judgement, Ruling

RATIO = 1.2
"""Requests between two looks grow by this, so that all looks together cost a few times the last."""
AT_MOST_EVERY_S = 1.0
FEWEST_REQUESTS = 20
RESOURCE_AFTER_S = 10.0
"""Memory, gauges and counters are no samples of a distribution: no number of them settles HOLDS.
It counts after this time of measuring, when all other objectives are settled; BROKEN does at once.
"""
PLAN_AFTER_S = 1.0
PLAN_MARGIN = 1.1
"""Planned requests over those to be expected: what comes after the last planned one counts not."""

_RESOURCES = (str(Kind.PEAK), str(Kind.GAUGE), str(Kind.COUNTER))


class Looks:
    """At which numbers of requests and moments one level is looked at."""

    def __init__(self) -> None:
        self._next_requests = FEWEST_REQUESTS
        self._next_s = -math.inf

    def is_due(self, requests: int, now_s: float) -> bool:
        """Whether to look now that so many requests have ended; if so, the look counts as made."""
        if requests < self._next_requests or now_s < self._next_s:
            return False
        self._next_requests = math.ceil(requests * RATIO)
        self._next_s = now_s + AT_MOST_EVERY_S
        return True


def planned_requests(
    requests: int | None, duration_s: float | None, ended: int, elapsed_s: float
) -> int | None:
    """For how many requests the looks at a step are planned: those that it is to start, or as
    many as its duration will see at the pace of the `ended` ones; None while that is unknown."""
    if duration_s is None:
        return requests
    if ended < FEWEST_REQUESTS or elapsed_s < PLAN_AFTER_S:
        return None
    expected = math.ceil(PLAN_MARGIN * duration_s * ended / elapsed_s)
    return expected if requests is None else min(expected, requests)


def why_settled(judgements: Sequence[Judgement], elapsed_s: float) -> str | None:
    """Why a level has said all that was asked of it; None while it has not.

    It has when each objective holds or is broken. Without objectives it never has.
    """
    if not judgements:
        return None
    for judgement in judgements:
        is_resource = judgement.kind in _RESOURCES
        if judgement.ruling not in (Ruling.HOLDS, Ruling.BROKEN):
            return None
        if is_resource and judgement.ruling is Ruling.HOLDS and elapsed_s < RESOURCE_AFTER_S:
            return None
    number = len(judgements)
    return "its objective was settled" if number == 1 else f"all {number} objectives were settled"
