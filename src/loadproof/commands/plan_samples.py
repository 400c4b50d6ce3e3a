"""`loadproof plan-samples`: what a scenario can show, before it is run. No server is touched."""

from pathlib import Path

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from loadproof.analysis import wording
from loadproof.analysis.judge import scenario_of
from loadproof.analysis.sample_plan import Expected, Prospect, expected_of, prospects
from loadproof.analysis.samples import LevelSamples, level_samples
from loadproof.model.errors import ConfigurationError
from loadproof.model.exit_codes import ExitCode
from loadproof.model.scenario import Step
from loadproof.recording.reader import read_run
from loadproof.report.signs import plain
from loadproof.tasks.traffic import load_scenario


def plan_samples(
    scenario_path: Path,
    rate_rps: float | None,
    correlation: float,
    like: Path | None,
    console: Console,
) -> int:
    """Says for each level and objective which true values its requests would settle.

    Where a level ends by time its requests come from `rate_rps`, or from the run `like`, which
    also gives how much one request tells of the next; else `correlation` requests weigh as one.
    Returns INCONCLUSIVE where an objective cannot come to HOLDS and to BROKEN, whatever is true.
    Raises ConfigurationError and RunUnreadableError.
    """
    if like is not None and rate_rps is not None:
        raise ConfigurationError("--rate: not with --like, which gives the rate of each level")
    scenario = load_scenario(scenario_path)
    if not scenario.objectives:
        raise ConfigurationError(f"{scenario_path}: objectives: missing; nothing is to be settled")
    earlier = [] if like is None else _levels(like)
    expected = []
    for step in scenario.load_steps():
        nearest = _nearest(step, earlier)
        rate = rate_rps if nearest is None else nearest.pace_rps()
        expected.append(expected_of(step, rate, correlation, nearest))
    found = list(prospects(scenario, expected))
    for step, level in zip(scenario.load_steps(), expected, strict=True):
        _show(step, level, [p for p in found if p.step == step], console)
    sure = wording.share_limit(scenario.confidence)
    kind = "as correlated as given" if like is not None or correlation != 1 else "independent"
    console.print(
        f"Each at {sure} confidence, nine times in ten; for requests that are {kind}.",
        highlight=False,
    )
    if like is None and correlation == 1:
        console.print(
            "Requests under load wait in one queue and are not independent: --like RUN takes from "
            "a recorded run how much one tells of the next.",
            highlight=False,
        )
    return ExitCode.HOLDS if all(one.possible for one in found) else ExitCode.INCONCLUSIVE


def _levels(run: Path) -> list[LevelSamples]:
    recorded = read_run(run)
    levels = level_samples(recorded, scenario_of(recorded.header, run))
    measured = [level for level in levels if level.users is not None and level.measured]
    if not measured:
        raise ConfigurationError(f"--like: {run}: no request was measured there")
    return measured


def _nearest(step: Step, levels: list[LevelSamples]) -> LevelSamples | None:
    return min(levels, key=lambda level: abs((level.users or 0) - step.users), default=None)


def _show(step: Step, level: Expected, found: list[Prospect], console: Console) -> None:
    title = wording.level(step.users, step.index)
    if level.requests is not None:
        title += f": {wording.requests(level.requests)}"
        if step.requests is None or level.requests < step.requests:
            title += f" in {wording.seconds(step.duration_s or 0.0)}"
    if level.like is not None and level.like.users != step.users:
        title += f", as at {wording.level(level.like.users, level.like.step)} of the earlier run"
    console.print(Text(title, style="bold"))
    for one in found:
        console.print(Padding(Text(plain(one.objective.text)), (0, 0, 0, 2)))
        said = Text(one.said, style="" if one.possible else "yellow")
        console.print(Padding(said, (0, 0, 0, 4)))
    if not found:
        console.print("  nothing is asked of this level", highlight=False)
    console.print()
