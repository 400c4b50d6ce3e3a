"""From two recorded runs of one scenario to what has become better and what worse."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from loadproof.analysis import wording
from loadproof.analysis.comparability import notes_of, party_of, refuse_other_scenario
from loadproof.analysis.contrasts import Tested, finite, tested
from loadproof.analysis.judge import scenario_of
from loadproof.analysis.paired_levels import early_ends, paired_levels
from loadproof.model.comparison import (
    RELATIVE,
    Change,
    Comparison,
    Contrast,
    Family,
    Figure,
    RuleFinding,
)
from loadproof.model.comparison_rules import (
    UNDECIDED,
    WORSE,
    FailOn,
    Margin,
    margin_of,
    matches,
    refuse_unused,
)
from loadproof.model.exit_codes import ExitCode
from loadproof.recording.reader import RecordedRun
from loadproof.stats.confidence_curve import Curve
from loadproof.stats.multiplicity import hommel

SCHEMA_VERSION = 1
"""Of comparison.json."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A metric at a level; `invalid` says why it is no evidence, where it is none."""

    step: int
    users: int | None
    tested: Tested
    invalid: str | None

    @property
    def decides(self) -> bool:
        return (
            self.invalid is None
            and self.tested.family is not Family.MEMORY
            and self.tested.change is not None
        )


def compare(
    runs: tuple[RecordedRun, RecordedRun],
    paths: tuple[Path, Path],
    margins: Sequence[Margin] = (),
    rules: Sequence[FailOn] = (),
) -> Comparison:
    """What has changed from the first run, the base, to the second, the new one.

    WORSE and BETTER are each said with p-values adjusted for all metrics and levels (`hommel`), so
    that where nothing has changed either is said anywhere in at most 1 - confidence of comparisons.
    EQUIVALENT is said of a metric whose both one-sided bounds lie within its margin (two one-sided
    tests, Schuirmann 1987), each at the confidence on its own. A rule with an amount is tested for
    itself, adjusted for the metrics that it matches.

    Raises ConfigurationError for runs of different scenarios and for rules that mean no metric,
    and RunUnreadableError.
    """
    scenarios = (scenario_of(runs[0].header, paths[0]), scenario_of(runs[1].header, paths[1]))
    refuse_other_scenario(*scenarios)
    parties = (party_of(runs[0], paths[0]), party_of(runs[1], paths[1]))
    confidence = scenarios[0].confidence
    levels, missing = paired_levels(runs, paths, scenarios)
    objectives = scenarios[1].parsed_objectives()
    rows = [
        _Row(level.new.step, level.new.users, item, level.invalid)
        for level in levels
        for item in tested(level.base, level.new, objectives)
    ]
    names = [(row.tested.metric, row.tested.family) for row in rows]
    refuse_unused("margin", margins, names)
    refuse_unused("fail-on", rules, names)
    contrasts = _judged(rows, margins, confidence)
    findings = tuple(_finding(rule, rows, contrasts, confidence) for rule in rules)
    return Comparison(
        schema_version=SCHEMA_VERSION,
        scenario=scenarios[1].name,
        confidence=confidence,
        base=parties[0],
        new=parties[1],
        exit_code=int(_exit_code(rules, findings, contrasts)),
        notes=(*notes_of(parties, runs, scenarios), *early_ends(levels)),
        missing_levels=tuple(missing),
        rules=findings,
        contrasts=tuple(contrasts),
    )


def _judged(rows: list[_Row], margins: Sequence[Margin], confidence: float) -> list[Contrast]:
    deciding = [row for row in rows if row.decides]
    worse = iter(hommel([row.tested.p_worse() for row in deciding]))
    better = iter(hommel([row.tested.p_better() for row in deciding]))
    found = []
    for row in rows:
        contrast = _shown(row, confidence)
        if row.decides:
            margin = margin_of(margins, row.tested.metric, row.tested.family)
            p_worse, p_better = next(worse), next(better)
            contrast = replace(contrast, margin=margin, p_worse=p_worse, p_better=p_better)
            change = _change(contrast, 1 - confidence)
            reason = _reason(row, replace(contrast, change=change), confidence, len(deciding))
            contrast = replace(contrast, change=change, reason=reason)
        found.append(contrast)
    return found


def _change(contrast: Contrast, error: float) -> Change:
    assert contrast.margin is not None, "what is judged has a margin"
    low, high = contrast.low, contrast.high
    if low is not None and high is not None and -contrast.margin < low <= high < contrast.margin:
        return Change.EQUIVALENT
    if contrast.p_worse is not None and contrast.p_worse <= error:
        return Change.WORSE
    if contrast.p_better is not None and contrast.p_better <= error:
        return Change.BETTER
    return Change.UNDECIDED


