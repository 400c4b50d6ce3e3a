"""Claims of a difference between two models: a run of each, at the same number of users."""

from collections.abc import Iterator, Sequence

from loadproof.analysis.claim_gaps import shown_difference
from loadproof.analysis.claim_tests import BOUNDED, Witness, untestable
from loadproof.model.claim import Claim
from loadproof.model.standing import ClaimTest, Standing
from loadproof.model.verdict import Judgement, Ruling
from loadproof.stats.interval import Interval, difference


def difference_tests(claim: Claim, witnesses: Sequence[Witness]) -> list[ClaimTest]:
    """What pairs of runs say, level by level, or why none says anything."""
    assert claim.against is not None, "a difference is from another model"
    ours = [seen for seen in witnesses if seen.serves(claim.model)]
    theirs = [seen for seen in witnesses if seen.serves(claim.against)]
    missing = claim.model if not ours else claim.against if not theirs else None
    if missing is not None:
        return [_untested("", f"no run of {missing}")]
    if claim.subject.kind not in BOUNDED:
        return [_untested("", "differences of percentiles and peaks are not judged")]
    found = [test for one in ours for other in theirs for test in _pair(claim, one, other)]
    return found or [_untested("", "the runs have no number of users in common")]


def _pair(claim: Claim, one: Witness, other: Witness) -> Iterator[ClaimTest]:
    name = f"{one.run} − {other.run}"
    reason = untestable(claim, one) or untestable(claim, other)
    if reason is not None:
        yield _untested(name, reason)
        return
    others = {judgement.users: judgement for judgement in _judged(claim, other)}
    for judgement in _judged(claim, one):
        against = others.get(judgement.users)
        if against is not None and claim.users in (None, judgement.users):
            yield _test(claim, name, judgement, against)


def _judged(claim: Claim, seen: Witness) -> list[Judgement]:
    """Its quantity at each level, whatever limit it was judged by."""
    return seen.judged.get(str(claim.subject), [])


def _test(claim: Claim, name: str, one: Judgement, other: Judgement) -> ClaimTest:
    both = (one, other)
    for judgement in both:
        if judgement.n == 0 or judgement.ruling is Ruling.INVALID:
            return _untested(name, judgement.reason, one)
    (a, of_a), (b, of_b) = _measured(one), _measured(other)
    bounds = difference((a, of_a), (b, of_b))
    low, high = claim.range
    standing = Standing.INCONCLUSIVE
    if (low is None or bounds.low >= low) and (high is None or bounds.high <= high):
        standing = Standing.REPRODUCED
    elif (low is not None and bounds.high < low) or (high is not None and bounds.low > high):
        standing = Standing.REFUTED
    texts = [shown_difference(claim, round(value, 3)) for value in (a - b, bounds.low, bounds.high)]
    return ClaimTest(
        run=name,
        step=one.step,
        users=one.users,
        standing=standing,
        measured=f"{texts[0]}, {texts[1]} to {texts[2]}",
        n=min(one.n, other.n),
        observed=a - b,
        low=bounds.low,
        high=bounds.high,
    )


def _measured(judgement: Judgement) -> tuple[float, Interval]:
    values = (judgement.estimate, judgement.low, judgement.high)
    estimate, low, high = (value if value is not None else float("nan") for value in values)
    return estimate, Interval(low, high)


def _untested(name: str, reason: str, judgement: Judgement | None = None) -> ClaimTest:
    step = None if judgement is None else judgement.step
    users = None if judgement is None else judgement.users
    return ClaimTest(name, step, users, Standing.NOT_TESTED, reason)
