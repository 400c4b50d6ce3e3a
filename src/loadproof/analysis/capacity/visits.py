"""The visits of a recorded search: what was to be found out at each level, and what was."""

from collections.abc import Sequence
from dataclasses import dataclass

from loadproof.analysis.capacity.policy import Purpose, Visit
from loadproof.analysis.capacity.visit import Says, says
from loadproof.analysis.samples import LevelSamples
from loadproof.model.scenario import Scenario
from loadproof.model.verdict import Ruling
from loadproof.recording.control import Decision, NextStep

LIKELY = 0.5


@dataclass(frozen=True, slots=True)
class Made:
    """A visit that was made: as it was decided, its samples, and what they say."""

    decided: NextStep
    level: LevelSamples
    said: Says

    @property
    def visit(self) -> Visit:
        """What the policy knows of it."""
        return visit_of(self.decided, self.said)


def made_visits(
    control: Sequence[Decision],
    samples: Sequence[LevelSamples],
    scenario: Scenario,
    cpus: int | None,
) -> list[Made]:
    """The visits of a run in their order; one that was broken off counts as far as it came."""
    levels = {level.step: level for level in samples}
    decided = {d.step: d for d in reversed(control) if isinstance(d, NextStep)}
    return [
        Made(decided[step], levels[step], said_at(decided[step], levels[step], scenario, cpus))
        for step in sorted(decided.keys() & levels.keys())
        if levels[step].measured
    ]


def said_at(decided: NextStep, level: LevelSamples, scenario: Scenario, cpus: int | None) -> Says:
    """What the samples of one visit say, by its purpose."""
    confidence = decided.confidence if Purpose(decided.purpose).is_claim else None
    return says(level, scenario.parsed_objectives(), scenario, confidence, cpus)


def visit_of(decided: NextStep, said: Says) -> Visit:
    """What the policy has to know of a visit."""
    purpose = Purpose(decided.purpose)
    return Visit(decided.users, purpose, said.n, said.leaning, said.ruling, said.invalid)


def wording_of(visit: Visit) -> str:
    """What a visit came to, in words."""
    if visit.invalid:
        return "the load generator was the bottleneck"
    if visit.ruling in (Ruling.HOLDS, Ruling.BROKEN):
        return f"{visit.ruling}"
    likely = "likely to hold" if visit.leaning.holds >= LIKELY else "likely to be broken"
    if visit.purpose.is_claim:
        return f"not to be settled here ({likely})"
    return likely
