"""The load levels that two runs share, and which of them are no evidence."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from loadproof.analysis import wording
from loadproof.analysis.judge import analyse
from loadproof.analysis.never_steady import changing
from loadproof.analysis.run_ruling import invalidations
from loadproof.analysis.samples import LevelSamples, level_samples
from loadproof.model.scenario import Scenario
from loadproof.recording.reader import RecordedRun


@dataclass(frozen=True, slots=True)
class PairedLevel:
    """One load level in both runs; `invalid` says why it is no evidence, where it is none."""

    base: LevelSamples
    new: LevelSamples
    invalid: str | None


def paired_levels(
    runs: tuple[RecordedRun, RecordedRun],
    paths: tuple[Path, Path],
    scenarios: tuple[Scenario, Scenario],
) -> tuple[list[PairedLevel], list[str]]:
    """The levels at which both runs measured something, and a sentence for each that one lacks.

    Levels of the same load are paired in their order.
    """
    levels = [
        {_key(level, before): level for before, level in _in_order(samples)}
        for samples in map(level_samples, runs, scenarios)
    ]
    invalid = list(map(_invalid_steps, runs, paths))
    pairs, missing = [], []
    for key in dict.fromkeys([*levels[0], *levels[1]]):
        base, new = levels[0].get(key), levels[1].get(key)
        if base is None or new is None or not (base.measured and new.measured):
            missing.append(_missing(key, base, new))
            continue
        why = invalid[0](base.step) or invalid[1](new.step)
        pairs.append(
            PairedLevel(base, new, why or _unsteady("BASE", base) or _unsteady("NEW", new))
        )
    return pairs, missing


def early_ends(levels: Sequence[PairedLevel]) -> Iterator[str]:
    """What to know of levels that ended as soon as their objectives were settled."""
    for pair in levels:
        for name, level in (("BASE", pair.base), ("NEW", pair.new)):
            if level.ended_early is not None:
                yield (
                    f"at {wording.level(level.users, level.step)} {name} was ended early: what "
                    "settled its objectives looks rather better or worse than it is"
                )


_Key = tuple[int | None, int]


def _in_order(samples: Sequence[LevelSamples]) -> Iterable[tuple[int, LevelSamples]]:
    """Each level with how many of the same load came before it."""
    loads = [level.users for level in samples]
    for index, level in enumerate(samples):
        yield loads[:index].count(level.users), level


def _key(level: LevelSamples, before: int) -> _Key:
    return level.users, before


def _missing(key: _Key, base: LevelSamples | None, new: LevelSamples | None) -> str:
    either = base or new
    assert either is not None, "a key comes from one of the runs"
    lacking = [
        name
        for name, level in (("BASE", base), ("NEW", new))
        if level is None or not level.measured
    ]
    where = " and ".join(lacking)
    return f"{wording.level(key[0], either.step)}: nothing was measured in {where}"


def _invalid_steps(run: RecordedRun, path: Path) -> Callable[[int], str | None]:
    """Why a step of the run is no evidence: it was marked so, or the generator was in the way."""
    marked = invalidations(run.events)
    troubles = {
        level.step: level.generator.troubles
        for level in analyse(run, path).levels
        if level.generator is not None and level.generator.troubles
    }

    def why(step: int) -> str | None:
        found = [message for of, message in marked if of is None or of == step]
        found += troubles.get(step, ())
        return f"{path.name}: {found[0]}" if found else None

    return why


def _unsteady(name: str, level: LevelSamples) -> str | None:
    """Averages over a level that keeps changing say nothing of it."""
    if level.steadiness is None or level.steadiness.steady is not False:
        return None
    return f"{name} never got steady: {changing(level.steadiness)}"
