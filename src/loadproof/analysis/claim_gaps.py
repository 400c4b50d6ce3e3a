"""What claims say of themselves, before anything is measured: contradictions and gaps."""

import math
from collections.abc import Iterator, Sequence
from itertools import combinations

from scipy.stats import norm

from loadproof.analysis import wording
from loadproof.model.claim import Claim, Relation
from loadproof.model.objective import Kind
from loadproof.stats import wilson

POWER = 0.8
"""How often a true difference is to be found, where a sample for it is reckoned."""
_EXAMPLE_N = 100
_SHARES = (Kind.QUALITY, Kind.RATE)


def contradictions(claims: Sequence[Claim]) -> list[str]:
    """Claims that cannot all be true, however their figures were rounded.

    A difference that is not that of the two values, and two statements about the same quantity of
    the same model that leave no value to both.
    """
    return [*_differences(claims), *_exclusions(claims)]


def gaps(claims: Sequence[Claim], confidence: float) -> list[str]:
    """What would have to be known to check the claims as they were made."""
    found = []
    if claims and all(claim.users is None for claim in claims):
        found.append(
            "no claim says at how many concurrent users it was measured: each is judged at each "
            "load level, and may be true at one and false at the next"
        )
    if claims and all(claim.answers is None for claim in claims):
        found.append(f"no claim says of how many answers it is{_sample_sizes(claims, confidence)}")
    bare = [claim for claim in claims if claim.needs_hardware and claim.gpu is None]
    if bare:
        found.append(
            f"{len(bare)} of the {sum(claim.needs_hardware for claim in claims)} claims about "
            "latency and memory do not say on which GPU: they are judged on whichever it was"
        )
    return found


def shown(claim: Claim, value: float) -> str:
    """A value of the quantity that the claim is about, all of its digits."""
    shares = (*_SHARES, Kind.GOODPUT)
    if claim.subject.kind in shares or claim.subject.metric == "kv_usage":
        return wording.share_limit(round(value, 9))
    match claim.subject.kind:
        case Kind.PERCENTILE | Kind.MEAN:
            return wording.milliseconds_limit(round(value, 6))
        case Kind.PEAK:
            return wording.size(value)
        case Kind.DROP:
            return wording.points_limit(round(value, 9))
        case Kind.THROUGHPUT | Kind.GOODPUT_RATE:
            return f"{value:,.10g}/s"
        case _:
            return f"{value:,.10g}"


def shown_difference(claim: Claim, value: float) -> str:
    """A difference of two values of that quantity."""
    if claim.subject.kind in (*_SHARES, Kind.GOODPUT):
        return wording.points_limit(round(value, 9))
    return f"−{shown(claim, -value)}" if value < 0 else shown(claim, value)


def _differences(claims: Sequence[Claim]) -> Iterator[str]:
    values = {
        (claim.model, claim.measure): claim
        for claim in claims
        if claim.relation is Relation.EQUAL and claim.against is None
    }
    for claim in claims:
        if claim.against is None or claim.relation is not Relation.EQUAL:
            continue
        one = values.get((claim.model, claim.measure))
        other = values.get((claim.against, claim.measure))
        if one is None or other is None:
            continue
        apart = one.value - other.value
        if abs(apart - claim.value) > one.rounding + other.rounding + claim.rounding + 1e-12:
            yield (
                f"{claim.measure} is claimed to be {shown_difference(claim, claim.value)} higher "
                f"for {claim.model} than for {claim.against}, but the claimed "
                f"{shown(one, one.value)} and {shown(other, other.value)} are "
                f"{shown_difference(claim, apart)} apart"
            )


def _exclusions(claims: Sequence[Claim]) -> Iterator[str]:
    for one, other in combinations(claims, 2):
        if (one.model, one.measure, one.against) != (other.model, other.measure, other.against):
            continue
        if not _agree_on_place(one, other):
            continue
        if _lowest(one) > _highest(other) + 1e-12 or _lowest(other) > _highest(one) + 1e-12:
            yield f"{one.text} and {other.text} cannot both be true of {one.model}"


def _agree_on_place(one: Claim, other: Claim) -> bool:
    """Whether both speak, or may speak, of the same load and GPU."""
    same_users = one.users == other.users or None in (one.users, other.users)
    return same_users and (one.gpu == other.gpu or None in (one.gpu, other.gpu))


def _lowest(claim: Claim) -> float:
    """The lowest value that the claim leaves, its margin not counted."""
    match claim.relation:
        case Relation.EQUAL:
            return claim.value - claim.rounding
        case Relation.ABOVE | Relation.AT_LEAST:
            return claim.value
        case _:
            return -math.inf


def _highest(claim: Claim) -> float:
    match claim.relation:
        case Relation.EQUAL:
            return claim.value + claim.rounding
        case Relation.BELOW | Relation.AT_MOST:
            return claim.value
        case _:
            return math.inf


def _sample_sizes(claims: Sequence[Claim], confidence: float) -> str:
    """How many answers it would take to tell the claimed shares of two models apart."""
    shares = [
        claim
        for claim in claims
        if claim.subject.kind in _SHARES
        and claim.relation is Relation.EQUAL
        and claim.against is None
    ]
    parts = [
        f"to tell {shown(one, one.value)} from {shown(other, other.value)} in {one.measure} takes "
        f"{wording.count(answers_to_tell_apart(one.value, other.value, confidence))} of each model"
        for one, other in combinations(shares, 2)
        if one.measure == other.measure and one.value != other.value
    ]
    if not shares:
        return ""
    example = shares[0]
    bounds = wilson.interval(example.value * _EXAMPLE_N, _EXAMPLE_N, confidence)
    of_few = (
        f"of {_EXAMPLE_N}, {shown(example, example.value)} would mean "
        f"{wording.share(bounds.low)} to {wording.share(bounds.high)}"
    )
    return f": {'; '.join([of_few, *parts])}"


def answers_to_tell_apart(one: float, other: float, confidence: float) -> int:
    """Answers of each of two models that tell shares of `one` and `other` apart, two-sided, in
    POWER of all cases.

    Source: Fleiss, Statistical Methods for Rates and Proportions (1981), section 3.2, by the
    normal approximation without continuity correction.
    """
    middle = (one + other) / 2
    alike = float(norm.ppf(1 - (1 - confidence) / 2)) * math.sqrt(2 * middle * (1 - middle))
    apart = float(norm.ppf(POWER)) * math.sqrt(one * (1 - one) + other * (1 - other))
    return math.ceil(((alike + apart) / (one - other)) ** 2)
