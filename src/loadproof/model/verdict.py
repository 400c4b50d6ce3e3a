"""What the analysis found: load levels, judgements, the verdict. verdict.json is this, encoded."""

from dataclasses import dataclass, field
from enum import StrEnum

from loadproof.model.scaling import Scaling


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
    """A graded metric of one task at one level: its mean from 0 to 1 over `n` answers.

    `low` and `high` are two-sided: Wilson's of a rate, the bootstrap's of a score such as F1.
    """

    task: str
    metric: str
    n: int
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class QualityChange:
    """A graded metric of one task against the lowest load level, on the questions asked at both.

    `before` and `after` are its means over `pairs` of answers to `questions` different questions,
    `drop` is by how much it fell, with the two-sided `low` and `high`. `p` is that of no change.
    """

    task: str
    metric: str
    pairs: int
    questions: int
    before: float
    after: float
    drop: float
    low: float
    high: float
    p: float
    changed: bool = False
    """Whether it is one, with all comparisons of the run taken into account."""
    said: str = ""


@dataclass(frozen=True, slots=True)
class GeneratorHealth:
    """How the load generator itself fared while a level was measured; shares are from 0 to 1.

    Lateness is in milliseconds: of the loop, how late a timer of 10 ms fired (up to 1.1 ms in a
    loop that has nothing to do); of reading, how long an event had waited in the kernel (None
    without kernel stamps). CPU shares are of one core, of the worker that used most.
    """

    workers: int
    loop_lateness: Percentiles
    read_lateness: Percentiles | None
    process_clock: float
    """Of completed requests: timed by the process's clock, not the kernel's."""
    first_tokens_coalesced: float
    """Of completed requests: the first token shared a read with a later one."""
    events_coalesced: float
    cpu_share_mean: float
    cpu_share_max: float
    """Of the busiest second or so."""
    cpu_wait_share: float | None
    """Of the time, how long a worker was ready to run and had no CPU; None where unknown."""
    start_delay_p99_ms: float | None
    delivered: float | None
    """Of the load that was asked for: what the generator's own delays did not take away."""
    concurrency: float | None
    """Requests in flight on average, pauses between them not counted."""
    backlog_max: int
    """Requests that had ended and were not yet graded and handed over, at most."""
    longest_collection_ms: float
    """The longest garbage collection of more than a millisecond; 0 without any."""
    clock_drift_ms: float
    """How far the kernel's and the monotonic clock have moved apart since the process began."""
    clock_steps: int
    """How often the wall clock was set since then."""
    troubles: tuple[str, ...] = ()
    """What a judgement here may owe to the generator, each with what to do; empty: it is fine."""


@dataclass(frozen=True, slots=True)
class EndedEarly:
    """That a level was ended before its time, how long after its measuring began, and why."""

    after_s: float
    why: str


@dataclass(frozen=True, slots=True)
class TokenCounts:
    """Of tokens an answer: mean and exact percentiles over the answers."""

    mean: float
    p50: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True)
class Thinking:
    """What the answers that thought were made of, at one level.

    `answers` completed with thinking; `unfinished` of them ended without a token of the answer
    proper, which is the share from `low` to `high` (Wilson's interval).
    """

    answers: int
    unfinished: int
    low: float
    high: float
    thinking_tokens: TokenCounts
    answer_tokens: TokenCounts


START_BURST = "start_burst"
"""What is cut of a closed loop whose users all start at once."""


@dataclass(frozen=True, slots=True)
class Drift:
    """How a quantity changed over a level: `ratio` of the last quarter to the first.

    `p` is the chance of as much in a steady level. `after_s` is when it came at once, counted from
    the beginning of the measuring; None where it came gradually.
    """

    quantity: str
    ratio: float
    p: float
    after_s: float | None


@dataclass(frozen=True, slots=True)
class Climb:
    """A memory that grows steadily: from `first_bytes` in the first quarter of a level to
    `last_bytes` in its last, at `bytes_per_s` in its second half."""

    quantity: str
    first_bytes: int
    last_bytes: int
    bytes_per_s: float
    p: float


@dataclass(frozen=True, slots=True)
class Steadiness:
    """Whether a level became steady, and from when on. Latencies and throughput are judged by
    requests that were started from `from_ns` on (monotonic; None: by all that are no warm-up)."""

    steady: bool | None
    """None: too short to tell."""
    from_ns: int | None
    cut_requests: int
    """Started before that, and counted for failures and peaks alone."""
    cut_s: float
    cut_by: str | None
    """The quantity that took longest to become steady, or START_BURST."""
    drifts: tuple[Drift, ...]
    """What kept changing in a level that never got steady."""
    climbs: tuple[Climb, ...]
    requests: int
    """Completed requests that this was told from: those of the part that is judged."""
    requests_to_tell: int
    """How many it takes to tell."""


@dataclass(frozen=True, slots=True)
class Level:
    """One load level: what was asked, what came back. Warm-up is left out of all but `warmup`.

    `duration_s` is from the first measured start to the last end. `tokens_per_s` and
    `requests_per_s` are output tokens that arrived and requests that completed while the load was
    up: from the beginning of the measuring to that of the draining, those of requests that were
    started in the warm-up included; where a start-up was cut they count from its end on, as
    latencies do. Memory is in bytes, None where it was not sampled.
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
    generator: GeneratorHealth | None = None
    """None in a run that did not measure its own generator."""
    steadiness: Steadiness | None = None
    """None where nothing completed."""
    changes: tuple[QualityChange, ...] = ()
    """Of the qualities, against the lowest load level; none at that level itself."""
    ended_early: EndedEarly | None = None
    """None for a level that lasted as long as it was to."""
    thinking: Thinking | None = None
    """None where no answer thought."""


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
    more_s: float | None = None
    """How long those would take at the pace of this level."""


@dataclass(frozen=True, slots=True)
class CapacityVisit:
    """One visit of a search to a level: what for, how many requests it measured, what they say."""

    step: int
    level: int
    purpose: str
    requests: int
    said: str


@dataclass(frozen=True, slots=True)
class Capacity:
    """The highest load at which all objectives hold, as far as a search has found it.

    `holds_up_to` and `broken_from` are both right at `confidence`; between them nothing is claimed.
    None where no such level was found. Throughput and goodput are those at `holds_up_to`.
    """

    axis: str
    """What a level counts: concurrent users."""
    holds_up_to: int | None
    broken_from: int | None
    confidence: float
    breaks_first: tuple[str, ...]
    """The objectives that are broken at `broken_from`."""
    requests_per_s: float | None
    tokens_per_s: float | None
    goodput_per_s: float | None
    """Requests a second that complete and are within the limit of each latency objective."""
    ended: str
    """Why the search ended."""
    requests: int
    """Measured in all visits together."""
    duration_s: float
    visits: tuple[CapacityVisit, ...]
    contradictions: tuple[str, ...]
    """Visits that speak against more load never being better."""
    sentence: str


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
    scaling: Scaling | None = None
    """How the server scales over the levels; None in a verdict of before that was looked at."""
    capacity: Capacity | None = None
    """What a search for it found; None for a run that walked through the steps of a scenario."""
