"""The tools beside which ours is measured: what is read from their files and made of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from benchmarks.peers.environments import NotInstalledError, python_of
from benchmarks.peers.peer import AIPERF, GENAI_BENCH, GUIDELLM, VLLM, Peer, Reported
from benchmarks.peers.sitting import Run, peer_figures
from benchmarks.truth_server import Account, Spans

MS = 1_000_000
PERCENTILES = {"p50": 51.5, "p99": 62.25}
GAPS = {"p50": 20.0, "p99": 24.5}
FILES: list[tuple[Peer, str, Any]] = [
    (
        VLLM,
        "found.json",
        {
            **{"completed": 24, "failed": 1, "p50_ttft_ms": 51.5, "p99_ttft_ms": 62.25},
            **{"p50_itl_ms": 20.0, "p99_itl_ms": 24.5},
        },
    ),
    (
        GUIDELLM,
        "found.json",
        {
            "benchmarks": [
                {
                    "metrics": {
                        "request_totals": {"successful": 24, "errored": 1, "total": 25},
                        "time_to_first_token_ms": {"successful": {"percentiles": PERCENTILES}},
                        "inter_token_latency_ms": {"successful": {"percentiles": GAPS}},
                    }
                }
            ]
        },
    ),
    (
        AIPERF,
        "profile_export_aiperf.json",
        {
            "request_count": {"unit": "requests", "avg": 24.0},
            "error_request_count": {"unit": "requests", "avg": 1.0},
            "time_to_first_token": {"unit": "ms", **PERCENTILES},
            "inter_token_latency": {"unit": "ms", **GAPS},
        },
    ),
    (
        GENAI_BENCH,
        "found/D16_64_text-to-text_num_concurrency_8_time_5s.json",
        {
            "_time_unit": "s",
            "aggregated_metrics": {
                "num_completed_requests": 24,
                "num_error_requests": 1,
                "stats": {
                    "ttft": {"p50": 0.0515, "p99": 0.06225},
                    "tpot": {"p50": 0.02, "p99": 0.0245},
                },
            },
        },
    ),
]


@pytest.mark.parametrize(("peer", "name", "content"), FILES, ids=lambda value: str(value)[:30])
def test_what_a_tool_reports_is_read_in_milliseconds(
    peer: Peer, name: str, content: Any, tmp_path: Path
) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(json.dumps(content))
    found = peer.reported(tmp_path)
    assert (found.requests, found.failed) == (24, 1)
    assert [found.ttft_p50_ms, found.ttft_p99_ms] == pytest.approx([51.5, 62.25])
    assert [found.itl_p50_ms, found.itl_p99_ms] == pytest.approx([20.0, 24.5])


def spans(p99: int) -> Spans:
    return Spans(p50=1, p90=1, p99=p99, p999=p99, max=p99)


def test_events_and_cpu_time_are_those_of_the_middle_and_latencies_of_the_whole() -> None:
    account = Account(
        requests=24,
        tokens=5_600,
        cut_streams=0,
        blocked_sends=0,
        cpu_s=0.1,
        begin_ns=1_000 * MS,
        end_ns=6_000 * MS,
        lateness_us=spans(30),
        ttft_us=spans(50_250),
        itl_us=spans(20_500),
        mean_itl_us=spans(20_100),
        # One second to begin, three of 1,500 events each, one to end.
        tokens_by_tenth_s=[50] * 10 + [150] * 30 + [60] * 10,
    )
    # 7 s of imports, then 0.1 CPU seconds a second, and its reports at the end.
    used = [(0, 0), (1_000 * MS, 7_000 * MS), (6_000 * MS, 7_500 * MS), (9_000 * MS, 9_500 * MS)]
    reported = Reported(24, 1, 51.5, 62.25, 20.0, 24.5)
    of_means = peer_figures(AIPERF, Run(reported, used), account, period_s=1.0)
    assert of_means.events_per_s == pytest.approx(1_500)
    assert of_means.cpu_us_per_event == pytest.approx(0.3e6 / 4_500)
    assert of_means.ttft_p99_excess_ms == pytest.approx(12.0)
    assert of_means.itl_p99_excess_ms == pytest.approx(4.4)
    of_tokens = peer_figures(VLLM, Run(reported, used), account, period_s=1.0)
    assert of_tokens.itl_p99_excess_ms == pytest.approx(4.0)


@pytest.mark.parametrize("peer", [VLLM, AIPERF, GUIDELLM, GENAI_BENCH], ids=lambda peer: peer.name)
def test_a_tool_that_is_not_installed_is_named_with_the_place_and_what_to_do(
    peer: Peer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADPROOF_PEERS", str(tmp_path))
    monkeypatch.setenv("LOADPROOF_ENGINE_CACHE", str(tmp_path))
    with pytest.raises(
        NotInstalledError, match=rf"{peer.name} is not installed \({tmp_path}.*make"
    ):
        python_of(peer)
