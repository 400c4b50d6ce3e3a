"""From a recorded run to its verdict."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from loadproof.analysis import wording
from loadproof.analysis.checks import warnings_of
from loadproof.analysis.doubts import Doubts
from loadproof.analysis.finding import Finding
from loadproof.analysis.generator import health_of, remedy
from loadproof.analysis.levels import level_of
from loadproof.analysis.never_steady import as_far_as_steady
from loadproof.analysis.objectives import applies, judge
from loadproof.analysis.quality import changes_of, reference_level
from loadproof.analysis.run_ruling import Ending, invalidations, rule_run
from loadproof.analysis.samples import LevelSamples, level_samples
from loadproof.analysis.scaling import scaling_of
from loadproof.model.errors import ConfigurationError, RunUnreadableError
from loadproof.model.objective import Objective
from loadproof.model.scenario import Scenario
from loadproof.model.toml_file import checked
from loadproof.model.verdict import GeneratorHealth, Judgement, Ruling, RunVerdict
from loadproof.recording.directory import HEADER
from loadproof.recording.reader import RecordedRun

SCHEMA_VERSION = 1
"""Of verdict.json."""


def analyse(run: RecordedRun, path: Path) -> RunVerdict:
    """The verdict on `run`, which was read from the run directory `path`.

    Raises RunUnreadableError where its header holds no scenario.
    """
    scenario = scenario_of(run.header, path)
    samples = level_samples(run, scenario)
    ending = Ending.of(run)
    invalid = invalidations(run.events)
    objectives = scenario.parsed_objectives()
    lowest = reference_level(samples)
    judged = [
        judge_level(level, lowest, objectives, scenario, cpus_of(run.header)) for level in samples
    ]
    changes = changes_of(
        samples, [str(entry.task) for entry in scenario.traffic], scenario.confidence
    )
    levels = [
        replace(
            level_of(level, scenario.confidence),
            generator=health,
            changes=changes.get(level.step, ()),
        )
        for level, (health, _) in zip(samples, judged, strict=True)
    ]
    found = [judgement for _, of_level in judged for judgement in of_level]
    found.sort(key=lambda judgement: [o.text for o in objectives].index(judgement.objective))
    judgements = [_as_far_as_valid(judgement, invalid) for judgement in found]
    unasked = [
        o.text for o in objectives if not any(applies(o, level, lowest) for level in samples)
    ]
    outcome = rule_run(
        judgements,
        levels,
        ending=ending,
        invalid=[message for _, message in invalid],
        unasked=unasked,
    )
    server: dict[str, Any] = run.header.get("server") or {}
    scaling = scaling_of(samples, scenario.confidence)
    return RunVerdict(
        schema_version=SCHEMA_VERSION,
        run=path.resolve().name,
        scenario=scenario.name,
        server=str(server.get("name", "unknown")),
        simulated=bool(server.get("simulated", False)),
        confidence=scenario.confidence,
        ruling=outcome.ruling,
        exit_code=int(outcome.exit_code),
        reasons=outcome.reasons,
        warnings=tuple(warnings_of(run, samples, levels, scaling)),
        levels=tuple(levels),
        judgements=tuple(judgements),
        scaling=scaling,
    )


def scenario_of(header: dict[str, Any], path: Path) -> Scenario:
    """The scenario in the header of the run at `path`. Raises RunUnreadableError."""
    try:
        return checked(header.get("scenario") or {}, Scenario, f"{path / HEADER}: scenario")
    except ConfigurationError as error:
        raise RunUnreadableError(str(error)) from None


def judge_level(
    samples: LevelSamples,
    lowest: LevelSamples | None,
    objectives: Sequence[Objective],
    scenario: Scenario,
    cpus: int | None,
) -> tuple[GeneratorHealth | None, list[Judgement]]:
    """How the generator fared at a level, and the judgements there of those objectives that are
    asked of it, with what of them may be owed to the generator. `lowest` is the level that drops
    of quality are counted from."""
    asked = [objective for objective in objectives if applies(objective, samples, lowest)]
    found = [judge(objective, samples, scenario.confidence, lowest) for objective in asked]
    judgements = [
        _judgement(objective, samples, finding)
        for objective, finding in zip(asked, found, strict=True)
    ]
    health = health_of(samples)
    if health is not None:
        doubts = Doubts(samples, health, scenario.timeouts)
        what_to_do = remedy(health, cpus)
        troubles = []
        lost = doubts.lost_load()
        if lost is not None:
            troubles.append(f"{lost}; {what_to_do}")
        for index, (objective, finding) in enumerate(zip(asked, found, strict=True)):
            doubt = doubts.about(objective, finding.ruling, scenario.confidence)
            if doubt is not None:
                troubles.append(f"{doubt}; {what_to_do}")
                judgements[index] = _invalid(judgements[index], troubles[-1])
        health = replace(health, troubles=tuple(dict.fromkeys(troubles)))
    return health, [
        as_far_as_steady(judgement, objective, samples, scenario.confidence)
        for judgement, objective in zip(judgements, asked, strict=True)
    ]


def cpus_of(header: dict[str, Any]) -> int | None:
    """Of the machine that conducted the run with this header."""
    cpus = (header.get("machine") or {}).get("cpus")
    return cpus if isinstance(cpus, int) else None


def _judgement(objective: Objective, level: LevelSamples, finding: Finding) -> Judgement:
    ruling, reason = finding.ruling, finding.reason
    if ruling is Ruling.HOLDS and not level.ended:
        # What was in flight is unknown, and those are the slow ones.
        ruling = Ruling.INCONCLUSIVE
        reason = f"the run was cut off within this level; until then {reason}"
    more_s = None
    pace_rps = level.pace_rps()
    if finding.more_requests is not None and pace_rps:
        more_s = finding.more_requests / pace_rps
        reason += f"; at the pace of this level that takes another {wording.seconds(more_s)}"
    return Judgement(
        objective=objective.text,
        kind=str(objective.kind),
        step=level.step,
        users=level.users,
        ruling=ruling,
        reason=reason,
        n=finding.n,
        limit=objective.limit,
        observed=finding.observed,
        estimate=finding.estimate,
        low=finding.low,
        high=finding.high,
        more_requests=finding.more_requests,
        more_s=more_s,
    )


def _as_far_as_valid(judgement: Judgement, invalid: list[tuple[int | None, str]]) -> Judgement:
    """The judgement, unless something marked its level or the whole run invalid."""
    for step, message in invalid:
        if step is None or step == judgement.step:
            return _invalid(judgement, message)
    return judgement


def _invalid(judgement: Judgement, message: str) -> Judgement:
    reason = f"{message} (else {judgement.ruling}: {judgement.reason})"
    return replace(judgement, ruling=Ruling.INVALID, reason=reason)
