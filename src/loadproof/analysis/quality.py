"""How good the answers were at each load level, and whether load made them worse.

What is shown here is for reading: two-sided intervals that are narrow and right on average
(Wilson's for rates). Objectives are judged elsewhere, by one-sided bounds that never promise more
than they keep (`share_objectives`, `drop_objectives`).

An interval of a level is about these questions asked under this load: that a question is asked
again and again, and that some questions are harder than others, makes it rather too wide.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from loadproof.analysis import wording
from loadproof.analysis.samples import LevelSamples
from loadproof.model.metrics import MACRO_F1
from loadproof.model.verdict import Quality, QualityChange
from loadproof.stats import bootstrap, macro_f1, pairing, wilson
from loadproof.stats.interval import Interval
from loadproof.stats.multiplicity import hommel
from loadproof.stats.percentiles import FloatArray

FEW = 30
"""Below this many answers the bootstrap of a score is not to be relied on."""


def qualities_of(
    level: LevelSamples, tasks: Iterable[str], confidence: float
) -> tuple[Quality, ...]:
    """Each graded metric of each of `tasks`, over the completed requests that have it."""
    found = []
    for task in tasks:
        for metric in level.qualities(task):
            if metric == MACRO_F1:
                truth, chosen = level.choices(task)
                n, value = len(truth), macro_f1.macro_f1(truth, chosen)
                bounds = macro_f1.interval(truth, chosen, confidence)
            else:
                grades = level.grades(task, metric)
                n, value = len(grades), float(grades.mean())
                bounds = interval_of(grades, confidence)
            found.append(Quality(task, metric, n, value, bounds.low, bounds.high))
    return tuple(found)


def interval_of(grades: FloatArray, confidence: float) -> Interval:
    """The two-sided interval of the mean of at least one grade from 0 to 1.

    Of a rate, whose grades are 0 and 1, Wilson's score interval. Of other scores the bootstrap's;
    but Wilson's with their sum as the successes where they are fewer than FEW or all the same:
    no scores vary more than zeros and ones with the same mean do.
    """
    kinds, counts = bootstrap.kinds_of(grades)
    is_rate = bool(np.all((kinds == 0) | (kinds == 1)))
    if not is_rate and len(kinds) > 1 and len(grades) >= FEW:
        return bootstrap.interval(counts, bootstrap.mean_of(kinds), confidence)
    return wilson.interval(min(float(grades.sum()), len(grades)), len(grades), confidence)


def reference_level(levels: Sequence[LevelSamples]) -> LevelSamples | None:
    """The level that the others' answers are compared with: the lowest load, of equals the first.

    Where a load is not known as a number of users it is the first level; None without levels.
    """
    if not levels:
        return None
    if any(level.users is None for level in levels):
        return min(levels, key=lambda level: level.step)
    return min(levels, key=lambda level: (level.users or 0, level.step))


def pairs_of(first: LevelSamples, level: LevelSamples, task: str, metric: str) -> pairing.Pairs:
    """The grades of the questions that were asked at both levels.

    The k-th graded answer to a question at one level goes with the k-th at the other. Only what
    opens a conversation counts: later turns carry the answers before them, so that they are not
    the same question at two levels.
    """
    before, after = _by_question(first, task, metric), _by_question(level, task, metric)
    rows = [
        (index, *pair)
        for index, question in enumerate(sorted(before.keys() & after.keys()))
        for pair in zip(before[question], after[question], strict=False)
    ]
    table = np.array(rows, dtype=np.float64).reshape(-1, 3)
    return pairing.Pairs(table[:, 0].astype(np.int64), table[:, 1], table[:, 2])


def choice_pairs_of(first: LevelSamples, level: LevelSamples, task: str) -> macro_f1.ChoicePairs:
    """The choices of the questions that were asked at both levels, paired as by `pairs_of`."""
    chosen, truth = (pairs_of(first, level, task, name) for name in ("chosen", "truth"))
    columns = (chosen.question, truth.before, chosen.before, chosen.after)
    return macro_f1.ChoicePairs(*(column.astype(np.int64) for column in columns))


def paired(
    first: LevelSamples, level: LevelSamples, task: str, metric: str
) -> pairing.Pairs | macro_f1.ChoicePairs:
    """The pairs by which a metric of a task is compared."""
    if metric == MACRO_F1:
        return choice_pairs_of(first, level, task)
    return pairs_of(first, level, task, metric)


def changes_of(
    levels: Sequence[LevelSamples], tasks: Sequence[str], confidence: float
) -> dict[int, tuple[QualityChange, ...]]:
    """By step: each metric's change against the lowest load, where there are pairs to tell it by.

    A change is called one where its p, adjusted for all comparisons of the run (Hommel), is at most
    1 - `confidence`: that nothing has changed and anything is said to have is so kept to a share
    of 1 - `confidence` of runs.
    """
    first = reference_level(levels)
    found = [
        (level, change)
        for level in levels
        if first is not None and level is not first
        for task in tasks
        for metric in level.qualities(task)
        if (change := _change(first, level, task, metric, confidence)) is not None
    ]
    adjusted = hommel([change.p for _, change in found])
    by_step: dict[int, list[QualityChange]] = {}
    for (level, change), p in zip(found, adjusted, strict=True):
        assert first is not None, "there is no change without a level to compare with"
        settled = replace(change, changed=p <= 1 - confidence)
        said = _sentence(settled, first, level)
        by_step.setdefault(level.step, []).append(replace(settled, said=said))
    return {step: tuple(changes) for step, changes in by_step.items()}


def _by_question(level: LevelSamples, task: str, metric: str) -> dict[str, list[float]]:
    grades: dict[str, list[float]] = {}
    for record in level.completed(task, everything=True):
        if metric in record.grades and record.turn == 0:
            grades.setdefault(record.prompt_id, []).append(record.grades[metric])
    return grades


def _change(
    first: LevelSamples, level: LevelSamples, task: str, metric: str, confidence: float
) -> QualityChange | None:
    pairs = paired(first, level, task, metric)
    if pairs.n == 0:
        return None
    bounds = pairs.drop_bounds(confidence)
    return QualityChange(
        task=task,
        metric=metric,
        pairs=pairs.n,
        questions=pairs.questions,
        before=pairs.before_value,
        after=pairs.after_value,
        drop=pairs.drop,
        low=bounds.low,
        high=bounds.high,
        p=pairs.p_value(),
    )


def _sentence(change: QualityChange, first: LevelSamples, level: LevelSamples) -> str:
    """What can be said of a change, in words."""
    name = f"{change.metric}({change.task})"
    before, after = wording.share(change.before), wording.share(change.after)
    between = (
        f"between {wording.level(first.users, first.step)} and "
        f"{wording.level(level.users, level.step)}"
    )
    p = wording.p_value(change.p)
    if change.changed:
        went = "fell" if change.drop > 0 else "rose"
        return f"{name} {went} from {before} to {after} {between} ({p})"
    return (
        f"nothing can be said of {name}: {before} and {after} {between}, a drop of "
        f"{wording.points(change.low)} to {wording.points(change.high)} ({p})"
    )
