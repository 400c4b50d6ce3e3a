"""Which of several models for which task at which load: what their runs can settle, and no more."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from loadproof.analysis.contrasts import Tested, of_estimates, of_quality, quality_curve
from loadproof.analysis.figures import Estimate, latencies_of
from loadproof.analysis.levels import peak
from loadproof.analysis.samples import LevelSamples
from loadproof.model.comparison import Family
from loadproof.model.metrics import MEMORIES
from loadproof.stats.confidence_curve import Curve, unknown
from loadproof.stats.multiplicity import hommel

LATENCIES = (("ttft", "mean(ttft)"), ("ttft", "p99(ttft)"), ("e2e", "mean(e2e)"))


@dataclass(frozen=True, slots=True)
class Choice:
    """One figure of one task at one load level, in each run (None where a run has none of it).

    `best` is the index of the run that is better than each of the others beyond doubt, None where
    that is undecided; of memory it is always None, since a peak has no known error.
    """

    task: str
    users: int
    metric: str
    family: Family
    curves: tuple[Curve | None, ...]
    best: int | None


def selection(runs: Sequence[Sequence[LevelSamples]], confidence: float) -> list[Choice]:
    """All figures of all tasks at all levels that at least two of the runs have, level by level.

    A run is called best with p-values that are taken times the number of runs, since any of them
    might have come out on top, and adjusted for all rows (`hommel`): where all are equal, anything
    is said of any row in at most 1 - `confidence` of such tables.
    """
    found = list(_rows(runs))
    adjusted = hommel([p for _, p in found])
    return [
        choice if p <= 1 - confidence else replace(choice, best=None)
        for (choice, _), p in zip(found, adjusted, strict=True)
    ]


def _rows(runs: Sequence[Sequence[LevelSamples]]) -> Iterator[tuple[Choice, float]]:
    by_users = [{level.users: level for level in levels if level.users} for levels in runs]
    for users in sorted({users for levels in by_users for users in levels if users}):
        levels = [found.get(users) for found in by_users]
        tasks = {
            r.task: None for level in levels if level for r in level.completed(everything=True)
        }
        for task in tasks:
            for metric in _grades(levels, task):
                yield _of_grade(levels, users, task, metric)
            for latency, name in LATENCIES:
                yield _of_latency(levels, users, task, latency, name)
        for name in MEMORIES:
            peaks = tuple(_peak(level, name) for level in levels)
            if any(peaks):
                yield Choice("", users, f"peak({name})", Family.MEMORY, peaks, None), 1.0


def _grades(levels: Sequence[LevelSamples | None], task: str) -> list[str]:
    return list(
        dict.fromkeys(metric for level in levels if level for metric in level.qualities(task))
    )


def _of_grade(
    levels: Sequence[LevelSamples | None], users: int, task: str, metric: str
) -> tuple[Choice, float]:
    curves = tuple(
        None if level is None else quality_curve(level, task, metric) for level in levels
    )

    def against(base: int, new: int) -> Tested:
        before, after = levels[base], levels[new]
        assert before is not None, "it has a curve"
        assert after is not None, "it has a curve"
        return of_quality(before, after, task, metric)

    return _chosen(Choice(task, users, metric, Family.QUALITY, curves, None), against)


def _of_latency(
    levels: Sequence[LevelSamples | None], users: int, task: str, latency: str, name: str
) -> tuple[Choice, float]:
    estimates = [
        None if level is None else _named(latencies_of(level, latency, task), name)
        for level in levels
    ]
    curves = tuple(None if estimate is None else estimate.curve for estimate in estimates)
    return _chosen(
        Choice(task, users, name, Family.LATENCY, curves, None),
        lambda base, new: of_estimates(estimates[base], estimates[new]),
    )


def _named(estimates: Iterator[Estimate], name: str) -> Estimate | None:
    return next((estimate for estimate in estimates if estimate.metric == name), None)


def _peak(level: LevelSamples | None, name: str) -> Curve | None:
    if level is None or name not in level.samples:
        return None
    return unknown(peak(level.samples[name]), len(level.samples[name]), 0.0)


def _chosen(choice: Choice, against: Callable[[int, int], Tested]) -> tuple[Choice, float]:
    """The choice with whatever looks best, and p that it is not better than all others."""
    there = {index: curve for index, curve in enumerate(choice.curves) if curve is not None}
    if len(there) < 2:
        return choice, 1.0
    sign = 1 if choice.family is Family.QUALITY else -1
    best = max(there, key=lambda index: sign * there[index].estimate)
    found = [against(rival, best) for rival in there if rival != best]
    p = max(1.0 if tested.change is None else tested.p_better() for tested in found)
    return replace(choice, best=best), min(p * len(there), 1.0)
