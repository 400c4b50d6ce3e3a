"""How a server scales: what was measured against concurrency, and the law fitted to it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Estimate:
    """A number with its two-sided interval; None where it has no bound."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class ScalingLevel:
    """One level: requests in flight on average (by the time integral), completed requests per
    second with the standard error of that, and mean end-to-end latency in seconds, all over the
    steady part. `littles` is throughput times latency, which has to be the number in flight of
    those requests, `completing`."""

    step: int
    users: int | None
    concurrency: float
    requests_per_s: float
    error_per_s: float
    latency_s: float
    completing: float
    littles: float
    server_concurrency: float | None
    """The server's own mean of requests running and waiting; None where it gave none."""
    trouble: str | None = None
    """Why this level's measurement contradicts itself; None where it does not."""


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The fitted law at one concurrency. `measured`: within the measured levels, else predicted."""

    concurrency: float
    requests_per_s: float
    low: float
    high: float
    measured: bool


@dataclass(frozen=True, slots=True)
class ScalingLaw:
    """X(N) = alone N / (1 + contention (N - 1) + crosstalk N (N - 1)), N requests in flight."""

    alone_per_s: Estimate
    contention: Estimate
    crosstalk: Estimate
    knee: Estimate
    """Where throughput is highest; no upper bound where crosstalk may be nothing."""
    most_per_s: Estimate
    """The throughput there, or what it levels off at."""
    misfit: float
    """The largest distance of a level from the law, relative to it."""
    fits: bool
    """Whether the levels lie on the law as near as their errors let them."""
    curve: tuple[CurvePoint, ...]


@dataclass(frozen=True, slots=True)
class Scaling:
    """Of a run with load levels; without a `law` the `note` says what is missing for one."""

    levels: tuple[ScalingLevel, ...]
    law: ScalingLaw | None
    note: str
