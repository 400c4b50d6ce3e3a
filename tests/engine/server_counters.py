"""What vLLM itself has counted, from its /metrics."""

import time
import urllib.request
from dataclasses import dataclass

from prometheus_client.parser import text_string_to_metric_families

SETTLED_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class ServerCounters:
    """Totals since the server's start, or their growth: tokens read and generated, first tokens
    sent, the sum of their latencies in seconds, requests finished."""

    prompt_tokens: int
    generation_tokens: int
    first_tokens: int
    ttft_sum_s: float
    finished: int

    def __sub__(self, earlier: "ServerCounters") -> "ServerCounters":
        return ServerCounters(
            prompt_tokens=self.prompt_tokens - earlier.prompt_tokens,
            generation_tokens=self.generation_tokens - earlier.generation_tokens,
            first_tokens=self.first_tokens - earlier.first_tokens,
            ttft_sum_s=self.ttft_sum_s - earlier.ttft_sum_s,
            finished=self.finished - earlier.finished,
        )

    @property
    def mean_ttft_ms(self) -> float:
        """Mean time to first token as the server sees it, in milliseconds."""
        return 1e3 * self.ttft_sum_s / self.first_tokens


def server_counters(url: str) -> ServerCounters:
    """The counters of the server at `url`, once it has no request left to work on."""
    until_s = time.monotonic() + SETTLED_WITHIN_S
    while True:
        totals = _totals(url)
        if totals["vllm:num_requests_running"] == totals["vllm:num_requests_waiting"] == 0:
            break
        assert time.monotonic() < until_s, "the server still works on requests of an ended run"
        time.sleep(0.1)
    return ServerCounters(
        prompt_tokens=int(totals["vllm:prompt_tokens_total"]),
        generation_tokens=int(totals["vllm:generation_tokens_total"]),
        first_tokens=int(totals["vllm:time_to_first_token_seconds_count"]),
        ttft_sum_s=totals["vllm:time_to_first_token_seconds_sum"],
        finished=int(totals["vllm:request_success_total"]),
    )


def metrics_text(url: str) -> str:
    """What the server at `url` answers to GET /metrics."""
    with urllib.request.urlopen(f"{url}/metrics", timeout=30) as reply:
        text: str = reply.read().decode()
    return text


def _totals(url: str) -> dict[str, float]:
    """Each sample's name and the sum of its values over all labels."""
    totals: dict[str, float] = {}
    for family in text_string_to_metric_families(metrics_text(url)):
        for sample in family.samples:
            totals[sample.name] = totals.get(sample.name, 0.0) + sample.value
    return totals
