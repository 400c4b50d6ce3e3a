"""A run as a small GPU gives it: mixed traffic at rising concurrency, saturating at the end."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from loadproof.model.record import Clock, Failure, Outcome, RequestRecord
from loadproof.model.scenario import Scenario
from loadproof.recording.directory import TELEMETRY
from loadproof.recording.hdr import IntervalHistograms
from loadproof.recording.records import encode_record
from loadproof.recording.writer import RunWriter

SECOND_NS = 1_000_000_000
GRADES = {
    "chat": {"answered": 0.995},
    "medical_qa": {"accuracy": 0.72, "exact_match": 0.41, "f1": 0.81},
    "boxed_math": {"compliance": 0.943, "correct": 0.79},
    "commonsense": {"accuracy": 0.892},
}
OBJECTIVES = (
    "p99(ttft) <= 400ms",
    "p95(itl) <= 40ms",
    "mean(e2e) <= 6s",
    "rate(failed) <= 1%",
    "accuracy(commonsense) >= 85%",
    "peak(gpu_memory) <= 10GB",
    "max(kv_usage) <= 95%",
)


def write_lifelike_run(
    run: Path,
    *,
    levels: tuple[int, ...] = (1, 4, 16, 64),
    requests_a_user: int = 12,
    step_s: float = 30.0,
    simulated: bool = True,
    server: str = "simulated-deepseek-r1-distill-qwen-1.5b",
    failure_detail: str = "connection reset by peer after 12 events",
) -> Path:
    """Writes the run into the new directory `run`, and returns it. Seeded: always the same."""
    run.mkdir(parents=True)
    rng = np.random.default_rng(7)
    begin_ns = 500 * SECOND_NS
    with RunWriter(run) as writer:
        header = _header(levels, simulated=simulated, server=server)
        header["scenario"] = Scenario.model_validate(header["scenario"]).model_dump(mode="json")
        writer.write_header(header)
        writer.append_event("run_start", t_ns=begin_ns)
        samples: list[dict[str, Any]] = []
        at_ns = begin_ns + SECOND_NS
        for step, users in enumerate(levels):
            warm_ns = int(0.12 * step_s * SECOND_NS)
            measuring_ns, draining_ns = at_ns + warm_ns, at_ns + int(step_s * SECOND_NS)
            end_ns = draining_ns + 2 * SECOND_NS
            writer.append_event("step_start", t_ns=at_ns, step=step, users=users)
            writer.append_event("step_measuring", t_ns=measuring_ns, step=step)
            writer.append_event("step_draining", t_ns=draining_ns, step=step)
            histograms = IntervalHistograms()
            count = max(users * requests_a_user, 60)
            records = [
                _record(
                    rng, histograms, step, users, number, start_ns, measuring_ns, failure_detail
                )
                for number, start_ns in enumerate(
                    np.sort(rng.integers(at_ns, draining_ns, count)).tolist()
                )
            ]
            writer.append_records(encode_record(record) for record in records)
            writer.append_histograms(at_ns, end_ns, histograms.take())
            writer.append_event("step_end", t_ns=end_ns, step=step)
            samples += _samples(rng, users, at_ns, end_ns)
            at_ns = end_ns + SECOND_NS // 2
        writer.append_event(
            "telemetry_note", message="GPU 0 is shared: its memory counts all processes"
        )
        writer.append_event("run_end", t_ns=at_ns, reason="completed")
    (run / TELEMETRY).write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    return run


def _record(  # noqa: PLR0917 - one call, all of it needed
    rng: np.random.Generator,
    histograms: IntervalHistograms,
    step: int,
    users: int,
    number: int,
    start_ns: int,
    measuring_ns: int,
    failure_detail: str,
) -> RequestRecord:
    task = str(rng.choice(list(GRADES), p=[0.4, 0.2, 0.2, 0.2]))
    ttft_ms = float(38 + 1.6 * users + rng.lognormal(2.4 + 0.033 * users, 0.55))
    tokens = int(rng.integers(24, 160))
    gaps_ms = rng.gamma(24, (11 + 0.31 * users) / 24, tokens - 1)
    failed = users >= 64 and rng.random() < 0.03
    warmup = start_ns < measuring_ns
    e2e_ms = ttft_ms + float(gaps_ms.sum())
    grades = {
        name: round(float(rng.beta(share * 5, (1 - share) * 5)), 3)
        if name == "f1"
        else float(rng.random() < share)
        for name, share in GRADES[task].items()
    }
    if not failed and not warmup:
        for metric, values in (("ttft", ttft_ms), ("ttfat", ttft_ms), ("e2e", e2e_ms)):
            histograms.record(f"{step}/{task}/{metric}", values * 1e3)
        histograms.record(f"{step}/{task}/tpot", float(gaps_ms.mean()) * 1e3)
        histograms.record(f"{step}/{task}/itl", gaps_ms * 1e3)
    return RequestRecord(
        id=f"{step}-{number}",
        step=step,
        users=users,
        task=task,
        prompt_id=f"{task}-{number}",
        worker="w0",
        start_ns=start_ns,
        first_byte_ns=start_ns + int(ttft_ms * 1e6),
        end_ns=start_ns + int(e2e_ms * 1e6),
        ttft_ms=round(ttft_ms, 3),
        ttfat_ms=round(ttft_ms, 3),
        itl_p50_ms=float(np.median(gaps_ms)),
        itl_p99_ms=float(np.quantile(gaps_ms, 0.99)),
        itl_max_ms=float(gaps_ms.max()),
        tpot_ms=float(gaps_ms.mean()),
        e2e_ms=None if failed else round(e2e_ms, 3),
        clock=Clock.KERNEL,
        events=tokens,
        prompt_tokens=80,
        output_tokens=tokens,
        thinking_tokens=None,
        outcome=Outcome.FAILED if failed else Outcome.COMPLETED,
        failure=(Failure.RESET if rng.random() < 0.7 else Failure.HTTP_STATUS) if failed else None,
        failure_detail=failure_detail if failed else None,
        http_status=200,
        finish_reason=None if failed else "stop",
        warmup=warmup,
        grades={} if failed else grades,
    )


def _samples(rng: np.random.Generator, users: int, at_ns: int, end_ns: int) -> list[dict[str, Any]]:
    samples = []
    for index, t_ns in enumerate(range(at_ns, end_ns, SECOND_NS // 10)):
        sample: dict[str, Any] = {
            "t_ns": t_ns,
            "gpu_memory": int(9.1e9 + 2e7 * np.log2(users + 1) + 1e6 * rng.random()),
            "server_memory": int(2.1e9),
            "host_memory": int(6e9),
        }
        if index % 10 == 0:
            running = min(users, 48) - int(rng.integers(0, 2))
            sample["metrics"] = {
                "kv_usage": min(0.012 * users + 0.02 * rng.random(), 1.0),
                "running": running,
                "waiting": max(users - 48 - int(rng.integers(0, 6)), 0),
                "preemptions": 0,
            }
        samples.append(sample)
    return samples


def _header(levels: tuple[int, ...], *, simulated: bool, server: str) -> dict[str, Any]:
    return {
        "loadproof": "0.1.0",
        "started": "2026-11-23T12:00:00Z",
        "scenario": {
            "name": "mixed-ramp",
            "description": "Mixed chat, medical QA, math and commonsense at rising concurrency",
            "seed": 20,
            "traffic": [{"task": task} for task in GRADES],
            "steps": [{"users": list(levels), "duration": "26s", "warmup": "4s"}],
            "objectives": [{"require": sentence} for sentence in OBJECTIVES],
        },
        "server": {
            "name": server,
            "engine": "simulator" if simulated else "vllm",
            "url": "http://127.0.0.1:8000",
            "model": "deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B",
            "version": "0.32.0",
            "simulated": simulated,
            "max_model_len": 32768,
            "policy": {"temperature": 0.6, "system_prompt": False, "lead": "think", "stop": []},
            "flags": ["--dtype", "auto", "--gpu-memory-utilization", "0.8"],
        },
        "machine": {
            "hostname": "bench-1",
            "cpus": 8,
            "memory_bytes": 34 * 10**9,
            "platform": "Linux-6.1.0-x86_64",
            "python": "3.11.9",
        },
        "versions": {"locust": "2.47.0", "gevent": "26.9.0", "hdrhistogram": "0.10.8"},
        "clocks": {
            "monotonic_ns": 500 * SECOND_NS,
            "wall_ns": 1_795_000_000 * SECOND_NS,
            "boot_id": "x",
        },
        "command": ["loadproof", "run", "scenarios/ramp.toml", "--server", "servers/sim.toml"],
    }
