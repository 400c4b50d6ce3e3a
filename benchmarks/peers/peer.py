"""The tools beside which ours is measured: how each is started, and where its figures stand.

All get the same wish: so many streams in a closed loop, prompts of 16 tokens, as many requests as
asked, first requests spread over a while unless it is 0.
"""

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PROMPT_TOKENS = 16
PROGRAM = Path(__file__).with_name("vllm_bench_serve.py")


@dataclass(frozen=True, slots=True)
class Wish:
    """What a tool is to do, and with what. `folder` is its own and empty."""

    url: str
    streams: int
    requests: int
    spread_s: float
    """What its first requests are to be spread over, where it has an option for it; 0: nothing."""
    tokens: int
    python: Path
    """Of the tool's own environment."""
    tokenizer: Path
    folder: Path

    def program(self, name: str) -> str:
        """A command that came with the tool."""
        return str(self.python.with_name(name))


@dataclass(frozen=True, slots=True)
class Reported:
    """What a tool says of its run."""

    requests: int
    failed: int
    ttft_p50_ms: float
    ttft_p99_ms: float
    itl_p50_ms: float
    itl_p99_ms: float


@dataclass(frozen=True, slots=True)
class Peer:
    """One tool."""

    name: str
    """Of its environment's folder, and on the command line."""
    distribution: str
    version: str
    command: Callable[[Wish], Sequence[str]]
    reported: Callable[[Path], Reported]
    itl_is_mean: bool
    """Whether its ITL is the mean of each request, as others call TPOT."""
    asks_the_hub_offline: bool = False
    """Whether it would look a folder's path up in the hub's cache if it were told to be offline."""


def _vllm(wish: Wish) -> list[str]:
    spread = []
    if wish.spread_s:
        # Its streams begin all at once unless requests come at a rate: at this one, evenly spaced,
        # a closed loop of so many streams is kept full.
        rate = wish.streams / wish.spread_s
        spread = ["--request-rate", f"{rate:.3f}", "--burstiness", "1000000"]
    return [
        *(str(wish.python), str(PROGRAM), "--backend", "openai-chat"),
        *("--endpoint", "/v1/chat/completions", "--base-url", wish.url, "--model", "truth"),
        *("--tokenizer", str(wish.tokenizer), "--dataset-name", "random"),
        *("--random-input-len", str(PROMPT_TOKENS), "--random-output-len", str(wish.tokens)),
        *("--num-prompts", str(wish.requests), "--max-concurrency", str(wish.streams)),
        *spread,
        *("--num-warmups", "0", "--ready-check-timeout-sec", "0", "--disable-tqdm"),
        *("--percentile-metrics", "ttft,itl", "--metric-percentiles", "50,99"),
        *("--save-result", "--result-dir", str(wish.folder), "--result-filename", "found.json"),
    ]


def _of_vllm(folder: Path) -> Reported:
    found = _read(folder / "found.json")
    return Reported(
        found["completed"],
        found["failed"],
        found["p50_ttft_ms"],
        found["p99_ttft_ms"],
        found["p50_itl_ms"],
        found["p99_itl_ms"],
    )


def _guidellm(wish: Wish) -> list[str]:
    profile = f"kind=concurrent,streams={wish.streams},rampup_duration={wish.spread_s:.3f}"
    data = f"kind=synthetic_text,prompt_tokens={PROMPT_TOKENS},output_tokens={wish.tokens}"
    return [
        *(wish.program("guidellm"), "run", "--disable-console"),
        *("--backend", f"kind=openai_http,target={wish.url},model=truth"),
        *("--profile", profile, "--constraint", f"kind=max_requests,count={wish.requests}"),
        *("--tokenizer", f"kind=hf_auto,model={wish.tokenizer}", "--data", data),
        *("--output", f"kind=json,path={wish.folder / 'found.json'}"),
    ]


