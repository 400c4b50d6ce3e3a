"""vLLM's own latency histograms, from its /metrics."""

from dataclasses import dataclass
from itertools import pairwise

from prometheus_client.parser import text_string_to_metric_families

from engine.server_counters import ServerCounters, metrics_text, server_counters


@dataclass(frozen=True, slots=True)
class Interpolated:
    """A percentile of a histogram in milliseconds, and the bucket that it lies in, which is all
    that the histogram knows."""

    value_ms: float
    low_ms: float
    high_ms: float


@dataclass(frozen=True, slots=True)
class Histogram:
    """Durations in seconds: their sum, and how many are at most each bound, the last of which is
    infinite."""

    sum_s: float
    bounds_s: tuple[float, ...]
    at_most: tuple[int, ...]

    def __add__(self, other: "Histogram") -> "Histogram":
        counts = zip(self.at_most, other.at_most, strict=True)
        return Histogram(self.sum_s + other.sum_s, self.bounds_s, tuple(map(sum, counts)))

    def __sub__(self, earlier: "Histogram") -> "Histogram":
        counts = zip(self.at_most, earlier.at_most, strict=True)
        return Histogram(
            self.sum_s - earlier.sum_s, self.bounds_s, tuple(now - then for now, then in counts)
        )

    @property
    def count(self) -> int:
        """How many durations."""
        return self.at_most[-1]

    @property
    def mean_ms(self) -> float:
        """Their mean in milliseconds: exact, for sum and count are."""
        return 1e3 * self.sum_s / self.count

    def percentile(self, q: float) -> Interpolated:
        """The duration that a share `q` does not exceed, as though durations were spread evenly
        within a bucket (Prometheus's histogram_quantile)."""
        rank = q * self.count
        cells = zip(pairwise((0.0, *self.bounds_s)), pairwise((0, *self.at_most)), strict=True)
        for (low_s, high_s), (below, up_to) in cells:
            if up_to >= rank and up_to > below:
                share = (rank - below) / (up_to - below)
                value_s = low_s if high_s == float("inf") else low_s + share * (high_s - low_s)
                return Interpolated(1e3 * value_s, 1e3 * low_s, 1e3 * high_s)
        raise ValueError("a percentile of no durations")


@dataclass(frozen=True, slots=True)
class ServerTimes:
    """What the server has counted and timed since its start, or in between."""

    counters: ServerCounters
    ttft: Histogram
    itl: Histogram
    tpot: Histogram
    e2e: Histogram
    queue: Histogram
    prefill: Histogram

    def __sub__(self, earlier: "ServerTimes") -> "ServerTimes":
        return ServerTimes(
            self.counters - earlier.counters,
            ttft=self.ttft - earlier.ttft,
            itl=self.itl - earlier.itl,
            tpot=self.tpot - earlier.tpot,
            e2e=self.e2e - earlier.e2e,
            queue=self.queue - earlier.queue,
            prefill=self.prefill - earlier.prefill,
        )


def server_times(url: str) -> ServerTimes:
    """The totals of the server at `url`, once it has no request left to work on."""
    counters = server_counters(url)
    text = metrics_text(url)
    return ServerTimes(
        counters,
        ttft=_histogram(text, "vllm:time_to_first_token_seconds"),
        itl=_histogram(text, "vllm:inter_token_latency_seconds"),
        tpot=_histogram(text, "vllm:request_time_per_output_token_seconds"),
        e2e=_histogram(text, "vllm:e2e_request_latency_seconds"),
        queue=_histogram(text, "vllm:request_queue_time_seconds"),
        prefill=_histogram(text, "vllm:request_prefill_time_seconds"),
    )


def _histogram(text: str, name: str) -> Histogram:
    """The histogram called `name`, over all labels."""
    sum_s, at_most = 0.0, dict[float, int]()
    for family in text_string_to_metric_families(text):
        if family.name != name:
            continue
        for sample in family.samples:
            if sample.name == f"{name}_sum":
                sum_s += sample.value
            elif sample.name == f"{name}_bucket":
                bound_s = float(sample.labels["le"])
                at_most[bound_s] = at_most.get(bound_s, 0) + int(sample.value)
    bounds_s = tuple(sorted(at_most))
    return Histogram(sum_s, bounds_s, tuple(at_most[bound_s] for bound_s in bounds_s))
