"""Which level a search visits next: a pure function of what the visits so far have said.

The whole answer, "holds up to H, broken from B", is to be wrong in at most 1 - confidence of
searches, though many levels are visited and those are chosen by what was seen. So two kinds of
visits are kept apart:

- A *glance* or a *probe* steers. It claims nothing, so it may be short and as wrong as it likes.
- A *claim* is a visit of its own, on requests of its own, to a level that was chosen before. It
  says HOLDS (all objectives hold), BROKEN (one is broken) or nothing.

At any level only one of HOLDS and BROKEN can be false. The k-th claim of a kind may be false with
probability alpha_k, fixed before the search began, and all of these together are no more than
1 - confidence: by Bonferroni's inequality all claims are true together at the confidence, whichever
levels they are about and in whatever order they came. Within a claim, HOLDS needs each objective to
hold at alpha_k: a false one needs a certain objective to be falsely held, so nothing is to be
divided (intersection-union test, Berger 1982). BROKEN needs any one of m to be broken, so
each is judged at alpha_k / m. Within a visit, bounds stay true under continual looking.

Monotonicity (more load is never better) makes two claims an answer for all levels: what holds at H
holds below it, what is broken at B is broken above. It is assumed, not shown; levels that
contradict it are named in the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from loadproof.analysis.capacity.belief import Belief, levels_between
from loadproof.analysis.capacity.steering import Leaning
from loadproof.model.search import Search
from loadproof.model.verdict import Ruling

SHARES = {"show holds": (0.35, 0.35), "show broken": (0.15, 0.1, 0.05)}
"""Of 1 - confidence, what each claim of a kind may spend in its turn. HOLDS takes many more
requests than BROKEN; the more it may spend the fewer these are."""
SURE = 0.8
"""How likely a claim has to be to succeed before it is tried."""
LIKELY = 0.5
FURTHER = 1.5
"""A claim that came to nothing is followed by one as much further away from the doubt."""
LITTLE = 0.3
"""Of the most that a visit may cost: claims as cheap as that are made again, closer by."""
MOST_PROBES = 5
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
    SHOW_HOLDS = "show holds"
    """A claim, at a level that is likely to hold."""
    SHOW_BROKEN = "show broken"
    """A claim, at a level that is likely to be broken."""

    @property
    def is_claim(self) -> bool:
        """Whether something may be said of the level with confidence afterwards."""
        return self in (Purpose.SHOW_HOLDS, Purpose.SHOW_BROKEN)


@dataclass(frozen=True, slots=True)
class Visit:
    """What a visit to a level has said: `leaning` by what was seen there, `ruling` what a claim
    came to. `invalid`: the generator was the bottleneck."""

    level: int
    purpose: Purpose
    requests: int
    leaning: Leaning
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
        claims = [visit for visit in visits if visit.purpose.is_claim]
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
    level, purpose = _choice(search, levels, visits)
    if level is None:
        return Finish("no further level can be settled within what a visit may cost")
    left = search.requests - _spent(visits)
    return Move(
        level=level,
        purpose=purpose,
        requests=min(_requests(search, level, purpose), left),
        duration_s=_duration_s(search, purpose, search.duration - elapsed_s),
        confidence=1 - (1 - confidence) * (_share(visits, purpose) or 1),
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
    search: Search, levels: tuple[int, ...], visits: Sequence[Visit]
) -> tuple[int | None, Purpose]:
    seen = [visit for visit in visits if not visit.invalid]
    climbed = max((visit.level for visit in seen), default=None)
    if climbed is None:
        return levels[0], Purpose.GLANCE
    if climbed < levels[-1] and all(visit.leaning.holds >= LIKELY for visit in seen):
        return _nearest(levels, 2 * climbed), Purpose.GLANCE
    within = Belief.of(levels, ((visit.level, visit.leaning.clearly_holds) for visit in seen))
    up_to = Belief.of(levels, ((visit.level, 1 - visit.leaning.clearly_broken) for visit in seen))
    claims = [visit for visit in visits if visit.purpose.is_claim]
    probes = sum(visit.purpose is Purpose.PROBE for visit in visits)
    if not claims and probes < MOST_PROBES:
        widest = max((within, up_to), key=lambda belief: belief.width(SURE))
        if widest.width(SURE) > max(1 + search.resolution, 1 + 1.5 / widest.median()):
            return widest.median(), Purpose.PROBE
    return _claim(search, levels, claims, within, up_to)


def _claim(
    search: Search,
    levels: tuple[int, ...],
    claims: Sequence[Visit],
    within: Belief,
    up_to: Belief,
) -> tuple[int | None, Purpose]:
    """The next claim, at no level twice: the broken side first, which takes few requests to settle.
    Levels are those that are likely to be far enough from the doubt.

    When both sides have one, a side is narrowed as long as its claims cost little."""
    bracket = Bracket.of(claims)
    inside = [
        level
        for level in levels
        if all(visit.level != level for visit in claims)
        and (bracket.holds is None or level > bracket.holds)
        and (bracket.broken is None or level < bracket.broken)
    ]
    broken = [level for level in inside if 1 - up_to.holds(level) >= SURE]
    holding = [level for level in reversed(inside) if within.holds(level) >= SURE]
    nothing = [visit for visit in claims if visit.ruling is Ruling.INCONCLUSIVE]
    if bracket.broken is None and _share(claims, Purpose.SHOW_BROKEN):
        beyond = max(
            (FURTHER * v.level for v in nothing if v.purpose is Purpose.SHOW_BROKEN), default=0
        )
        further = [level for level in broken if level >= beyond]
        return next(iter(further or inside[-1:]), None), Purpose.SHOW_BROKEN
    if bracket.holds is None and _share(claims, Purpose.SHOW_HOLDS):
        below = min(
            (v.level / FURTHER for v in nothing if v.purpose is Purpose.SHOW_HOLDS),
            default=levels[-1],
        )
        further = [level for level in holding if level <= below]
        return next(iter(further or inside[:1]), None), Purpose.SHOW_HOLDS
    if broken and _is_cheap(claims, Purpose.SHOW_BROKEN, Ruling.BROKEN, search):
        return broken[0], Purpose.SHOW_BROKEN
    if holding and _is_cheap(claims, Purpose.SHOW_HOLDS, Ruling.HOLDS, search):
        return holding[0], Purpose.SHOW_HOLDS
    return None, Purpose.SHOW_HOLDS


def _is_cheap(claims: Sequence[Visit], purpose: Purpose, ruling: Ruling, search: Search) -> bool:
    """Whether the last claim that came to `ruling` cost little, and another may be made."""
    made = [visit.requests for visit in claims if visit.ruling is ruling]
    few = bool(made) and made[-1] <= LITTLE * search.level_requests
    return few and _share(claims, purpose) > 0


def _nearest(levels: tuple[int, ...], wanted: int) -> int:
    return min(levels, key=lambda level: abs(level - wanted))


def _requests(search: Search, level: int, purpose: Purpose) -> int:
    if purpose.is_claim:
        return search.level_requests
    fewest = GLANCE_REQUESTS if purpose is Purpose.GLANCE else PROBE_REQUESTS
    return min(max(fewest, ROUNDS * level), search.level_requests)


def _duration_s(search: Search, purpose: Purpose, left_s: float) -> float:
    longest_s = search.level_duration
    if purpose is Purpose.GLANCE:
        longest_s = min(longest_s, GLANCE_S)
    return min(longest_s, left_s)


def _share(visits: Sequence[Visit], purpose: Purpose) -> float:
    """What the next claim of this kind may spend; 0 when none is left, and for what is no claim."""
    made = sum(visit.purpose is purpose for visit in visits)
    shares = SHARES.get(purpose, ())
    return shares[made] if made < len(shares) else 0.0
