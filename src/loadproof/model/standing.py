"""What was found of claims: how each stands, by run and load level."""

from dataclasses import dataclass
from enum import StrEnum


class Standing(StrEnum):
    """How a claim stands."""

    REPRODUCED = "reproduced"
    REFUTED = "refuted"
    INCONCLUSIVE = "inconclusive"
    NOT_TESTED = "not tested"


@dataclass(frozen=True, slots=True)
class ClaimTest:
    """A claim at one load level of one run, or of a run as a whole where `step` is None.

    `reason` says why it was not tested, or what would settle it; `measured` is what was measured,
    in words, also where it proves nothing. `observed`, `low` and `high` are in the unit of an
    objective's limit, the bounds one-sided; None where there is none, as of percentiles, which
    are judged by shares of requests.
    """

    run: str
    step: int | None
    users: int | None
    standing: Standing
    reason: str = ""
    measured: str = ""
    n: int = 0
    observed: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class TestedClaim:
    """A claim, what each run and level says of it, and what follows from all of them."""

    claim: str
    model: str
    gpu: str | None
    against: str | None
    standing: Standing
    summary: str
    tests: tuple[ClaimTest, ...]


@dataclass(frozen=True, slots=True)
class ClaimsVerdict:
    """All claims of a source on some runs.

    `contradictions` are between the claims themselves, `gaps` what they leave out; both hold
    without any run.
    """

    source: str
    runs: tuple[str, ...]
    confidence: float
    exit_code: int
    claims: tuple[TestedClaim, ...]
    contradictions: tuple[str, ...]
    gaps: tuple[str, ...]
