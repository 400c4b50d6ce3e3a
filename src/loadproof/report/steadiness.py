"""What the reports say of start-up and steadiness: a sentence a level."""

from loadproof.analysis.never_steady import changing, startup
from loadproof.analysis.wording import count, seconds
from loadproof.model.verdict import Level, RunVerdict, Steadiness
from loadproof.report.cells import NOTHING


def rows(verdict: RunVerdict) -> list[tuple[Level, str, str]]:
    """Each level whose steadiness was looked at, in two words and with the evidence."""
    return [
        (level, in_short(level.steadiness), evidence(level.steadiness))
        for level in verdict.levels
        if level.steadiness is not None
    ]


def in_short(steadiness: Steadiness) -> str:
    """ "steady", "never steady" or "too short to tell"."""
    names = {True: "steady", False: "never steady", None: "too short to tell"}
    return names[steadiness.steady]


def cut(steadiness: Steadiness) -> str:
    """What was cut, short enough for a cell."""
    if not steadiness.cut_requests:
        return NOTHING
    return f"{count(steadiness.cut_requests)}, {seconds(steadiness.cut_s)}"


def evidence(steadiness: Steadiness) -> str:
    """What was cut or what kept changing; how much is missing where that cannot be told."""
    if steadiness.drifts:
        return changing(steadiness)
    parts = [startup(steadiness)]
    if steadiness.steady is None:
        parts.append(
            f"{steadiness.requests} of the {steadiness.requests_to_tell} requests it takes"
        )
    return "; ".join(part for part in parts if part)
