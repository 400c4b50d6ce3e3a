"""Which level a search visits next: a pure function of what the visits so far have said.

The whole answer, "holds up to H, broken from B", is to be wrong in at most 1 - confidence of
searches, though many levels are visited and those are chosen by what was seen. So two kinds of
visits are kept apart:

- A *glance* or a *probe* steers. It claims nothing, so it may be short and as wrong as it likes.
- A *claim* is a visit of its own, on requests of its own, to a level that was chosen before. It
  says HOLDS (all objectives hold), BROKEN (one is broken) or nothing.

At any level only one of HOLDS and BROKEN can be false. The k-th claim may be false with probability
alpha_k, fixed before the search began, and sum(alpha_k) <= 1 - confidence: by Bonferroni's
inequality all claims are true together at the confidence, whichever levels they are about and in
whatever order they came. Within a claim, HOLDS needs each objective to hold at alpha_k: a false one
needs a certain objective to be falsely held, so nothing is to be divided (intersection-union test,
Berger 1982). BROKEN needs any one of m objectives to be broken, so each is judged at alpha_k / m.
That looks may be many within a visit is seen to by bounds that stay true under continual looking.

Monotonicity (more load is never better) makes two claims an answer for all levels: what holds at H
holds below it, what is broken at B is broken above. It is assumed, not shown; levels that
contradict it are named in the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadproof.analysis.capacity.belief import Belief, levels_between
from loadproof.model.search import Search
from loadproof.model.verdict import Ruling

SHARES = (0.3, 0.3, 0.12, 0.12, 0.06, 0.06, 0.02, 0.02)
"""Of 1 - confidence, what each claim in its turn may spend: two are needed, more is repair."""
SURE = 0.9
"""How likely a level has to be to hold, or to be broken, before a claim is tried there."""
MOST_PROBES = 12
GLANCE_REQUESTS = 10
PROBE_REQUESTS = 100
ROUNDS = 3
"""Each user sends a few requests at least: those of one round come in the same burst."""
GLANCE_S = 30.0


class Purpose(StrEnum):
    """What a visit is to find out."""

    GLANCE = "glance"
    """Whether the level is obviously broken, on the way up."""
    PROBE = "probe"
    """On which side of the capacity the level is likely to be."""
    CLAIM = "claim"
    """What may be said of the level with confidence."""


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visit to a level has said: `chance` is the probability that the level holds by what
    was seen there, `ruling` what a claim came to. `invalid`: the generator was the bottleneck."""

    level: int
    purpose: Purpose
    requests: int
    chance: float
    ruling: Ruling = Ruling.INCONCLUSIVE
    invalid: bool = False


@dataclass(frozen=True, slots=True)
class Move:
    """The next visit; what it may cost at most, and a claim's own confidence."""

    level: int
    purpose: Purpose
    requests: int
    duration_s: float
    confidence: float


@dataclass(frozen=True, slots=True)
class Finish:
    """The search ends here, and why."""

    why: str


@dataclass(frozen=True, slots=True)
class Bracket:
    """The highest level that was claimed to hold and the lowest that was claimed broken."""

    holds: int | None
    broken: int | None

    @classmethod
    def of(cls, visits: Sequence[Visit]) -> "Bracket":
        """By the claims among `visits`."""
        claims = [visit for visit in visits if visit.purpose is Purpose.CLAIM]
        holding = [visit.level for visit in claims if visit.ruling is Ruling.HOLDS]
        broken = [visit.level for visit in claims if visit.ruling is Ruling.BROKEN]
        return cls(max(holding, default=None), min(broken, default=None))

    def is_narrow(self, resolution: float) -> bool:
        """Whether nothing, or no more than `resolution`, lies between the two."""
        if self.holds is None or self.broken is None:
            return False
        return self.broken <= max(self.holds + 1, self.holds * (1 + resolution))


def next_move(
    search: Search, confidence: float, visits: Sequence[Visit], elapsed_s: float
) -> Move | Finish:
    """What follows after `visits`, which took `elapsed_s` all together."""
    levels = _levels(search, visits)
    why = _why_finished(search, levels, visits, elapsed_s)
    if why is not None:
        return Finish(why)
    level, purpose = _choice(search, levels, visits, Bracket.of(visits))
    if level is None:
        return Finish("no further level can be settled within what a visit may cost")
    left = search.requests - _spent(visits)
    return Move(
        level=level,
        purpose=purpose,
        requests=min(_requests(search, level, purpose), left),
        duration_s=_duration_s(search, purpose, search.duration - elapsed_s),
        confidence=1 - (1 - confidence) * _share(visits),
    )


def _levels(search: Search, visits: Sequence[Visit]) -> tuple[int, ...]:
    """Those below the lowest at which the generator was the bottleneck."""
    ceiling = min((visit.level for visit in visits if visit.invalid), default=None)
    lowest, highest = search.users
    levels = levels_between(lowest, highest, search.resolution)
    return tuple(level for level in levels if ceiling is None or level < ceiling)


