"""The two searches that are compared, on a server in virtual time."""

from dataclasses import dataclass

from benchmarks.capacity.shapes import WARMUP_ROUNDS, Shape, records_of
from loadproof.analysis.capacity.belief import levels_between
from loadproof.analysis.capacity.policy import Bracket, Finish, Move, Visit, next_move
from loadproof.analysis.capacity.visit import Says, may_end, says
from loadproof.analysis.judge import judge_level
from loadproof.analysis.referee.looks import FEWEST_REQUESTS, RATIO
from loadproof.analysis.samples import LevelSamples
from loadproof.model.objective import Objective
from loadproof.model.record import RequestRecord
from loadproof.model.scenario import Scenario
from loadproof.model.verdict import Judgement
from loadproof.stats.looking import Plan

FIXED_REQUESTS = 1_000
_SOON = 700
"""Most visits end before that: the rest is simulated where it is needed."""


@dataclass(frozen=True, slots=True)
class Found:
    """What a search came to, and what it cost: requests that were measured, and of the warm-up."""

    holds: int | None
    broken: int | None
    requests: int
    warmup: int
    levels: int
    why: str


def ours(shape: Shape, scenario: Scenario, seed: int) -> Found:
    """`loadproof capacity`, by its own policy and judging."""
    search = scenario.search
    assert search is not None, "the scenario has no steps"
    visits: list[Visit] = []
    warmup = 0
    while True:
        move = next_move(search, scenario.confidence, visits, elapsed_s=0.0)
        if isinstance(move, Finish):
            bracket = Bracket.of(visits)
            requests = sum(visit.requests for visit in visits)
            return Found(bracket.holds, bracket.broken, requests, warmup, len(visits), move.why)
        said = _visited(shape, scenario, move, seed * 1_000 + len(visits))
        warmup += WARMUP_ROUNDS * move.level
        visits.append(Visit(move.level, move.purpose, said.n, said.leaning, said.ruling))


def fixed(shape: Shape, scenario: Scenario, seed: int) -> Found:
    """Doubling, then bisection, 1,000 requests a level, each level judged by what was observed."""
    search = scenario.search
    assert search is not None, "the scenario has no steps"
    levels = levels_between(*search.users, search.resolution)
    requests = warmup = visits = 0
    highest: int | None = None
    broken: int | None = None

    def holds(level: int) -> bool:
        nonlocal requests, warmup, visits
        records = records_of(shape, level, FIXED_REQUESTS, seed * 1_000 + visits)
        requests += len(records)
        warmup += WARMUP_ROUNDS * level
        visits += 1
        objectives = scenario.parsed_objectives()
        _, judged = judge_level(_samples(level, records, None), None, objectives, scenario, None)
        return all(map(_is_within, objectives, judged))

    level = levels[0]
    while True:
        if not holds(level):
            broken = level
            break
        highest = level
        if level == levels[-1]:
            break
        level = min(levels, key=lambda other: abs(other - 2 * level))
    while highest is not None and broken is not None:
        if Bracket(highest, broken).is_narrow(search.resolution):
            break
        middle = levels[(levels.index(highest) + levels.index(broken)) // 2]
        if holds(middle):
            highest = middle
        else:
            broken = middle
    return Found(highest, broken, requests, warmup, visits, "")


def _is_within(objective: Objective, judgement: Judgement) -> bool:
    """Whether what was observed is within the limit, as tools say that do not count chance in."""
    assert judgement.estimate is not None, "it was measured"
    if objective.quantile is not None:
        return judgement.estimate <= round(1 - objective.quantile, 12)
    return judgement.estimate <= objective.limit


def _visited(shape: Shape, scenario: Scenario, move: Move, seed: int) -> Says:
    """A visit, looked at as the referee would, until it may end."""
    objectives = scenario.parsed_objectives()
    confidence = move.confidence if move.purpose.is_claim else None
    records = records_of(shape, move.level, min(move.requests, _SOON), seed)
    n = min(FEWEST_REQUESTS, move.requests)
    while True:
        if n > len(records):
            records = records_of(shape, move.level, move.requests, seed)
        plan = Plan(move.requests)
        said = says(_samples(move.level, records[:n], plan), objectives, scenario, confidence)
        if may_end(move.purpose, said, move.requests, move.level):
            return said
        n = min(max(n + 1, int(n * RATIO)), move.requests)


def _samples(level: int, records: list[RequestRecord], plan: Plan | None) -> LevelSamples:
    window_ns = records[0].start_ns, max(record.end_ns for record in records)
    return LevelSamples(
        step=0,
        users=level,
        measured=tuple(records),
        warmup=0,
        window_ns=window_ns,
        itl={},
        samples={},
        ended=True,
        load_ns=window_ns,
        plan=plan,
    )
