"""What the analysis found: load levels, judgements, the verdict. verdict.json is this, encoded."""

from dataclasses import dataclass, field
from enum import StrEnum


class Ruling(StrEnum):
    """What is said of an objective at a load level, and of a run as a whole."""

    HOLDS = "HOLDS"
    BROKEN = "BROKEN"
    INCONCLUSIVE = "INCONCLUSIVE"
    INVALID = "INVALID"


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Of one latency at one level, in milliseconds; None where there are no samples."""

    n: int
    mean: float | None
    p50: float | None
    p90: float | None
    p95: float | None
    p99: float | None
    max: float | None


@dataclass(frozen=True, slots=True)
class Quality:
    """A graded metric of one task at one level: its mean from 0 to 1 over `n` answers."""

    task: str
    metric: str
    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Level:
    """One load level: what was asked, what came back. Warm-up is left out of all but `warmup`.

    `tokens_per_s` are output tokens of completed requests over `duration_s`, from the first
    measured start to the last end. Memory is in bytes, None where it was not sampled.
    """

    step: int
    users: int | None
    duration_s: float
    sent: int
    completed: int
    failed: int
    cut_off: int
    warmup: int
    failures: dict[str, int]
    output_tokens: int
    tokens_per_s: float | None
    requests_per_s: float | None
    latencies: dict[str, Percentiles]
    by_task: dict[str, dict[str, Percentiles]]
    qualities: tuple[Quality, ...]
    peak_memory: dict[str, int]
    gauges: dict[str, float]
    process_clock: int
    """Requests whose arrivals were read from the process's clock, not the kernel's."""
    multi_token_events: int
    """Requests in which events bore more than one token."""


@dataclass(frozen=True, slots=True)
class Judgement:
    """One objective at one load level.

    `estimate`, `low` and `high` are of what is judged: the share over the limit for percentiles
    (whose own value is `observed`, in the objective's unit), else the quantity itself.
    """

    objective: str
    kind: str
    step: int
    users: int | None
    ruling: Ruling
    reason: str
    n: int
    limit: float
    observed: float | None = None
    estimate: float | None = None
    low: float | None = None
    high: float | None = None
    more_requests: int | None = None
    """How many more requests would be expected to settle it, where that can be said."""


@dataclass(frozen=True, slots=True)
class RunVerdict:
    """A run, judged. `ruling` is None where the run had no objectives."""

    schema_version: int
    run: str
    scenario: str
    server: str
    simulated: bool
    confidence: float
    ruling: Ruling | None
    exit_code: int
    reasons: tuple[str, ...]
    """Why the run as a whole is judged so, most weighty first."""
    warnings: tuple[str, ...]
    """What a reader has to know before believing it: cut off, torn lines, missing telemetry."""
    levels: tuple[Level, ...]
    judgements: tuple[Judgement, ...] = field(default=())
