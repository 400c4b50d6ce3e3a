"""report.html: one file that works offline, runs no script and asks nothing of any server."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from jinja2 import Environment
from markupsafe import Markup

from loadproof.analysis import wording
from loadproof.model.record import Outcome
from loadproof.model.scenario import Scenario
from loadproof.model.verdict import Judgement, Ruling, RunVerdict
from loadproof.recording.reader import RecordedRun
from loadproof.report import cells, generator, quality, scaling, steadiness, thinking
from loadproof.report.asked import asked
from loadproof.report.chart import chart_svg
from loadproof.report.charts import charts_of
from loadproof.report.environment import page_environment
from loadproof.report.scaling_chart import CHARTS, Drawn, scaling_svg
from loadproof.report.signs import MARKS, METRIC_NAMES, by_objective, run_mark
from loadproof.report.timeline import timeline

_EXAMPLES = 3
_EXAMPLE_LENGTH = 240
_NAMED = 3
_WORDED: dict[str, Callable[[float], str]] = {
    "percentile": wording.milliseconds,
    "mean": wording.milliseconds,
    "rate": wording.share,
    "quality": wording.share,
    "goodput": wording.share,
    "drop": wording.points,
    "throughput": wording.rate,
    "goodput_rate": wording.rate,
    "peak": wording.size,
}
"""How a value is worded, by the kind of its objective; what is not here is a count."""
_SAID = {
    Ruling.BROKEN: "broken",
    Ruling.INCONCLUSIVE: "undecided",
    Ruling.INVALID: "invalid",
    Ruling.HOLDS: "held",
}
_WORST_FIRST = (Ruling.INVALID, Ruling.BROKEN, Ruling.INCONCLUSIVE, Ruling.HOLDS)


@dataclass(frozen=True, slots=True)
class FailureRow:
    """A kind of failure: how often at each level, and what it looked like."""

    kind: str
    counts: list[int]
    examples: list[str]


def report_html(run: RecordedRun, verdict: RunVerdict) -> str:
    """The page. Every text that came from outside is escaped."""
    scenario = Scenario.model_validate(run.header["scenario"])
    objectives = scenario.parsed_objectives()
    drawn = timeline(run)
    return (
        _environment()
        .get_template("report.html.j2")
        .render(
            verdict=verdict,
            header=run.header,
            scenario=scenario,
            mark=run_mark(verdict.ruling),
            headline=headline(verdict),
            columns=_columns(verdict),
            matrix=_matrix(verdict),
            totals=_totals(verdict),
            objectives=by_objective(verdict),
            charts=[
                (chart, Markup(chart_svg(chart)))  # an ElementTree has escaped it
                for chart in charts_of(verdict.levels, objectives)
            ],
            scaling_charts=_scaling_charts(verdict),
            timeline=drawn,
            timeline_svg=Markup(drawn.svg) if drawn else "",
            failures=_failures(run, verdict),
            kernel_clock=sum(level.completed - level.process_clock for level in verdict.levels),
            process_clock=sum(level.process_clock for level in verdict.levels),
        )
    )


def headline(verdict: RunVerdict) -> str:
    """The verdict in a few sentences: what decided it, and how many judgements went which way."""
    if verdict.ruling is None:
        return "No objectives were stated, so nothing was judged."
    if verdict.ruling is Ruling.HOLDS or not verdict.judgements:
        return _as_sentence("; ".join(verdict.reasons))
    single = {judgement.reason for judgement in verdict.judgements}
    of_the_run = [r for r in verdict.reasons if not any(r.endswith(reason) for reason in single)]
    sentences = [_as_sentence(reason) for reason in of_the_run]
    suspicion = generator.suspicion(verdict)
    if suspicion:
        sentences.append(suspicion)
    broken: dict[str, list[str]] = {}
    for judgement in verdict.judgements:
        if judgement.ruling is Ruling.BROKEN:
            level = wording.level(judgement.users, judgement.step)
            broken.setdefault(judgement.objective, []).append(level)
    if broken:
        named = [f"{text} at {', '.join(where)}" for text, where in broken.items()]
        rest = f"; and {len(named) - _NAMED} more" if len(named) > _NAMED else ""
        sentences.append(f"Broken: {'; '.join(named[:_NAMED])}{rest}.")
    counts = Counter(judgement.ruling for judgement in verdict.judgements)
    said = ", ".join(
        f"{counts[ruling]} {_SAID[ruling]}" for ruling in _WORST_FIRST if counts[ruling]
    )
    sentences.append(f"Of {len(verdict.judgements)} judgements: {said}.")
    return " ".join(sentences)


def unbroken(text: str) -> str:
    """`text` with no line break between a number and its unit."""
    return re.sub(r"(?<=\d) (?=(%|ms|s|[kMGT]?B)(?!\w))", "\u00a0", text)


def _scaling_charts(verdict: RunVerdict) -> list[tuple[Drawn, Markup]]:
    found = verdict.scaling
    if found is None or found.law is None:
        return []
    return [(drawn, Markup(scaling_svg(drawn, found))) for drawn in CHARTS]  # escaped there


@cache
def _environment() -> Environment:
    environment = page_environment()
    environment.globals.update(
        asked=asked,
        cells=cells,
        generator=generator,
        scaling=scaling,
        steadiness=steadiness,
        thinking=thinking,
        quality=quality,
        wording=wording,
        marks=MARKS,
        metric_names=METRIC_NAMES,
        observed=observed,
        unbroken=unbroken,
    )
    return environment


def _as_sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


def _columns(verdict: RunVerdict) -> list[tuple[int, int | None]]:
    asked = {(judgement.step, judgement.users) for judgement in verdict.judgements}
    return [
        (level.step, level.users) for level in verdict.levels if (level.step, level.users) in asked
    ]


def _matrix(verdict: RunVerdict) -> list[tuple[str, list[Judgement | None]]]:
    """A row an objective, a cell a level; None where it is not asked."""
    columns = _columns(verdict)
    rows = []
    for objective, judgements in by_objective(verdict).items():
        found = {(judgement.step, judgement.users): judgement for judgement in judgements}
        rows.append((objective, [found.get(column) for column in columns]))
    return rows


def _totals(verdict: RunVerdict) -> list[Ruling]:
    """The worst ruling of each column."""
    return [
        min(
            (j.ruling for j in verdict.judgements if (j.step, j.users) == column),
            key=_WORST_FIRST.index,
        )
        for column in _columns(verdict)
    ]


def observed(judgement: Judgement) -> str:
    """What was measured, short enough for a cell."""
    if judgement.observed is None:
        return "no samples" if judgement.n == 0 else ""
    if judgement.objective.startswith("max(kv_usage"):
        return wording.share(judgement.observed)
    return _WORDED.get(judgement.kind, wording.count)(judgement.observed)


def _failures(run: RecordedRun, verdict: RunVerdict) -> list[FailureRow]:
    totals: Counter[str] = Counter()
    details: dict[str, Counter[str]] = {}
    for level in verdict.levels:
        totals.update(level.failures)
    for record in run.records:
        if record.outcome is Outcome.FAILED and record.failure_detail and not record.warmup:
            detail = record.failure_detail[:_EXAMPLE_LENGTH]
            details.setdefault(str(record.failure), Counter())[detail] += 1
    return [
        FailureRow(
            kind,
            [level.failures.get(kind, 0) for level in verdict.levels],
            [detail for detail, _ in details.get(kind, Counter()).most_common(_EXAMPLES)],
        )
        for kind, _ in totals.most_common()
    ]
