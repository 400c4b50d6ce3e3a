"""One load level in two runs: each metric's difference, with its bounds at every error rate."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from loadproof.analysis.figures import Estimate, estimates_of
from loadproof.analysis.levels import peak
from loadproof.analysis.quality import paired
from loadproof.analysis.samples import LevelSamples
from loadproof.model.comparison import RELATIVE, Family
from loadproof.model.metrics import MACRO_F1, MEMORIES
from loadproof.model.objective import Objective
from loadproof.stats import macro_f1
from loadproof.stats.confidence_curve import ERRORS, Curve, unknown
from loadproof.stats.difference import difference, relative_change
from loadproof.stats.interval import Interval
from loadproof.stats.long_run import independent_share_curve
from loadproof.stats.pairing import Pairs, design_effect


@dataclass(frozen=True, slots=True)
class Tested:
    """One metric in both runs; `change` is relative to the base for families that are RELATIVE.

    A run that has no value of it has None there, and then there is no change. Memory has values
    and no bounds. `pairs` questions were compared with themselves.
    """

    metric: str
    family: Family
    lower_is_better: bool
    base: Curve | None
    new: Curve | None
    change: Curve | None
    pairs: int | None = None

    def p_worse(self, by: float = 0.0) -> float:
        """One-sided p that NEW is not worse by more than `by`."""
        assert self.change is not None, "only what both runs have is tested"
        return self.change.p_above(by) if self.lower_is_better else self.change.p_below(-by)

    def p_better(self) -> float:
        """One-sided p that NEW is not better."""
        assert self.change is not None, "only what both runs have is tested"
        return self.change.p_below(0.0) if self.lower_is_better else self.change.p_above(0.0)


def tested(
    base: LevelSamples, new: LevelSamples, objectives: Sequence[Objective]
) -> Iterator[Tested]:
    """All metrics of a level that one of the runs has.

    Time to the first answer token is left out where it is that of the first token in both.
    """
    before = {estimate.metric: estimate for estimate in estimates_of(base, objectives)}
    after = {estimate.metric: estimate for estimate in estimates_of(new, objectives)}
    nobody_thought = all(_answers_at_once(level) for level in (base, new))
    for metric in dict.fromkeys([*before, *after]):
        if not (nobody_thought and "(ttfat)" in metric):
            yield of_estimates(before.get(metric), after.get(metric))
    yield from _qualities(base, new)
    for name in MEMORIES:
        if name in base.samples or name in new.samples:
            yield _memory(name, base, new)


def _answers_at_once(level: LevelSamples) -> bool:
    return np.array_equal(level.latencies_ms("ttfat"), level.latencies_ms("ttft"))


def of_estimates(base: Estimate | None, new: Estimate | None) -> Tested:
    """One metric of a level in both runs, of which one may lack it."""
    either = base or new
    assert either is not None, "one of the runs has the metric"
    change = None
    if base is not None and new is not None:
        if either.family not in RELATIVE:
            change = difference(new.curve, base.curve)
        elif base.curve.estimate > 0 and new.curve.estimate > 0:
            change = relative_change(new.curve, base.curve)
    return Tested(
        either.metric,
        either.family,
        lower_is_better=either.lower_is_better,
        base=base.curve if base else None,
        new=new.curve if new else None,
        change=change,
    )


def _qualities(base: LevelSamples, new: LevelSamples) -> Iterator[Tested]:
    """Answers to the same questions are compared with each other, where at least half are."""
    graded = {
        (task, metric)
        for level in (base, new)
        for task in {record.task for record in level.completed(everything=True)}
        for metric in level.qualities(task)
    }
    for task, metric in sorted(graded):
        yield of_quality(base, new, task, metric)


def of_quality(base: LevelSamples, new: LevelSamples, task: str, metric: str) -> Tested:
    """One grade of one task in both runs, by pairs where at least half of the answers have one."""
    curves = [quality_curve(level, task, metric) for level in (base, new)]
    pairs = paired(base, new, task, metric)
    answers = min(0 if curve is None else curve.n for curve in curves)
    by_pairs = 0 < answers <= 2 * pairs.n
    change = None
    if by_pairs:
        change = _gain_curve(pairs)
    elif curves[0] is not None and curves[1] is not None:
        change = difference(curves[1], curves[0])
    return Tested(
        f"{metric}({task})",
        Family.QUALITY,
        lower_is_better=False,
        base=curves[0],
        new=curves[1],
        change=change,
        pairs=pairs.n if by_pairs else None,
    )


def quality_curve(level: LevelSamples, task: str, metric: str) -> Curve | None:
    """A grade of one level, whose answers do not depend on each other; None without any."""
    if metric != MACRO_F1:
        grades = level.grades(task, metric)
        return independent_share_curve(grades) if len(grades) else None
    truth, chosen = level.choices(task)
    if not len(truth):
        return None
    curve = unknown(macro_f1.macro_f1(truth, chosen), len(truth), len(truth))
    return _bounded(curve, lambda confidence: macro_f1.interval(truth, chosen, confidence, sides=1))


def _gain_curve(pairs: Pairs | macro_f1.ChoicePairs) -> Curve:
    """How much better the second answers are."""
    if isinstance(pairs, Pairs):
        weight, exact = pairs.n / design_effect(pairs), pairs.binary
    else:
        weight, exact = float(pairs.questions), False

    def gain(confidence: float) -> Interval:
        drop = pairs.drop_bounds(confidence, sides=1)
        return Interval(-drop.high, -drop.low)

    return _bounded(unknown(-pairs.drop, pairs.n, weight), gain, exact=exact)


_FINEST_BOOTSTRAP = 4e-4
"""The smallest error rate that a few thousand replicates can bound."""


def _bounded(curve: Curve, at: Callable[[float], Interval], *, exact: bool = False) -> Curve:
    """The curve with its bounds `at` a few confidences; in between the next wider ones hold, and
    what a bootstrap cannot tell stays unknown."""
    every = 2 if exact else 8
    for index in range(0, len(ERRORS), every):
        if not exact and ERRORS[index] < _FINEST_BOOTSTRAP:
            break
        bounds = at(1 - float(ERRORS[index]))
        filled = slice(max(index - every + 1, 0), index + 1)
        curve.low[filled], curve.high[filled] = bounds.low, bounds.high
    return curve


def _memory(name: str, base: LevelSamples, new: LevelSamples) -> Tested:
    peaks = [
        unknown(peak(level.samples[name]), len(level.samples[name]), 0.0)
        if name in level.samples
        else None
        for level in (base, new)
    ]
    change = None
    if peaks[0] is not None and peaks[1] is not None and peaks[0].estimate > 0:
        change = unknown(peaks[1].estimate / peaks[0].estimate - 1, 0, 0.0)
    return Tested(
        f"peak({name})",
        Family.MEMORY,
        lower_is_better=True,
        base=peaks[0],
        new=peaks[1],
        change=change,
    )


def finite(value: float) -> float | None:
    """None for a bound about which nothing is known."""
    return float(value) if np.isfinite(value) else None
