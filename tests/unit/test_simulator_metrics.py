"""The /metrics page: vLLM's names, Prometheus' format, the right counts."""

from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from loadproof.model.server import Simulator
from loadproof.servers.simulator.engine import Engine, Sequence
from loadproof.servers.simulator.metrics import Histogram, Metrics

VLLM_PAGE = Path(__file__).parents[1] / "wire" / "vllm_metrics_under_load.prom"


def samples(page: str) -> dict[str, float]:
    return {
        sample.name + str(sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(page)
        for sample in family.samples
    }


def test_every_name_and_label_is_one_of_vllms() -> None:
    ours = Metrics(Engine(Simulator()), "m").text().decode()
    theirs = {
        (sample.name, tuple(sorted(sample.labels)))
        for family in text_string_to_metric_families(VLLM_PAGE.read_text())
        for sample in family.samples
    }
    for family in text_string_to_metric_families(ours):
        for sample in family.samples:
            if sample.name.startswith("vllm:") and sample.name != "vllm:cache_config_info":
                assert (sample.name, tuple(sorted(sample.labels))) in theirs


def test_bucket_limits_are_vllms() -> None:
    ours = Metrics(Engine(Simulator()), "m").text().decode()

    def limits(page: str, name: str) -> list[str]:
        return [
            sample.labels["le"]
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.name == f"vllm:{name}_bucket"
        ]

    for name in (
        "time_to_first_token_seconds",
        "inter_token_latency_seconds",
        "e2e_request_latency_seconds",
        "request_queue_time_seconds",
    ):
        assert limits(ours, name) == limits(VLLM_PAGE.read_text(), name)


def test_gauges_show_the_engine_as_it_is() -> None:
    engine = Engine(Simulator(max_batch=1, kv_blocks=10, block_tokens=16))
    for _ in range(3):
        engine.submit(Sequence(20, 5))
    engine.step()
    found = samples(Metrics(engine, "m").text().decode())
    labels = "[('engine', '0'), ('model_name', 'm')]"
    assert found[f"vllm:num_requests_running{labels}"] == 1
    assert found[f"vllm:num_requests_waiting{labels}"] == 2
    assert found[f"vllm:kv_cache_usage_perc{labels}"] == 0.2


def test_a_histogram_counts_a_value_at_a_limit_below_it() -> None:
    histogram = Histogram((0.1, 0.5))
    for value in (0.1, 0.2, 0.5, 3.0):
        histogram.observe(value)
    assert histogram.cumulative() == [("0.1", 1.0), ("0.5", 3.0), ("+Inf", 4.0)]
    assert (histogram.count, histogram.total) == (4, 3.8)
