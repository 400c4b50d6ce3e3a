from pathlib import Path

import pytest

from loadproof.telemetry.server_metrics import SERIES, parse_metrics

WIRE = Path(__file__).parents[1] / "wire"


def test_a_page_of_vllm_under_load_is_read() -> None:
    metrics = parse_metrics((WIRE / "vllm_metrics_under_load.prom").read_bytes())
    assert set(metrics) == set(SERIES)
    assert metrics["running"] == 10
    assert metrics["waiting"] == 22
    assert metrics["kv_usage"] == 0.02751031636863821
    assert metrics["preemptions"] == 0
    assert metrics["prompt_tokens"] == 5373
    assert metrics["generation_tokens"] == 4655
    assert metrics["requests_finished"] == 80
    assert metrics["e2e_count"] == 80


def test_a_page_of_llama_cpp_is_read() -> None:
    assert parse_metrics((WIRE / "llamacpp_metrics.prom").read_bytes()) == {
        "running": 0,
        "waiting": 0,
        "prompt_tokens": 631,
        "generation_tokens": 1867,
    }


def test_a_page_of_tgi_is_read() -> None:
    page = b"""# TYPE tgi_batch_current_size gauge
tgi_batch_current_size 4
tgi_queue_size 7
tgi_request_generated_tokens_bucket{le="1"} 0
tgi_request_generated_tokens_sum 8123
tgi_request_duration_sum 12.5
tgi_request_duration_count 44
"""
    assert parse_metrics(page) == {
        "running": 4,
        "waiting": 7,
        "generation_tokens": 8123,
        "e2e_sum_s": 12.5,
        "e2e_count": 44,
    }


def test_old_names_of_vllm_are_read() -> None:
    page = b"""vllm:gpu_cache_usage_perc{model_name="m"} 0.5
vllm:time_per_output_token_seconds_sum{model_name="m"} 2.5
vllm:time_per_output_token_seconds_count{model_name="m"} 100
"""
    assert parse_metrics(page) == {"kv_usage": 0.5, "itl_sum_s": 2.5, "itl_count": 100}


def test_a_page_with_old_and_new_names_counts_each_thing_once() -> None:
    page = b"""vllm:time_per_output_token_seconds_count{engine="0"} 100
vllm:inter_token_latency_seconds_count{engine="0"} 101
vllm:gpu_cache_usage_perc 0.9
vllm:kv_cache_usage_perc 0.2
"""
    assert parse_metrics(page) == {"itl_count": 101, "kv_usage": 0.2}


def test_engines_add_up_and_the_fullest_cache_counts() -> None:
    page = b"""vllm:generation_tokens_total{engine="0",model_name="a b{c},\\"d\\""} 10.0
vllm:generation_tokens_total{engine="1",model_name="a"} 32.0
vllm:num_requests_running{engine="0"} 3
vllm:num_requests_running{engine="1"} 4
vllm:kv_cache_usage_perc{engine="0"} 0.25
vllm:kv_cache_usage_perc{engine="1"} 0.75
"""
    assert parse_metrics(page) == {"generation_tokens": 42, "running": 7, "kv_usage": 0.75}


def test_what_is_no_number_is_left_out() -> None:
    page = b"vllm:kv_cache_usage_perc nan\nvllm:num_requests_running +Inf\n"
    assert parse_metrics(page) == {}


@pytest.mark.parametrize("page", [b"", b"<html>\n<body>No such page</body>", b"\xff\xfe\n\x00"])
def test_another_page_says_nothing(page: bytes) -> None:
    assert parse_metrics(page) == {}


def test_a_wanted_line_that_does_not_parse_is_an_error() -> None:
    with pytest.raises(ValueError, match="soon"):
        parse_metrics(b"vllm:num_requests_running soon\n")


def test_a_page_is_read_whatever_its_line_ends() -> None:
    page = (WIRE / "vllm_metrics_under_load.prom").read_bytes()
    assert parse_metrics(page.replace(b"\n", b"\r\n")) == parse_metrics(page)
    assert parse_metrics(page.rstrip(b"\n")) == parse_metrics(page)
