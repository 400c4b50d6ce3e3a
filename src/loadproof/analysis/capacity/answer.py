"""What a search found, as far as it came: the capacity section of a verdict."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from loadproof.analysis import wording
from loadproof.analysis.capacity.policy import Bracket
from loadproof.analysis.capacity.visits import Made, made_visits, wording_of
from loadproof.analysis.goodput_objectives import is_good
from loadproof.analysis.judge import cpus_of, scenario_of
from loadproof.analysis.run_ruling import EXIT_CODES, Ending, invalidations
from loadproof.analysis.samples import LevelSamples, level_samples
from loadproof.model.exit_codes import ExitCode
from loadproof.model.objective import BOUNDED, Bound, Kind, Objective
from loadproof.model.scenario import Scenario
from loadproof.model.search import Search
from loadproof.model.verdict import Capacity, CapacityVisit, Ruling, RunVerdict
from loadproof.recording.control import EndRun
from loadproof.recording.reader import RecordedRun

BROKEN_OFF = "it was broken off"


def with_capacity(verdict: RunVerdict, run: RecordedRun, path: Path) -> RunVerdict:
    """The verdict of a run that was a search, ruled by what it found; of other runs as it is.

    HOLDS where the search has found what was asked for: an interval as narrow as that, or all
    levels within its bounds. BROKEN where already the lowest is. INCONCLUSIVE else. What makes a
    run as a whole invalid, and a server that failed, count as for any other run.
    """
    scenario = scenario_of(run.header, path)
    if scenario.search is None:
        return verdict
    samples = level_samples(run, scenario)
    found = capacity_of(run, samples, scenario, scenario.search, cpus_of(run.header))
    invalid = [message for _, message in invalidations(run.events)]
    ruling = Ruling.INVALID if invalid else _ruling(found, scenario.search)
    exit_code = EXIT_CODES[ruling]
    if Ending.of(run) is Ending.SERVER_FAILED:
        exit_code = ExitCode.SERVER_FAILED
    reasons = (*invalid, found.sentence, f"the search ended: {found.ended}")
    return replace(
        verdict,
        ruling=ruling,
        exit_code=int(exit_code),
        reasons=(*reasons, *found.contradictions),
        capacity=found,
    )


def capacity_of(
    run: RecordedRun,
    samples: Sequence[LevelSamples],
    scenario: Scenario,
    search: Search,
    cpus: int | None,
) -> Capacity:
    """The answer of a search, also of one that did not come to its end."""
    made = made_visits(run.control, samples, scenario, cpus)
    bracket = Bracket.of([one.visit for one in made])
    why = next((d.why for d in run.control if isinstance(d, EndRun)), BROKEN_OFF)
    at_top = _claim(made, bracket.holds, Ruling.HOLDS)
    at_break = _claim(made, bracket.broken, Ruling.BROKEN)
    pace = (None, None, None) if at_top is None else _pace(at_top.level, scenario)
    return Capacity(
        axis="users",
        holds_up_to=bracket.holds,
        broken_from=bracket.broken,
        confidence=scenario.confidence,
        breaks_first=at_break.said.broken if at_break is not None else (),
        requests_per_s=pace[0],
        tokens_per_s=pace[1],
        goodput_per_s=pace[2],
        ended=why,
        requests=sum(one.said.n for one in made),
        duration_s=_duration_s(run),
        visits=tuple(
            CapacityVisit(
                one.decided.step,
                one.decided.users,
                one.decided.purpose,
                one.said.n,
                wording_of(one.visit),
            )
            for one in made
        ),
        contradictions=tuple(_contradictions(made, bracket)),
        sentence=_sentence(bracket, search, scenario.confidence),
    )


def _ruling(capacity: Capacity, search: Search) -> Ruling:
    lowest, highest = search.users
    if Bracket(capacity.holds_up_to, capacity.broken_from).is_narrow(search.resolution):
        return Ruling.HOLDS
    if capacity.holds_up_to == highest:
        return Ruling.HOLDS
    return Ruling.BROKEN if capacity.broken_from == lowest else Ruling.INCONCLUSIVE


def _claim(made: Sequence[Made], level: int | None, ruling: Ruling) -> Made | None:
    found = (
        one
        for one in made
        if one.visit.purpose.is_claim and one.visit.ruling is ruling and one.decided.users == level
    )
    return next(found, None)


def _pace(
    level: LevelSamples, scenario: Scenario
) -> tuple[float | None, float | None, float | None]:
    """Requests, output tokens and good requests a second."""
    if level.load_ns is None or level.load_ns[1] <= level.load_ns[0]:
        return None, None, None
    length_s = (level.load_ns[1] - level.load_ns[0]) / 1e9
    completed = level.completed()
    objectives = scenario.parsed_objectives()
    good = sum(is_good(record, _bounds(objectives, record.task)) for record in completed)
    tokens = sum(record.output_tokens or 0 for record in completed)
    return len(completed) / length_s, tokens / length_s, good / length_s


def _bounds(objectives: Sequence[Objective], task: str) -> tuple[Bound, ...]:
    """What a request of `task` is held to: the limits of percentiles, and those of goodputs."""
    bounds: list[Bound] = []
    for objective in objectives:
        if objective.task not in (None, task):
            continue
        if objective.kind is Kind.PERCENTILE and objective.metric in BOUNDED:
            bounds.append(Bound(objective.metric, objective.limit))
        bounds += objective.bounds
    return tuple(bounds)


def _duration_s(run: RecordedRun) -> float:
    times_ns = [int(event["t_ns"]) for event in run.events if "t_ns" in event]
    return (max(times_ns) - min(times_ns)) / 1e9 if times_ns else 0.0


def _contradictions(made: Sequence[Made], bracket: Bracket) -> Iterator[str]:
    """Claims that cannot both be right if more load is never better."""
    for one in made:
        level, ruling = one.decided.users, one.visit.ruling
        if bracket.holds is not None and ruling is Ruling.BROKEN and level <= bracket.holds:
            yield f"{wording.level(level, 0)} is broken, though {bracket.holds} holds"
        if bracket.broken is not None and ruling is Ruling.HOLDS and level >= bracket.broken:
            yield f"{wording.level(level, 0)} holds, though {bracket.broken} is broken"


def _sentence(bracket: Bracket, search: Search, confidence: float) -> str:
    """ "Holds up to 48 users, broken from 56, between them undecided at 95 %"."""
    sure = wording.share_limit(confidence)
    if bracket.holds is None and bracket.broken is None:
        return f"nothing can be said at {sure} confidence of any number of users"
    if bracket.broken is None:
        assert bracket.holds is not None, "one of them is known"
        top = bracket.holds == search.users[1]
        rest = "the most that were to be tried" if top else "nothing is known to break above"
        return f"holds up to {wording.level(bracket.holds, 0)}, {rest}, at {sure} confidence"
    if bracket.holds is None:
        below = "" if bracket.broken == search.users[0] else ", undecided below"
        return f"broken from {wording.level(bracket.broken, 0)}{below}, at {sure} confidence"
    between = "" if bracket.broken == bracket.holds + 1 else ", between them undecided"
    return (
        f"holds up to {wording.level(bracket.holds, 0)}, broken from {bracket.broken}"
        f"{between}, at {sure} confidence"
    )
