"""From a recorded run to its verdict."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from loadproof.analysis.checks import warnings_of
from loadproof.analysis.finding import Finding
from loadproof.analysis.latency_objectives import judge_mean, judge_percentile
from loadproof.analysis.levels import level_of
from loadproof.analysis.resource_objectives import judge_resource
from loadproof.analysis.run_ruling import Ending, invalidations, rule_run
from loadproof.analysis.samples import LevelSamples, level_samples
from loadproof.analysis.share_objectives import judge_quality, judge_rate
from loadproof.model.errors import ConfigurationError, RunUnreadableError
from loadproof.model.objective import Kind, Objective
from loadproof.model.scenario import Scenario
from loadproof.model.toml_file import checked
from loadproof.model.verdict import Judgement, Ruling, RunVerdict
from loadproof.recording.directory import HEADER
from loadproof.recording.reader import RecordedRun

SCHEMA_VERSION = 1
"""Of verdict.json."""


def analyse(run: RecordedRun, path: Path) -> RunVerdict:
    """The verdict on `run`, which was read from the run directory `path`.

    Raises RunUnreadableError where its header holds no scenario.
    """
    scenario = scenario_of(run, path)
    samples = level_samples(run, scenario)
    levels = [level_of(level, scenario.confidence) for level in samples]
    ending = Ending.of(run)
    invalid = invalidations(run.events)
    objectives = scenario.parsed_objectives()
    judgements = [
        _as_far_as_valid(_judged(objective, level, scenario.confidence), level, invalid)
        for objective in objectives
        for level in samples
        if applies(objective, level)
    ]
    unasked = [o.text for o in objectives if not any(applies(o, level) for level in samples)]
    outcome = rule_run(
        judgements,
        levels,
        ending=ending,
        invalid=[message for _, message in invalid],
        unasked=unasked,
    )
    server: dict[str, Any] = run.header.get("server") or {}
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
        warnings=tuple(warnings_of(run, samples, levels)),
        levels=tuple(levels),
        judgements=tuple(judgements),
    )


def scenario_of(run: RecordedRun, path: Path) -> Scenario:
    """The scenario as the run's header holds it. Raises RunUnreadableError."""
    try:
        return checked(run.header.get("scenario") or {}, Scenario, f"{path / HEADER}: scenario")
    except ConfigurationError as error:
        raise RunUnreadableError(str(error)) from None


def applies(objective: Objective, level: LevelSamples) -> bool:
    """Whether the objective is asked of this level."""
    return objective.users is None or level.users in objective.users


def judge(objective: Objective, level: LevelSamples, confidence: float) -> Finding:
    """One objective at one level, on what was measured there."""
    match objective.kind:
        case Kind.PERCENTILE:
            return judge_percentile(objective, level, confidence)
        case Kind.MEAN:
            return judge_mean(objective, level, confidence)
        case Kind.RATE:
            return judge_rate(objective, level, confidence)
        case Kind.QUALITY:
            return judge_quality(objective, level, confidence)
        case Kind.PEAK | Kind.GAUGE | Kind.COUNTER:
            return judge_resource(objective, level)


def _judged(objective: Objective, level: LevelSamples, confidence: float) -> Judgement:
    finding = judge(objective, level, confidence)
    ruling, reason = finding.ruling, finding.reason
    if ruling is Ruling.HOLDS and not level.ended:
        # What was in flight is unknown, and those are the slow ones.
        ruling = Ruling.INCONCLUSIVE
        reason = f"the run was cut off within this level; until then {reason}"
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
    )


def _as_far_as_valid(
    judgement: Judgement, level: LevelSamples, invalid: list[tuple[int | None, str]]
) -> Judgement:
    """The judgement, unless something marked this level or the whole run invalid."""
    for step, message in invalid:
        if step is None or step == level.step:
            return replace(
                judgement,
                ruling=Ruling.INVALID,
                reason=f"{message} (else {judgement.ruling}: {judgement.reason})",
            )
    return judgement
