"""Made-up runs whose workers tell how they fared."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from loadproof.model.record import RequestRecord
from loadproof.recording.hdr import IntervalHistograms
from loadproof.recording.records import encode_record
from loadproof.recording.writer import RunWriter
from unit.made_up_run import (
    LEVEL_S,
    SECOND_NS,
    MadeUpLevel,
    level_begin_ns,
    record_of,
    with_changes,
    write_made_up_run,
)

USERS = 16


def interval(second: int, **changes: Any) -> dict[str, Any]:
    """A generator's second: 1 ms late, on a third of a core."""
    begin_ns = level_begin_ns(0) + second * SECOND_NS
    return {
        "kind": "generator",
        "worker": "w0",
        "step": 0,
        "warmup": False,
        "start_ns": begin_ns,
        "end_ns": begin_ns + SECOND_NS,
        "cpu_share": 0.31,
        "cpu_wait_share": 0.01,
        "backlog": 3,
        "loop_lateness_max_us": 1_000,
        "read_lateness_max_us": 200,
        "long_collections": 0,
        "longest_collection_us": 0,
        "clock_drift_ns": -2_000,
        "clock_steps": 0,
        **changes,
    }


def write_watched_run(
    tmp_path: Path,
    records: Sequence[RequestRecord],
    *objectives: str,
    late_ms: Sequence[float] = (0.8,) * 3000,
    itl_ms: Sequence[float] = (),
    **generator: Any,
) -> Path:
    """Writes these records at 16 users as a run, and returns its directory.

    `generator` is what its intervals say, `late_ms` how late its ticks were.
    """
    run = write_made_up_run(
        tmp_path / "run",
        [MadeUpLevel(USERS, [])],
        objectives=objectives,
        events=[interval(second, **generator) for second in range(LEVEL_S)],
    )
    histograms = IntervalHistograms()
    histograms.record("0/generator/loop_lateness", np.array(late_ms) * 1e3)
    histograms.record("0/generator/read_lateness", np.array([0.2]) * 1e3)
    if itl_ms:
        histograms.record("0/chat/itl", np.array(itl_ms) * 1e3)
    with RunWriter(run) as writer:
        writer.append_records(map(encode_record, records))
        writer.append_histograms(level_begin_ns(0), level_begin_ns(1), histograms.take())
    return run


def requests(ttft_ms: Sequence[float], **changes: Any) -> list[RequestRecord]:
    """A completed request for each value, evenly over the level."""
    level = MadeUpLevel(USERS, ttft_ms)
    spacing_ns = (LEVEL_S - 5) * SECOND_NS // len(ttft_ms)
    starts_ns = [level_begin_ns(0) + number * spacing_ns for number in range(len(ttft_ms))]
    return [
        with_changes(record_of(0, k, level, ttft_ms=ttft_ms[k], start_ns=starts_ns[k]), **changes)
        for k in range(len(ttft_ms))
    ]
