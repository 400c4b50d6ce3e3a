"""When one phase of a load step gives way to the next: a pure function of time and situation."""

from dataclasses import dataclass
from enum import StrEnum

from loadproof.model.scenario import Step

CUT_WITHIN_S = 10.0
"""How long users may take to hand over the requests that were cut off."""


class Phase(StrEnum):
    """Where a step is. Requests started before MEASURE are warm-up; none starts from DRAIN on.

    In SPAWN users send requests only if the step has a warm-up: without one they wait until all
    are there, and start together.
    """

    SPAWN = "spawn"
    WARMUP = "warmup"
    MEASURE = "measure"
    DRAIN = "drain"
    CUT = "cut"
    OVER = "over"


@dataclass(frozen=True, slots=True)
class Situation:
    """What the next phase depends on. Times are seconds of one monotonic clock."""

    now_s: float
    since_s: float
    """When the present phase began."""
    users_ready: bool
    """As many users run as the step asks for."""
    spent: bool
    """As many requests were started as the step asks for."""
    decided: bool
    """The referee has ended the step."""
    idle: bool
    """No request is in flight anywhere."""
    stopping: bool
    """The run is to end: the step with it."""
    hurry: bool
    """It is to end at once, without the grace period."""


def next_phase(phase: Phase, step: Step, situation: Situation) -> Phase | None:
    """The phase that follows now, or None to stay. The warm-up counts from when all users run."""
    elapsed_s = situation.now_s - situation.since_s
    following: Phase | None = None
    match phase:
        case Phase.SPAWN | Phase.WARMUP | Phase.MEASURE if situation.stopping:
            following = Phase.CUT if situation.hurry else Phase.DRAIN
        case Phase.SPAWN if situation.users_ready:
            following = Phase.WARMUP if step.warmup_s > 0 else Phase.MEASURE
        case Phase.WARMUP if elapsed_s >= step.warmup_s:
            following = Phase.MEASURE
        case Phase.MEASURE if (
            situation.spent
            or situation.decided
            or (step.duration_s is not None and elapsed_s >= step.duration_s)
        ):
            following = Phase.DRAIN
        case Phase.DRAIN if situation.idle:
            following = Phase.OVER
        case Phase.DRAIN if elapsed_s >= step.grace_s or situation.hurry:
            following = Phase.CUT
        case Phase.CUT if situation.idle or elapsed_s >= CUT_WITHIN_S:
            following = Phase.OVER
    return following