def _shown(row: _Row, confidence: float) -> Contrast:
    """The row before it is judged; what can not be judged stays so."""
    item = row.tested
    change, reason = Change.UNDECIDED, "only one of the runs has it"
    if item.change is not None or (item.base is not None and item.new is not None):
        reason = "there is nothing to relate it to: one of the runs has 0"
    if item.family is Family.MEMORY:
        change, reason = Change.OBSERVED, "a peak was seen once, and its error is not known"
    if row.invalid is not None:
        change, reason = Change.INVALID, row.invalid
    bounds = None if item.change is None else item.change.bounds(confidence)
    return Contrast(
        metric=item.metric,
        family=item.family,
        step=row.step,
        users=row.users,
        change=change,
        reason=reason,
        base=_figure(item.base, confidence),
        new=_figure(item.new, confidence),
        relative=item.family in RELATIVE,
        lower_is_better=item.lower_is_better,
        difference=None if item.change is None else finite(item.change.estimate),
        low=None if bounds is None else finite(bounds.low),
        high=None if bounds is None else finite(bounds.high),
        margin=None,
        p_worse=None,
        p_better=None,
        pairs=item.pairs,
    )


def _figure(curve: Curve | None, confidence: float) -> Figure | None:
    if curve is None:
        return None
    bounds = curve.bounds(confidence)
    effective_n = curve.effective_n or None
    return Figure(curve.estimate, finite(bounds.low), finite(bounds.high), curve.n, effective_n)


def _reason(row: _Row, contrast: Contrast, confidence: float, count: int) -> str:
    assert contrast.difference is not None, "what is judged has a difference"
    assert contrast.margin is not None, "what is judged has a margin"
    said = wording.change(contrast.difference, relative=contrast.relative)
    low, high = (
        None if bound is None else wording.change(bound, relative=contrast.relative)
        for bound in (contrast.low, contrast.high)
    )
    if low is None and high is None:
        said += "; too few independent requests for any bound"
    elif low is None or high is None:
        said += f", at {'least' if low else 'most'} {low or high}"
    else:
        said += f", between {low} and {high}"
    if contrast.pairs is not None:
        said += f", over {wording.count(contrast.pairs)} pairs of answers to the same questions"
    margin = wording.amount(contrast.margin, relative=contrast.relative)
    if contrast.change is Change.EQUIVALENT:
        return f"{said}: within {margin}"
    error = 1 - confidence
    alone = min(row.tested.p_worse(), row.tested.p_better())
    if contrast.change is Change.UNDECIDED and alone <= error and count > 1:
        return f"{said}: by itself a difference, but among {count} it may be chance"
    return said


def _finding(
    rule: FailOn, rows: list[_Row], contrasts: list[Contrast], confidence: float
) -> RuleFinding:
    matched = [
        (row, contrast)
        for row, contrast in zip(rows, contrasts, strict=True)
        if matches(rule.pattern, contrast.metric, contrast.family)
    ]
    if rule.outcome == WORSE and rule.amount is not None:
        deciding = [(row, contrast) for row, contrast in matched if row.decides]
        adjusted = hommel([row.tested.p_worse(rule.amount) for row, _ in deciding])
        failing = [
            contrast
            for (_, contrast), p in zip(deciding, adjusted, strict=True)
            if p <= 1 - confidence
        ]
    else:
        wanted = Change.WORSE if rule.outcome == WORSE else Change.UNDECIDED
        failing = [contrast for _, contrast in matched if contrast.change is wanted]
    return RuleFinding(rule.text, tuple(map(sentence, failing)))


def sentence(contrast: Contrast) -> str:
    """Where it is, what it is, and why it is judged so."""
    where = wording.level(contrast.users, contrast.step)
    return f"{contrast.metric} at {where}: {contrast.reason}"


def _exit_code(
    rules: Sequence[FailOn], findings: Sequence[RuleFinding], contrasts: Sequence[Contrast]
) -> ExitCode:
    """Worse counts most, then what is no evidence, then what is undecided."""
    failing = {rule.outcome for rule, found in zip(rules, findings, strict=True) if found.failures}
    if WORSE in failing:
        return ExitCode.BROKEN
    if any(contrast.change is Change.INVALID for contrast in contrasts):
        return ExitCode.INVALID
    return ExitCode.INCONCLUSIVE if UNDECIDED in failing else ExitCode.HOLDS
