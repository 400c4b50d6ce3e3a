"""Objectives: what sentences such as `p99(ttft) <= 120ms` mean, and their normal form."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from loadproof.model.metrics import LATENCIES
from loadproof.model.quantity import BYTES, MILLISECONDS, number_text


class Kind(StrEnum):
    """What an objective is about, which decides how it is judged."""

    PERCENTILE = "percentile"
    MEAN = "mean"
    RATE = "rate"
    QUALITY = "quality"
    DROP = "drop"
    GOODPUT = "goodput"
    """A share of the requests."""
    GOODPUT_RATE = "goodput_rate"
    """Requests per second."""
    THROUGHPUT = "throughput"
    PEAK = "peak"
    GAUGE = "gauge"
    COUNTER = "counter"


PERCENT = Decimal("0.01")

AT_LEAST = frozenset({Kind.QUALITY, Kind.GOODPUT, Kind.GOODPUT_RATE, Kind.THROUGHPUT})
"""What is limited from below; everything else is limited from above."""

OUTCOMES = ("failed", "cut_off", "unfinished_thinking")
"""What a rate is of. Answers that never left their thinking are those that bore thinking tokens
and completed without one of the answer proper."""

FLOWS = ("output_tokens", "requests")
"""What throughput is of: output tokens, or completed requests."""

BOUNDED = tuple(name for name in LATENCIES if name != "start_delay")
"""The latencies that goodput can bound. Of `itl` it bounds the longest gap of the request."""


@dataclass(frozen=True, slots=True)
class Bound:
    """A condition on one request, within a goodput: this latency at most so long."""

    metric: str
    limit_ms: float

    def __str__(self) -> str:
        return f"{self.metric} <= {_duration_text(self.limit_ms)}"


@dataclass(frozen=True, slots=True)
class Objective:
    """One parsed objective; `text` is the sentence as written, `str()` gives its normal form.

    `limit` is in milliseconds for latencies, bytes for memory, a fraction from 0 to 1 for rates,
    qualities, drops, goodput and `kv_usage`, per second for throughput and a goodput rate, and a
    plain count otherwise. `metric` names the latency, outcome, grade, memory, gauge, counter or
    what flows. `quantile` (0 to 1) is given for percentiles only, `bounds` for goodput only,
    `task` where the objective is about one task alone. `users` are the load levels that it is
    asked of; None means all.
    """

    text: str
    kind: Kind
    metric: str
    at_most: bool
    limit: float
    quantile: float | None = None
    task: str | None = None
    users: tuple[int, ...] | None = None
    bounds: tuple[Bound, ...] = ()

    def __str__(self) -> str:
        return f"{self.subject()} {'<=' if self.at_most else '>='} {self._limit()}"

    def subject(self) -> str:
        """What is limited, such as p99(ttft), in its normal form."""
        scope = "" if self.task is None else f"{{task={self.task}}}"
        function, argument = str(self.kind), f"{self.metric}{scope}"
        match self.kind:
            case Kind.COUNTER:
                return self.metric
            case Kind.PERCENTILE:
                assert self.quantile is not None, "a percentile has a quantile"
                function = f"p{number_text(self.quantile, PERCENT)}"
            case Kind.QUALITY:
                function, argument = self.metric, str(self.task)
            case Kind.DROP:
                argument = f"{self.metric}({self.task})"
            case Kind.GOODPUT | Kind.GOODPUT_RATE:
                bounds = " and ".join(map(str, self.bounds))
                function, argument = "goodput", f"{bounds} {scope}".rstrip()
            case Kind.GAUGE:
                function = "max"
        return f"{function}({argument})"

    def _limit(self) -> str:
        match self.kind:
            case Kind.PERCENTILE | Kind.MEAN:
                return _duration_text(self.limit)
            case Kind.PEAK:
                units = (u for u in ("TB", "GB", "MB", "kB") if self.limit >= BYTES[u])
                unit = next(units, "B")
                return f"{number_text(self.limit, BYTES[unit])}{unit}"
            case Kind.THROUGHPUT | Kind.GOODPUT_RATE:
                return f"{number_text(self.limit)}/s"
            case Kind.COUNTER:
                return number_text(self.limit)
            case Kind.GAUGE if self.metric != "kv_usage":
                return number_text(self.limit)
            case _:
                return f"{number_text(self.limit, PERCENT)}%"


def _duration_text(duration_ms: float) -> str:
    unit = "s" if duration_ms >= 1_000 else "ms"
    return f"{number_text(duration_ms, MILLISECONDS[unit])}{unit}"
