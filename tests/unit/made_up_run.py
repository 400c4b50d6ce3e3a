"""Run directories made up for tests, through the recording's own writer."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from loadproof.model.record import Clock, Failure, Outcome, RequestRecord
from loadproof.model.scenario import Scenario
from loadproof.recording.directory import TELEMETRY
from loadproof.recording.hdr import IntervalHistograms
from loadproof.recording.records import encode_record
from loadproof.recording.writer import RunWriter

SECOND_NS = 1_000_000_000
BEGIN_NS = 1_000 * SECOND_NS
LEVEL_S = 30
BETWEEN_S = 40


@dataclass(frozen=True)
class MadeUpLevel:
    """One step of a made-up run: a completed request for each value of `ttft_ms`, in order."""

    users: int | None
    ttft_ms: Sequence[float]
    task: str = "chat"
    failures: dict[Failure, int] = field(default_factory=dict)
    cut_off: int = 0
    warmup: int = 0
    itl_ms: Sequence[float] = (20.0,)
    """Of each completed request."""
    grades: Sequence[dict[str, float]] = ()
    """Of the completed requests, as far as they go."""
    telemetry: Sequence[dict[str, Any]] = ()
    """Samples, evenly over the level."""
    clock: Clock = Clock.KERNEL
    ends: bool = True
    ttft_in_histogram_ms: Sequence[float] | None = None
    """What the histogram gets instead of `ttft_ms`."""


def write_made_up_run(
    run: Path,
    levels: Sequence[MadeUpLevel],
    *,
    objectives: Sequence[dict[str, Any] | str] = (),
    events: Sequence[dict[str, Any]] = (),
    end: str | None = "finished",
    server: str = "made-up",
    simulated: bool = False,
    planned: Sequence[int] | None = None,
) -> Path:
    """Writes `levels` as a run into the new directory `run`, and returns it.

    `planned` are the users of the scenario's steps, where they differ from the levels' own.
    """
    run.mkdir(parents=True)
    if planned is None:
        planned = [level.users for level in levels if level.users is not None]
    tasks = list(dict.fromkeys(level.task for level in levels)) or ["chat"]
    header = {
        "loadproof": "0.1.0",
        "started": "2026-11-23T12:00:00Z",
        "scenario": {
            "name": "ramp",
            "traffic": [{"task": task} for task in tasks],
            "steps": [{"users": [users], "duration": "30s"} for users in planned],
            "objectives": [
                {"require": entry} if isinstance(entry, str) else entry for entry in objectives
            ],
        },
        "server": {
            "name": server,
            "engine": "vllm",
            "url": "http://127.0.0.1:8000",
            "model": "tiny",
            "version": "0.32.0",
            "simulated": simulated,
            "max_model_len": 2048,
            "policy": {"temperature": 0.6},
            "flags": ["--enforce-eager"],
        },
        "machine": {
            "hostname": "bench-1",
            "cpus": 2,
            "memory_bytes": 8 * 10**9,
            "platform": "Linux",
            "python": "3.11.9",
        },
        "versions": {"locust": "2.47.0", "gevent": "26.9.0"},
        "clocks": {"monotonic_ns": BEGIN_NS, "wall_ns": 1_795_000_000 * SECOND_NS, "boot_id": "x"},
        "command": ["loadproof", "run", "ramp.toml"],
    }
    with RunWriter(run) as writer:
        header["scenario"] = Scenario.model_validate(header["scenario"]).model_dump(mode="json")
        writer.write_header(header)
        writer.append_event("run_start", t_ns=BEGIN_NS)
        samples: list[dict[str, Any]] = []
        for step, level in enumerate(levels):
            samples += _write_level(writer, step, level)
        for event in events:
            writer.append_event(**event)
        if end is not None:
            writer.append_event("run_end", reason=end)
    if samples:
        (run / TELEMETRY).write_text("".join(json.dumps(sample) + "\n" for sample in samples))
    return run


def level_begin_ns(step: int) -> int:
    """When the measuring of a step begins."""
    return BEGIN_NS + step * BETWEEN_S * SECOND_NS + 5 * SECOND_NS


def record_of(step: int, number: int, level: MadeUpLevel, **changes: Any) -> RequestRecord:
    """The record of a completed request with a TTFT of 100 ms, but for `changes`."""
    ttft_ms = changes.pop("ttft_ms", 100.0)
    start_ns = changes.pop("start_ns", level_begin_ns(step))
    e2e_ms = None if ttft_ms is None else ttft_ms + sum(level.itl_ms)
    values: dict[str, Any] = {
        "id": f"{step}-{number}",
        "step": step,
        "users": level.users,
        "task": level.task,
        "prompt_id": f"{level.task}-{number}",
        "worker": "w0",
        "start_ns": start_ns,
        "first_byte_ns": start_ns,
        "end_ns": start_ns + int((e2e_ms or 500.0) * 1e6),
        "ttft_ms": ttft_ms,
        "ttfat_ms": ttft_ms,
        "itl_p50_ms": level.itl_ms[0],
        "itl_p99_ms": max(level.itl_ms),
        "itl_max_ms": max(level.itl_ms),
        "tpot_ms": sum(level.itl_ms) / len(level.itl_ms),
        "e2e_ms": e2e_ms,
        "clock": level.clock,
        "events": 1 + len(level.itl_ms),
        "prompt_tokens": 20,
        "output_tokens": 1 + len(level.itl_ms),
        "thinking_tokens": None,
        "outcome": Outcome.COMPLETED,
        "failure": None,
        "http_status": 200,
        "finish_reason": "stop",
        "warmup": False,
        "grades": {},
    }
    return RequestRecord(**(values | changes))


def _write_level(writer: RunWriter, step: int, level: MadeUpLevel) -> list[dict[str, Any]]:
    """Writes a level's events, records and histograms; returns its telemetry."""
    begin_ns = level_begin_ns(step)
    end_ns = begin_ns + LEVEL_S * SECOND_NS
    writer.append_event("step_start", t_ns=begin_ns - SECOND_NS, step=step, users=level.users)
    writer.append_event("step_measuring", t_ns=begin_ns, step=step)
    records = _records(step, level)
    writer.append_records(encode_record(record) for record in records)
    histograms = IntervalHistograms()
    measured = [r for r in records if r.outcome is Outcome.COMPLETED and not r.warmup]
    ttfts_ms = [record.ttft_ms for record in measured if record.ttft_ms is not None]
    if level.ttft_in_histogram_ms is not None:
        ttfts_ms = list(level.ttft_in_histogram_ms)
    by_metric = {
        "ttft": ttfts_ms,
        "ttfat": [record.ttfat_ms for record in measured],
        "tpot": [record.tpot_ms for record in measured],
        "e2e": [record.e2e_ms for record in measured],
        "itl": list(level.itl_ms) * len(measured),
    }
    for metric, values_ms in by_metric.items():
        if values_ms:
            tag = f"{step}/{level.task}/{metric}"
            histograms.record(tag, np.array(values_ms, dtype=np.float64) * 1e3)
    writer.append_histograms(begin_ns, end_ns, histograms.take())
    if level.ends:
        writer.append_event("step_end", t_ns=end_ns, step=step)
    count = len(level.telemetry)
    return [
        {"t_ns": begin_ns + (2 * index + 1) * LEVEL_S * SECOND_NS // (2 * count), **sample}
        for index, sample in enumerate(level.telemetry)
    ]


def _records(step: int, level: MadeUpLevel) -> list[RequestRecord]:
    begin_ns = level_begin_ns(step)
    records = [
        record_of(step, number, level, warmup=True, ttft_ms=9_999.0, start_ns=begin_ns - SECOND_NS)
        for number in range(level.warmup)
    ]
    spacing_ns = (LEVEL_S - 10) * SECOND_NS // max(len(level.ttft_ms), 1)
    for number, ttft_ms in enumerate(level.ttft_ms):
        grades = level.grades[number] if number < len(level.grades) else {}
        start_ns = begin_ns + number * spacing_ns
        records.append(
            record_of(step, number, level, ttft_ms=ttft_ms, grades=grades, start_ns=start_ns)
        )
    nothing = {
        "first_byte_ns": None,
        "ttft_ms": None,
        "ttfat_ms": None,
        "itl_p50_ms": None,
        "itl_p99_ms": None,
        "itl_max_ms": None,
        "tpot_ms": None,
        "events": 0,
        "output_tokens": None,
        "http_status": None,
        "finish_reason": None,
    }
    for failure, count in level.failures.items():
        for _ in range(count):
            changes = {"outcome": Outcome.FAILED, "failure": failure, "failure_detail": "refused"}
            records.append(record_of(step, len(records), level, **nothing, **changes))
    for _ in range(level.cut_off):
        records.append(record_of(step, len(records), level, **nothing, outcome=Outcome.CUT_OFF))
    return records


def with_changes(record: RequestRecord, **changes: Any) -> RequestRecord:
    """The record with some fields replaced."""
    return msgspec.structs.replace(record, **changes)
