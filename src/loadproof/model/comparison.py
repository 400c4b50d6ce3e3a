"""What comparing two runs found: comparison.json is this, encoded."""

from dataclasses import dataclass
from enum import StrEnum


class Change(StrEnum):
    """What is said of one metric at one load level, from the base run to the new one."""

    BETTER = "BETTER"
    WORSE = "WORSE"
    EQUIVALENT = "EQUIVALENT"
    """Different by less than the margin, beyond doubt."""
    UNDECIDED = "UNDECIDED"
    OBSERVED = "OBSERVED"
    """Shown, and not judged: a maximum that was seen once has no known error."""
    INVALID = "INVALID"
    """One of the runs is no evidence at this level."""


class Family(StrEnum):
    """Of which kind a metric is, which decides its unit, its margin and how it is compared."""

    LATENCY = "latency"
    THROUGHPUT = "throughput"
    RATE = "rate"
    QUALITY = "quality"
    MEMORY = "memory"


RELATIVE = frozenset({Family.LATENCY, Family.THROUGHPUT, Family.MEMORY})
"""What differs by a share of the base; the others differ by percentage points."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One metric of one run at one level: milliseconds, per second, a share from 0 to 1, or bytes.

    `low` and `high` each hold at the comparison's confidence on their own; None where nothing is
    known on that side. `n` requests (of memory: samples) weigh as much as `effective_n` independent
    ones.
    """

    value: float
    low: float | None
    high: float | None
    n: int
    effective_n: float | None


@dataclass(frozen=True, slots=True)
class Contrast:
    """One metric at one load level in both runs.

    `difference`, `low`, `high` and `margin` are relative to the base where `relative` says so (0.05
    is 5 % more), else differences of shares (0.01 is one percentage point). `low` and `high` each
    hold at the comparison's confidence on their own. `p_worse` and `p_better` are adjusted for all
    metrics and levels of the comparison. `pairs` questions were answered in both runs, where the
    answers were compared question by question.
    """

    metric: str
    family: Family
    step: int
    users: int | None
    change: Change
    reason: str
    base: Figure | None
    new: Figure | None
    relative: bool
    lower_is_better: bool
    difference: float | None
    low: float | None
    high: float | None
    margin: float | None
    p_worse: float | None
    p_better: float | None
    pairs: int | None = None


@dataclass(frozen=True, slots=True)
class Party:
    """One of the two runs: which it is and what it was measured with."""

    run: str
    server: str
    model: str
    engine: str
    simulated: bool
    machine: str
    gpu: str
    started: str
    loadproof: str


@dataclass(frozen=True, slots=True)
class RuleFinding:
    """One `--fail-on` rule and what it found; `failures` are sentences, empty where none."""

    rule: str
    failures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two runs of a scenario, compared. `exit_code` is what the rules make of it."""

    schema_version: int
    scenario: str
    confidence: float
    base: Party
    new: Party
    exit_code: int
    notes: tuple[str, ...]
    """What a reader has to know before believing it, most weighty first."""
    missing_levels: tuple[str, ...]
    rules: tuple[RuleFinding, ...]
    contrasts: tuple[Contrast, ...]
