"""From the judgements of a run to the one ruling and exit code that a pipeline goes by."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Self

from loadproof.analysis import wording
from loadproof.model.exit_codes import ExitCode
from loadproof.model.verdict import Judgement, Level, Ruling
from loadproof.recording.reader import RecordedRun

EXIT_CODES = {
    Ruling.HOLDS: ExitCode.HOLDS,
    Ruling.BROKEN: ExitCode.BROKEN,
    Ruling.INCONCLUSIVE: ExitCode.INCONCLUSIVE,
    Ruling.INVALID: ExitCode.INVALID,
}


class Ending(Enum):
    """How a run ended."""

    COMPLETE = auto()
    CUT_OFF = auto()
    """Without an end: the process was killed."""
    INTERRUPTED = auto()
    SERVER_FAILED = auto()

    @classmethod
    def of(cls, run: RecordedRun) -> Self:
        """By the last run_end event; without one the run was cut off."""
        reasons = [event.get("reason") for event in run.events if event.get("kind") == "run_end"]
        if not reasons:
            return cls["CUT_OFF"]
        match reasons[-1]:
            case "interrupted":
                return cls["INTERRUPTED"]
            case "server_failed":
                return cls["SERVER_FAILED"]
            case _:
                return cls["COMPLETE"]


_ENDINGS = {
    Ending.CUT_OFF: "the run was cut off before its end",
    Ending.INTERRUPTED: "the run was interrupted before its end",
    Ending.SERVER_FAILED: "the server failed during the run",
}


@dataclass(frozen=True, slots=True)
class RunRuling:
    """The ruling on a run; None where nothing was asked of it."""

    ruling: Ruling | None
    exit_code: ExitCode
    reasons: tuple[str, ...]


def invalidations(events: Iterable[dict[str, Any]]) -> list[tuple[int | None, str]]:
    """What marked the run invalid: (step or None for all of it, message), each once."""
    found = [
        (event.get("step"), str(event.get("message", "the run was marked invalid")))
        for event in events
        if event.get("kind") == "warning" and event.get("invalid") is True
    ]
    return list(dict.fromkeys(found))


def rule_run(
    judgements: list[Judgement],
    levels: list[Level],
    *,
    ending: Ending,
    invalid: list[str],
    unasked: list[str],
) -> RunRuling:
    """The run's ruling, by the first of these that applies:

    INVALID if something went wrong that marked it so: no part of it is evidence. BROKEN if an
    objective is broken at a level, also in a run that was cut off; what the generator's own error
    could have broken is not among these. INVALID if that error could have moved a judgement: what
    a bottleneck in the generator measured is no evidence, for or against. INCONCLUSIVE if a
    judgement is, if an objective was asked of no level (`unasked`), if the run did not come to its
    end, or if no request completed. HOLDS if there were objectives, else None, which exits with 0.

    A run whose server failed exits with SERVER_FAILED, whatever the ruling.
    """
    broken = [judgement for judgement in judgements if judgement.ruling is Ruling.BROKEN]
    open_ones = [judgement for judgement in judgements if judgement.ruling is Ruling.INCONCLUSIVE]
    doubtful = [judgement for judgement in judgements if judgement.ruling is Ruling.INVALID]
    undecided = [_sentence(judgement) for judgement in open_ones]
    undecided += [f"{text} was asked of no load level of this run" for text in unasked]
    if not any(level.completed for level in levels):
        undecided.insert(0, "no request completed")
    ended = [_ENDINGS[ending]] if ending in _ENDINGS else []
    ruling: Ruling | None
    if invalid:
        ruling, reasons = Ruling.INVALID, [*invalid, *ended]
    elif broken:
        ruling, reasons = Ruling.BROKEN, [*map(_sentence, broken), *ended]
    elif doubtful:
        ruling, reasons = Ruling.INVALID, [*map(_sentence, doubtful), *ended]
    elif undecided or ended:
        ruling, reasons = Ruling.INCONCLUSIVE, [*ended, *undecided]
    elif judgements:
        ruling, reasons = Ruling.HOLDS, [_all_hold(judgements)]
    else:
        ruling, reasons = None, ["the scenario states no objectives: nothing was judged"]
    exit_code = ExitCode.HOLDS if ruling is None else EXIT_CODES[ruling]
    if ending is Ending.SERVER_FAILED:
        exit_code = ExitCode.SERVER_FAILED
        reasons = [*ended, *(reason for reason in reasons if reason not in ended)]
    return RunRuling(ruling, exit_code, tuple(reasons))


_SAID = {
    Ruling.HOLDS: "holds",
    Ruling.BROKEN: "is broken",
    Ruling.INCONCLUSIVE: "is undecided",
    Ruling.INVALID: "cannot be judged",
}


def _sentence(judgement: Judgement) -> str:
    said = _SAID[judgement.ruling]
    at = wording.level(judgement.users, judgement.step)
    return f"{judgement.objective} {said} at {at}: {judgement.reason}"


def _all_hold(judgements: list[Judgement]) -> str:
    objectives = len({judgement.objective for judgement in judgements})
    levels = len({judgement.step for judgement in judgements})
    subject = "the objective holds" if objectives == 1 else f"all {objectives} objectives hold"
    where = "the load level" if levels == 1 else f"the {levels} load levels"
    return f"{subject} at {where} asked of"