def _of_guidellm(folder: Path) -> Reported:
    (found,) = _read(folder / "found.json")["benchmarks"]
    metrics, totals = found["metrics"], found["metrics"]["request_totals"]
    ttft = metrics["time_to_first_token_ms"]["successful"]["percentiles"]
    itl = metrics["inter_token_latency_ms"]["successful"]["percentiles"]
    return Reported(
        totals["successful"], totals["errored"], ttft["p50"], ttft["p99"], itl["p50"], itl["p99"]
    )


def _aiperf(wish: Wish) -> list[str]:
    return [
        *(wish.program("aiperf"), "profile", "--model", "truth", "--url", wish.url),
        *("--tokenizer", str(wish.tokenizer), "--use-server-token-count"),
        *("--endpoint-type", "chat", "--streaming", "--concurrency", str(wish.streams)),
        *(["--concurrency-ramp-duration", f"{wish.spread_s:.3f}"] if wish.spread_s else []),
        *("--request-count", str(wish.requests)),
        *("--synthetic-input-tokens-mean", str(PROMPT_TOKENS)),
        *("--output-tokens-mean", str(wish.tokens), "--ui", "none"),
        *("--no-gpu-telemetry", "--no-server-metrics"),
        *("--output-artifact-dir", str(wish.folder)),
    ]


def _of_aiperf(folder: Path) -> Reported:
    found = _read(folder / "profile_export_aiperf.json")
    ttft, itl = found["time_to_first_token"], found["inter_token_latency"]
    return Reported(
        round(found["request_count"]["avg"]),
        round(found.get("error_request_count", {}).get("avg", 0)),
        ttft["p50"],
        ttft["p99"],
        itl["p50"],
        itl["p99"],
    )


def _genai_bench(wish: Wish) -> list[str]:
    return [
        *(wish.program("genai-bench"), "benchmark", "--api-backend", "openai"),
        *("--api-base", wish.url, "--api-key", "none", "--api-model-name", "truth"),
        *("--task", "text-to-text", "--model-tokenizer", str(wish.tokenizer), "--model", "truth"),
        *("--num-concurrency", str(wish.streams)),
        *("--traffic-scenario", f"D({PROMPT_TOKENS},{wish.tokens})"),
        *("--spawn-rate", str(math.ceil(wish.streams / (wish.spread_s or 1)))),
        *("--max-time-per-run", "2", "--max-requests-per-run", str(wish.requests)),
        *("--metrics-time-unit", "ms", "--log-dir", str(wish.folder)),
        *("--experiment-base-dir", str(wish.folder), "--experiment-folder-name", "found"),
    ]


def _of_genai_bench(folder: Path) -> Reported:
    (path,) = (folder / "found").glob("D*_num_concurrency_*.json")
    whole = _read(path)
    found = whole["aggregated_metrics"]
    ms = 1.0 if whole["_time_unit"] == "ms" else 1000.0
    ttft, tpot = found["stats"]["ttft"], found["stats"]["tpot"]
    return Reported(
        found["num_completed_requests"],
        found["num_error_requests"],
        ttft["p50"] * ms,
        ttft["p99"] * ms,
        tpot["p50"] * ms,
        tpot["p99"] * ms,
    )


def _read(path: Path) -> Any:
    return json.loads(path.read_bytes())


VLLM = Peer("vllm", "vllm", "0.32.0", _vllm, _of_vllm, itl_is_mean=False)
GUIDELLM = Peer("guidellm", "guidellm", "0.8.1", _guidellm, _of_guidellm, itl_is_mean=True)
AIPERF = Peer(
    "aiperf",
    "aiperf",
    "0.13.0",
    _aiperf,
    _of_aiperf,
    itl_is_mean=True,
    asks_the_hub_offline=True,
)
GENAI_BENCH = Peer(
    "genai-bench", "genai-bench", "0.0.5", _genai_bench, _of_genai_bench, itl_is_mean=True
)