def _spent(visits: Sequence[Visit]) -> int:
    return sum(visit.requests for visit in visits)


def _why_finished(
    search: Search, levels: tuple[int, ...], visits: Sequence[Visit], elapsed_s: float
) -> str | None:
    bracket = Bracket.of(visits)
    why = None
    if not levels:
        why = "the load generator is the bottleneck at the lowest level already"
    elif bracket.is_narrow(search.resolution):
        why = "the interval is as narrow as was asked for"
    elif bracket.broken == levels[0]:
        why = "the lowest level is broken"
    elif bracket.holds == levels[-1]:
        why = _all_hold(search, levels)
    elif _spent(visits) >= search.requests:
        why = f"its budget of {search.requests:,} requests is used up"
    elif elapsed_s >= search.duration:
        why = "its time is up"
    return why


def _all_hold(search: Search, levels: tuple[int, ...]) -> str:
    if levels[-1] == search.users[1]:
        return "the highest level holds"
    return "above this the load generator is the bottleneck"


def _choice(
    search: Search, levels: tuple[int, ...], visits: Sequence[Visit], bracket: Bracket
) -> tuple[int | None, Purpose]:
    seen = [visit for visit in visits if not visit.invalid]
    climbed = max((visit.level for visit in seen), default=None)
    if climbed is None:
        return levels[0], Purpose.GLANCE
    if climbed < levels[-1] and all(visit.chance >= 0.5 for visit in seen):
        return _nearest(levels, 2 * climbed), Purpose.GLANCE
    belief = Belief.of(levels, ((visit.level, visit.chance) for visit in seen))
    probes = sum(visit.purpose is Purpose.PROBE for visit in visits)
    holding, broken = belief.highest_holding(SURE), belief.lowest_broken(SURE)
    open_from = levels[0] if holding is None else holding
    open_to = levels[-1] if broken is None else broken
    claims = sum(visit.purpose is Purpose.CLAIM for visit in visits)
    wide = open_to > max(open_from + 1, open_from * (1 + search.resolution))
    if wide and probes < MOST_PROBES and claims == 0:
        return belief.median(), Purpose.PROBE
    if claims >= len(SHARES):
        return None, Purpose.CLAIM
    return _claim(levels, seen, bracket, belief), Purpose.CLAIM


def _claim(
    levels: tuple[int, ...], seen: Sequence[Visit], bracket: Bracket, belief: Belief
) -> int | None:
    """The level for the next claim, no level twice: the broken side first, which takes few
    requests to settle, then the other, then levels within the bracket."""
    claims = {visit.level: visit.ruling for visit in seen if visit.purpose is Purpose.CLAIM}
    inside = [
        level
        for level in levels
        if level not in claims
        and (bracket.holds is None or level > bracket.holds)
        and (bracket.broken is None or level < bracket.broken)
    ]
    above = [level for level in inside if 1 - belief.holds(level) >= SURE]
    below = [level for level in reversed(inside) if belief.holds(level) >= SURE]
    nothing = [level for level, ruling in claims.items() if ruling is Ruling.INCONCLUSIVE]
    median = belief.median()
    if bracket.broken is None:
        further = [level for level in above if level > max(nothing, default=0)]
        skipped = sum(level >= median for level in nothing)
        return _further(further, skipped) or (None if levels[-1] in claims else levels[-1])
    if bracket.holds is None:
        further = [level for level in below if level < min(nothing, default=levels[-1])]
        skipped = sum(level <= median for level in nothing)
        return _further(further, skipped) or (None if levels[0] in claims else levels[0])
    return next(iter(above), None) or next(iter(below), None)


def _further(levels: Sequence[int], skipped: int) -> int | None:
    """The first of `levels`, which are in the order of their distance from the doubt; the further
    away the more claims on this side have come to nothing."""
    return levels[min(skipped, len(levels) - 1)] if levels else None


def _nearest(levels: tuple[int, ...], wanted: int) -> int:
    return min(levels, key=lambda level: abs(level - wanted))


def _requests(search: Search, level: int, purpose: Purpose) -> int:
    if purpose is Purpose.CLAIM:
        return search.level_requests
    fewest = GLANCE_REQUESTS if purpose is Purpose.GLANCE else PROBE_REQUESTS
    return min(max(fewest, ROUNDS * level), search.level_requests)


def _duration_s(search: Search, purpose: Purpose, left_s: float) -> float:
    longest_s = search.level_duration
    if purpose is Purpose.GLANCE:
        longest_s = min(longest_s, GLANCE_S)
    return min(longest_s, left_s)


def _share(visits: Sequence[Visit]) -> float:
    claims = sum(visit.purpose is Purpose.CLAIM for visit in visits)
    return SHARES[min(claims, len(SHARES) - 1)]
