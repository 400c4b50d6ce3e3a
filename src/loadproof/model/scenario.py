"""A scenario: one question asked of a server. Traffic mix, load steps, objectives."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from loadproof.model.claim import Claim, Claims
from loadproof.model.errors import ConfigurationError
from loadproof.model.grammar import parse_objective
from loadproof.model.lengths import Positive
from loadproof.model.objective import Kind, Objective
from loadproof.model.quantity import Duration
from loadproof.model.search import Search
from loadproof.model.sentence import ObjectiveError
from loadproof.model.toml_file import FileModel, checked, problem_at, read_toml
from loadproof.model.traffic import Traffic


def _one_or_more(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return (value,)
    if isinstance(value, list) and value:
        return tuple(value)
    raise ValueError("a number of users or a list of them, such as 16 or [1, 4, 16, 64]")


class Steps(FileModel):
    """One or several load levels of equal length; `users = [1, 4, 16]` stands for three steps."""

    users: Annotated[
        tuple[Positive, ...],
        Field(min_length=1),
        BeforeValidator(_one_or_more, json_schema_input_type=Positive | list[Positive]),
    ]
    """Concurrent users (closed loop): each starts its next request when the last has ended."""
    duration: Annotated[Duration, Field(gt=0)] | None = None
    """How long requests are started after the warm-up; at most, where `requests` is given too."""
    requests: Positive | None = None
    """How many requests are started after the warm-up."""
    warmup: Annotated[Duration, Field(ge=0)] = 0.0
    """Time at the start of each step whose requests no verdict uses; users go on without a gap."""
    grace: Annotated[Duration, Field(ge=0)] = 30.0
    """How long requests in flight may still take at the end; those left then are cut off."""
    stop_when_decided: bool = False
    """Whether a level ends as soon as all that is asked of it is settled, rather than in time."""

    @model_validator(mode="after")
    def _ends(self) -> Self:
        if self.duration is None and self.requests is None:
            raise ValueError("a step that ends: give duration, requests, or both")
        return self


class ObjectiveEntry(FileModel):
    """An objective, and the load levels that it is asked of: all of them unless said otherwise."""

    require: str
    """The sentence, such as "p99(ttft) <= 120ms"; docs/objectives.md has the language."""
    at: Annotated[
        Annotated[tuple[Positive, ...], Field(min_length=1)] | None,
        BeforeValidator(
            lambda v: v if v is None else _one_or_more(v),
            json_schema_input_type=Positive | list[Positive],
        ),
    ] = None
    """The load levels (numbers of users) that it is asked of."""
    up_to: Positive | None = None
    """The highest load level that it is asked of."""

    @field_validator("require")
    @classmethod
    def _parses(cls, text: str) -> str:
        try:
            parse_objective(text)
        except ObjectiveError as error:
            raise ValueError(str(error)) from None
        return text

    @model_validator(mode="after")
    def _one_scope(self) -> Self:
        if self.at is not None and self.up_to is not None:
            raise ValueError("either at or up_to, not both")
        return self


class Timeouts(FileModel):
    """After how long a request has failed, from its start unless said otherwise."""

    connect: Annotated[Duration, Field(gt=0)] = 10.0
    first_token: Annotated[Duration, Field(gt=0)] = 120.0
    between_tokens: Annotated[Duration, Field(gt=0)] = 60.0
    """Longest silence after the first token."""
    whole: Annotated[Duration, Field(gt=0)] = 600.0


@dataclass(frozen=True, slots=True)
class Step:
    """One load level, as run: durations in seconds, `index` from 0."""

    index: int
    users: int
    duration_s: float | None
    requests: int | None
    warmup_s: float
    grace_s: float
    stop_when_decided: bool = False


class Scenario(FileModel):
    """Everything asked of a server in one run."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
    """Part of the run directory's name."""
    description: str = ""
    seed: Annotated[int, Field(ge=0)] = 1
    """Decides which prompts are asked, in which order."""
    confidence: Annotated[float, Field(gt=0.5, lt=1)] = 0.95
    """Of each verdict: HOLDS and BROKEN are each wrong in at most 1 - confidence of runs."""
    traffic: Annotated[
        tuple[Traffic, ...],
        Field(min_length=1),
        BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v),
    ]
    steps: Annotated[
        tuple[Steps, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
    ] = ()
    objectives: Annotated[
        tuple[ObjectiveEntry, ...],
        BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v),
    ] = ()
    claims: Annotated[
        tuple[Claims, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
    ] = ()
    """What others have said of models: no part of the verdict; `loadproof claims` tests them."""
    timeouts: Timeouts = Timeouts()
    capacity: Search | None = None
    """Bounds of `loadproof capacity`; a scenario as run that has no steps was such a search."""

    @field_validator("traffic")
    @classmethod
    def _tasks_once(cls, traffic: tuple[Traffic, ...]) -> tuple[Traffic, ...]:
        tasks = [entry.task for entry in traffic]
        if len(set(tasks)) < len(tasks):
            raise ValueError("each task once; its share is its weight")
        return traffic

    @model_validator(mode="after")
    def _objectives_can_be_judged(self) -> Self:
        stated: dict[tuple[str, int | None], str] = {}
        for index, objective in enumerate(self.parsed_objectives()):
            entry, key = self.objectives[index], f"objectives[{index}]"
            problem = self.problem_with(objective)
            if problem:
                raise problem_at(f"{key}.require", entry.require, problem)
            self._check_levels(entry, key)
            for users in objective.users or self._levels() or (None,):
                first = stated.setdefault((str(objective), users), key)
                if first != key:
                    once = f"each objective once at a load level; {first} states this one"
                    raise problem_at(f"{key}.require", entry.require, once)
        return self

    @model_validator(mode="after")
    def _claims_can_be_tested(self) -> Self:
        for index, entry in enumerate(self.claims):
            for number, claim in enumerate(entry.parsed()):
                problem = self.problem_with(claim.subject)
                if problem:
                    raise problem_at(f"claims[{index}].says[{number}]", claim.text, problem)
        return self

    def _levels(self) -> list[int]:
        """The numbers of users, ascending; none where Locust's own options decide them."""
        return sorted({users for steps in self.steps for users in steps.users})

    def _check_levels(self, entry: ObjectiveEntry, key: str) -> None:
        levels = self._levels()
        unknown = [users for users in entry.at or () if users not in levels]
        if levels and unknown:
            among = f"at among the load levels {levels}, not {unknown}"
            raise problem_at(f"{key}.at", list(entry.at or ()), among)
        if levels and entry.up_to is not None and entry.up_to < levels[0]:
            lowest = f"up_to at or above the lowest load level, {levels[0]}"
            raise problem_at(f"{key}.up_to", entry.up_to, lowest)

    def problem_with(self, objective: Objective) -> str | None:
        """What this scenario cannot produce of an objective, as what was expected instead."""
        tasks = [traffic.task for traffic in self.traffic]
        if objective.task is not None and objective.task not in tasks:
            return f"a task of this scenario's traffic ({', '.join(tasks)}), not {objective.task}"
        if objective.kind in (Kind.QUALITY, Kind.DROP):
            (asked,) = (entry for entry in self.traffic if entry.task == objective.task)
            given = asked.qualities
            if given is not None and objective.metric not in given:
                listed = ", ".join(given) or "none: its answers are not graded"
                return f"a grade that {asked.task} gives ({listed}), not {objective.metric}"
        if objective.kind in (Kind.PERCENTILE, Kind.MEAN) and objective.metric == "start_delay":
            return "a metric that a closed loop has: start_delay needs arrivals at a rate"
        levels = self._levels()
        if objective.kind is Kind.DROP and len(levels) == 1:
            return "two load levels at least, of which the lowest is what a drop is measured from"
        if objective.kind is Kind.DROP and levels and objective.users == (levels[0],):
            return f"a load level above the lowest, {levels[0]}, which a drop is measured from"
        return None

    def load_steps(self) -> tuple[Step, ...]:
        """The load levels in the order in which they are run."""
        levels = [(steps, users) for steps in self.steps for users in steps.users]
        return tuple(
            Step(
                index,
                users,
                steps.duration,
                steps.requests,
                steps.warmup,
                steps.grace,
                steps.stop_when_decided,
            )
            for index, (steps, users) in enumerate(levels)
        )

    @property
    def search(self) -> Search | None:
        """The search that this scenario is; None where it walks through steps, or is free."""
        return None if self.steps else self.capacity

    def wants_referee(self) -> bool:
        """Whether a run of it is judged while it lasts: there is something to be decided by."""
        early = any(steps.stop_when_decided for steps in self.steps)
        return bool(self.objectives) and (early or self.search is not None)

    def parsed_objectives(self) -> tuple[Objective, ...]:
        """The objectives, each with the load levels that it is asked of (None: all)."""
        levels = self._levels()
        return tuple(
            parse_objective(
                entry.require,
                entry.at
                if entry.up_to is None
                else tuple(users for users in levels if users <= entry.up_to),
            )
            for entry in self.objectives
        )

    def parsed_claims(self) -> tuple[Claim, ...]:
        """The claims one by one, in their order."""
        return tuple(claim for entry in self.claims for claim in entry.parsed())


def read_scenario(path: Path) -> Scenario:
    """The scenario in the TOML file at `path`, the files that it names taken from its folder.

    What those hold is not looked at: `loadproof.tasks.traffic.load_scenario` does that too.
    Raises ConfigurationError.
    """
    scenario = _read(path)
    if not scenario.steps:
        hint = "" if scenario.capacity is None else "; loadproof capacity is what searches without"
        raise ConfigurationError(
            f"{path}: steps: missing; expected at least one [[steps]] table{hint}"
        )
    return scenario


def read_search(path: Path) -> Scenario:
    """The scenario at `path` as a search for its capacity: without its steps, with the bounds of
    its [capacity] table or the usual ones, warm-up and grace of its first steps where it has no
    such table. Raises ConfigurationError.
    """
    scenario = _read(path)
    if not scenario.objectives:
        raise ConfigurationError(
            f"{path}: objectives: missing; a capacity is the highest load at which they hold"
        )
    for index, entry in enumerate(scenario.objectives):
        if entry.at is not None or entry.up_to is not None:
            key = "at" if entry.at is not None else "up_to"
            raise ConfigurationError(
                f"{path}: objectives[{index}].{key}: a search asks each objective of every level: "
                f"leave {key} out, in a copy of the scenario"
            )
        if parse_objective(entry.require).kind is Kind.DROP:
            raise ConfigurationError(
                f"{path}: objectives[{index}].require: got {entry.require!r}, expected what "
                "one level answers: a search has no level to count a drop from"
            )
    bounds = scenario.capacity
    if bounds is None:
        bounds = Search()
        if scenario.steps:
            first = scenario.steps[0]
            bounds = bounds.model_copy(update={"warmup": first.warmup, "grace": first.grace})
    return scenario.model_copy(update={"steps": (), "capacity": bounds})


def _read(path: Path) -> Scenario:
    scenario = read_toml(path, Scenario)
    traffic = tuple(entry.located(path.parent) for entry in scenario.traffic)
    return scenario.model_copy(update={"traffic": traffic})


def scenario_without_file(
    tasks: Sequence[tuple[str, float]], objectives: Sequence[str], seed: int = 1
) -> Scenario:
    """The scenario of a Locust run that names no file: Locust's own options decide the load.

    `tasks` are (task, weight) pairs, `objectives` sentences. Raises ConfigurationError.
    """
    data = {
        "name": tasks[0][0] if len(tasks) == 1 else "mixed",
        "seed": seed,
        "traffic": [{"task": task, "weight": float(weight)} for task, weight in tasks],
        "objectives": [{"require": sentence} for sentence in objectives],
    }
    return checked(data, Scenario, "options")
