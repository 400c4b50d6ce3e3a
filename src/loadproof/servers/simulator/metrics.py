"""The simulator's counters, under vLLM's names.

Counting between two tokens has to be cheap, so values go into plain integers; prometheus_client
turns them into text when somebody asks for it.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from loadproof.model.server import Simulator
from loadproof.servers.simulator.engine import Engine

# Bucket limits as in vllm/v1/metrics/loggers.py, seconds and tokens.
_FIRST_TOKEN_S = (
    *(0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0),
    *(2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0, 160.0, 640.0, 2560.0),
)
_BETWEEN_TOKENS_S = (
    *(0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0),
    *(2.5, 5.0, 7.5, 10.0, 20.0, 40.0, 80.0),
)
_REQUEST_S = (
    *(0.3, 0.5, 0.8, 1.0, 1.5, 2.0, 2.5, 5.0, 10.0, 15.0, 20.0, 30.0, 40.0, 50.0, 60.0),
    *(120.0, 240.0, 480.0, 960.0, 1920.0, 7680.0),
)
_FINISHED_REASONS = ("stop", "length", "abort", "error")
_TOKENS_LIMIT = 100_000


def _token_buckets(limit: int) -> tuple[float, ...]:
    """1, 2, 5, 10, 20, 50, … up to `limit`, as vLLM builds them."""
    steps = [float(m * 10**e) for e in range(8) for m in (1, 2, 5)]
    return tuple(step for step in steps if step <= limit)


class Histogram:
    """Counts of values by bucket; a value equal to a limit belongs to that limit's bucket."""

    __slots__ = ("_counts", "_limits", "total")

    def __init__(self, limits: Sequence[float]) -> None:
        self._limits = limits
        self._counts = [0] * (len(limits) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Counts one value."""
        self._counts[bisect_left(self._limits, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """How many values were counted."""
        return sum(self._counts)

    def cumulative(self) -> list[tuple[str, float]]:
        """(upper limit, number of values up to it), as Prometheus wants them."""
        below = 0
        buckets = []
        for limit, count in zip((*self._limits, float("inf")), self._counts, strict=True):
            below += count
            buckets.append(("+Inf" if limit == float("inf") else str(limit), float(below)))
        return buckets


class Metrics:
    """All of it. The server adds to the fields as things happen; `text` is the /metrics page."""

    def __init__(self, engine: Engine, model: str) -> None:
        self._engine = engine
        self._model = model
        self.prompt_tokens = 0
        self.generation_tokens = 0
        self.preemptions = 0
        self.finished = dict.fromkeys(_FINISHED_REASONS, 0)
        self.late_s = 0.0
        lengths = _token_buckets(min(engine.settings.context_tokens, _TOKENS_LIMIT))
        self.first_token_s = Histogram(_FIRST_TOKEN_S)
        self.between_tokens_s = Histogram(_BETWEEN_TOKENS_S)
        self.per_output_token_s = Histogram(_BETWEEN_TOKENS_S)
        self.request_s = Histogram(_REQUEST_S)
        self.queue_s = Histogram(_REQUEST_S)
        self.inference_s = Histogram(_REQUEST_S)
        self.prefill_s = Histogram(_REQUEST_S)
        self.decode_s = Histogram(_REQUEST_S)
        self.request_prompt_tokens = Histogram(lengths)
        self.request_generation_tokens = Histogram(lengths)
        self._registry = CollectorRegistry()
        self._registry.register(self)

    def text(self) -> bytes:
        """The page, in Prometheus' text format."""
        return generate_latest(self._registry)

    def collect(self) -> Iterator[Metric]:
        """The metric families; called by the registry."""
        settings, engine = self._engine.settings, self._engine
        running, waiting = len(engine.running), len(engine.waiting)
        yield self._gauge("num_requests_running", "Requests in model execution batches.", running)
        yield self._gauge("num_requests_waiting", "Requests waiting to be processed.", waiting)
        yield self._gauge(
            "kv_cache_usage_perc", "KV-cache usage. 1 means 100 percent usage.", engine.kv_usage
        )
        yield self._counter("num_preemptions", "Preemptions by the engine.", self.preemptions)
        yield self._counter("prompt_tokens", "Prefill tokens processed.", self.prompt_tokens)
        yield self._counter(
            "generation_tokens", "Generation tokens processed.", self.generation_tokens
        )
        yield self._counter("prefix_cache_queries", "There is no prefix cache.", 0)
        yield self._counter("prefix_cache_hits", "There is no prefix cache.", 0)
        yield self._requests()
        for name, histogram in self._histograms():
            yield self._histogram(name, histogram)
        yield self._cache_config(settings)
        late = GaugeMetricFamily(
            "loadproof_simulator_lateness_seconds",
            "How late the last iteration ended, because the simulator's process lacked CPU time.",
            labels=["model_name"],
        )
        late.add_metric([self._model], self.late_s)
        yield late

    def _histograms(self) -> list[tuple[str, Histogram]]:
        return [
            ("time_to_first_token_seconds", self.first_token_s),
            ("inter_token_latency_seconds", self.between_tokens_s),
            ("request_time_per_output_token_seconds", self.per_output_token_s),
            ("e2e_request_latency_seconds", self.request_s),
            ("request_queue_time_seconds", self.queue_s),
            ("request_inference_time_seconds", self.inference_s),
            ("request_prefill_time_seconds", self.prefill_s),
            ("request_decode_time_seconds", self.decode_s),
            ("request_prompt_tokens", self.request_prompt_tokens),
            ("request_generation_tokens", self.request_generation_tokens),
        ]

    def _gauge(self, name: str, text: str, value: float) -> Metric:
        family = GaugeMetricFamily(f"vllm:{name}", text, labels=["engine", "model_name"])
        family.add_metric(["0", self._model], value)
        return family

    def _counter(self, name: str, text: str, value: int) -> Metric:
        family = CounterMetricFamily(f"vllm:{name}", text, labels=["engine", "model_name"])
        family.add_metric(["0", self._model], value)
        return family

    def _histogram(self, name: str, histogram: Histogram) -> Metric:
        family = HistogramMetricFamily(
            f"vllm:{name}",
            f"Histogram of {name.replace('_', ' ')}.",
            labels=["engine", "model_name"],
        )
        family.add_metric(["0", self._model], histogram.cumulative(), histogram.total)
        return family

    def _requests(self) -> Metric:
        family = CounterMetricFamily(
            "vllm:request_success",
            "Requests that ended, by how.",
            labels=["engine", "finished_reason", "model_name"],
        )
        for reason, count in self.finished.items():
            family.add_metric(["0", reason, self._model], count)
        return family

    def _cache_config(self, settings: Simulator) -> Metric:
        family = GaugeMetricFamily(
            "vllm:cache_config_info",
            "Information of the KV cache.",
            labels=["block_size", "engine", "num_gpu_blocks"],
        )
        family.add_metric([str(settings.block_tokens), "0", str(settings.kv_blocks)], 1)
        return family
