"""A server's /metrics page, brought to one vocabulary."""

import math

from prometheus_client.parser import text_string_to_metric_families


def _histogram(name: str, *families: str) -> dict[str, tuple[str, ...]]:
    return {
        f"{name}_count": tuple(f"{family}_count" for family in families),
        f"{name}_sum_s": tuple(f"{family}_sum" for family in families),
    }


SERIES: dict[str, tuple[str, ...]] = {
    "kv_usage": (
        "vllm:kv_cache_usage_perc",
        "vllm:gpu_cache_usage_perc",
        "llamacpp:kv_cache_usage_ratio",
    ),
    "running": (
        "vllm:num_requests_running",
        "llamacpp:requests_processing",
        "tgi_batch_current_size",
    ),
    "waiting": ("vllm:num_requests_waiting", "llamacpp:requests_deferred", "tgi_queue_size"),
    "preemptions": ("vllm:num_preemptions_total",),
    "prompt_tokens": (
        "vllm:prompt_tokens_total",
        "llamacpp:prompt_tokens_total",
        "tgi_request_input_length_sum",
    ),
    "generation_tokens": (
        "vllm:generation_tokens_total",
        "llamacpp:tokens_predicted_total",
        "tgi_request_generated_tokens_sum",
    ),
    "requests_finished": ("vllm:request_success_total", "tgi_request_success"),
    "prefix_cache_queries": (
        "vllm:prefix_cache_queries_total",
        "vllm:gpu_prefix_cache_queries_total",
    ),
    "prefix_cache_hits": ("vllm:prefix_cache_hits_total", "vllm:gpu_prefix_cache_hits_total"),
    **_histogram("ttft", "vllm:time_to_first_token_seconds"),
    **_histogram("itl", "vllm:inter_token_latency_seconds", "vllm:time_per_output_token_seconds"),
    **_histogram("e2e", "vllm:e2e_request_latency_seconds", "tgi_request_duration"),
    **_histogram("queue", "vllm:request_queue_time_seconds", "tgi_request_queue_duration"),
    **_histogram("prefill", "vllm:request_prefill_time_seconds"),
    **_histogram("decode", "vllm:request_decode_time_seconds"),
}
"""Our name to the servers' names for it, newest first: the first one on the page is taken."""

_WANTED = frozenset(name.encode() for names in SERIES.values() for name in names)
_LARGEST = frozenset({"kv_usage"})
"""A share of each engine's own cache: the fullest says more than a sum."""


def parse_metrics(page: bytes) -> dict[str, float]:
    """What a page in Prometheus' text format says, by the names of SERIES.

    Values are summed over engines and labels; `kv_usage` (0 to 1) is that of the fullest engine.
    Counters and sums grow from the server's start. What is not on the page, or is no finite
    number, is left out. Raises ValueError for a wanted line that does not parse.
    """
    # A page of vLLM has 50 KB, nearly all of it buckets; the parser costs 10 µs a line.
    lines = b"\n".join(line for line in page.split(b"\n") if _name(line) in _WANTED)
    found: dict[str, list[float]] = {}
    for family in text_string_to_metric_families(lines.decode("utf-8") + "\n"):
        for sample in family.samples:
            if math.isfinite(sample.value):
                found.setdefault(sample.name, []).append(sample.value)
    metrics = {}
    for name, candidates in SERIES.items():
        values = next((found[each] for each in candidates if each in found), None)
        if values is not None:
            metrics[name] = max(values) if name in _LARGEST else math.fsum(values)
    return metrics


def _name(line: bytes) -> bytes:
    brace = line.find(b"{")
    return line[:brace] if brace >= 0 else line.partition(b" ")[0]
