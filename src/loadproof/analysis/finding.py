"""What judging one quantity found, and how a bound around an estimate becomes a ruling."""

import math
from dataclasses import dataclass

from loadproof.analysis import wording
from loadproof.model.verdict import Ruling
from loadproof.stats.interval import Interval


@dataclass(frozen=True, slots=True)
class Finding:
    """A ruling on one objective at one level with its evidence; the fields as in Judgement."""

    ruling: Ruling
    reason: str
    n: int
    observed: float | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    more_requests: int | None = None


def ruling_at_most(bounds: Interval, limit: float) -> Ruling:
    """For a quantity that has to stay at or below `limit`, from its one-sided bounds."""
    if bounds.high <= limit:
        return Ruling.HOLDS
    return Ruling.BROKEN if bounds.low > limit else Ruling.INCONCLUSIVE


def ruling_at_least(bounds: Interval, limit: float) -> Ruling:
    """For a quantity that has to reach `limit`, from its one-sided bounds."""
    if bounds.low >= limit:
        return Ruling.HOLDS
    return Ruling.BROKEN if bounds.high < limit else Ruling.INCONCLUSIVE


def bound_text(ruling: Ruling, low: str, high: str, confidence: float, *, at_most: bool) -> str:
    """The bound that decided, in words; both where none did."""
    sure = f"at {wording.share_limit(confidence)} confidence"
    if ruling is Ruling.INCONCLUSIVE:
        return f"between {low} and {high} {sure} each way"
    upper_decided = (ruling is Ruling.HOLDS) == at_most
    return f"at most {high} {sure}" if upper_decided else f"at least {low} {sure}"


def more_requests(needed: int | None, n: int, sent: int) -> int | None:
    """Requests to send on top, of all tasks, until `needed` samples are there.

    `n` samples came of `sent` requests so far; further ones are taken to come at the same rate.
    """
    if needed is None or n == 0:
        return None
    return max(math.ceil((needed - n) * sent / n), 1)


def more_text(more: int | None) -> str:
    """The end of an inconclusive reason: what would settle it."""
    if more is None:
        return "no number of requests would be expected to settle it, at what was observed"
    return (
        f"about {wording.count(more)} more request{'' if more == 1 else 's'} at this level "
        "would be expected to settle it"
    )


def weight_text(n: int, correlation: float, unit: str) -> str:
    """What correlation does to a number of samples, where it does something; else nothing."""
    if correlation < 1.15 or n < 2:
        return ""
    return (
        f"; {unit} near each other are alike: these weigh as much as "
        f"{wording.count(max(n / correlation, 1))} independent ones"
    )
