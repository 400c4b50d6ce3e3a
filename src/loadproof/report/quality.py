"""Answer quality at rising load, as every report words it."""

from dataclasses import dataclass

from loadproof.analysis import wording
from loadproof.model.verdict import Level, Quality, QualityChange, RunVerdict


@dataclass(frozen=True, slots=True)
class QualityRow:
    """A grade at a level, and its change against the lowest load, where it has one.

    `name` is empty in all but a grade's first row.
    """

    name: str
    level: Level
    quality: Quality
    change: QualityChange | None


def rows(verdict: RunVerdict) -> list[QualityRow]:
    """By grade, then by level: what is to be compared stands together."""
    grades = dict.fromkeys(
        (quality.task, quality.metric) for level in verdict.levels for quality in level.qualities
    )
    found: list[QualityRow] = []
    for task, metric in grades:
        name = f"{metric}({task})"
        for level in verdict.levels:
            for quality in level.qualities:
                if (quality.task, quality.metric) == (task, metric):
                    found.append(QualityRow(name, level, quality, _change(level, quality)))
                    name = ""
    return found


def compared(verdict: RunVerdict) -> bool:
    """Whether any level was compared with the lowest load."""
    return any(level.changes for level in verdict.levels)


def sentences(verdict: RunVerdict) -> list[str]:
    """What has changed with the load, or that nothing is known to have; empty where nothing was
    compared."""
    changes = [change for level in verdict.levels for change in level.changes]
    changed = [f"{change.said}." for change in changes if change.changed]
    if changed or not changes:
        return changed
    widest = max(changes, key=lambda change: change.high)
    return [
        f"No grade is known to have changed with the load, in {wording.count(len(changes))} "
        f"comparison{'' if len(changes) == 1 else 's'} with the lowest; a drop of "
        f"{widest.metric}({widest.task}) by up to {wording.points(widest.high)} would not have "
        "shown."
    ]


def number(share: float) -> str:
    """A difference of shares in percentage points, without the unit."""
    return wording.points(share).rpartition(" ")[0]


def p_number(p: float) -> str:
    """A p without its name: "0.031", "< 0.001"."""
    return wording.p_value(p).removeprefix("p ").removeprefix("= ")


def _change(level: Level, quality: Quality) -> QualityChange | None:
    for change in level.changes:
        if (change.task, change.metric) == (quality.task, quality.metric):
            return change
    return None
