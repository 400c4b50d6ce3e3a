"""Levels: start-ups are cut for latencies alone, and what never gets steady is not averaged."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadproof.analysis.judge import analyse
from loadproof.model.record import Failure
from loadproof.model.verdict import Judgement, Ruling, RunVerdict, Steadiness
from loadproof.recording.hdr import IntervalHistograms
from loadproof.recording.reader import read_run
from loadproof.recording.records import encode_record
from loadproof.recording.writer import RunWriter
from loadproof.report import steadiness as worded
from unit.made_up_run import SECOND_NS, MadeUpLevel, level_begin_ns, record_of, write_made_up_run

P95 = "p95(ttft) <= 120ms"


def noisy(n: int, level_ms: float = 100.0, seed: int = 1) -> list[float]:
    values = level_ms * np.random.default_rng(seed).lognormal(0, 0.05, n)
    return [float(value) for value in values]


def judged(run: Path, level: MadeUpLevel, *objectives: str, **options: Any) -> RunVerdict:
    write_made_up_run(run, [level], objectives=objectives, **options)
    return analyse(read_run(run), run)


def steadiness_of(verdict: RunVerdict) -> Steadiness:
    found = verdict.levels[0].steadiness
    assert found is not None
    return found


def only(verdict: RunVerdict) -> Judgement:
    (judgement,) = verdict.judgements
    return judgement


def test_a_start_burst_counts_for_failures_and_not_for_latencies(tmp_path: Path) -> None:
    level = MadeUpLevel(
        16, [*noisy(80, 400.0), *noisy(920)], failures={Failure.RESET: 30}, telemetry=()
    )
    verdict = judged(tmp_path / "run", level, P95, "rate(failed) <= 1%")
    found = steadiness_of(verdict)
    assert found.steady is True
    assert 75 <= found.cut_requests - 30 <= 110  # the failures stand at the level's start
    assert found.cut_by in ("ttft", "e2e", "throughput")
    latency, failures = verdict.judgements
    assert latency.ruling is Ruling.HOLDS
    assert latency.n == 1000 - (found.cut_requests - 30)
    assert failures.n == 1030
    assert failures.ruling is Ruling.BROKEN
    row = verdict.levels[0]
    assert (row.sent, row.completed) == (1030, 1000)
    assert row.latencies["ttft"].n == latency.n
    assert "cut as start-up: 1" in worded.evidence(found)


def test_the_first_requests_of_users_that_start_at_once_are_cut(tmp_path: Path) -> None:
    run = tmp_path / "run"
    level = MadeUpLevel(8, [])
    write_made_up_run(run, [level], objectives=[P95])
    with RunWriter(run) as writer:
        for user in range(8):
            for number in range(20):
                start_ns = level_begin_ns(0) + user * 1_000_000 + number * SECOND_NS
                record = record_of(0, 20 * user + number, level, start_ns=start_ns)
                writer.append_records([encode_record(record)])
    verdict = analyse(read_run(run), run)
    found = steadiness_of(verdict)
    assert (found.cut_requests, only(verdict).n) == (8, 152)
    said = "cut as start-up: 8 requests with which all users started at once"
    assert worded.evidence(found).startswith(said)


def test_the_cut_is_the_same_whatever_is_asked(tmp_path: Path) -> None:
    level = MadeUpLevel(16, [*noisy(80, 400.0), *noisy(920)])
    strict = judged(tmp_path / "a", level, "p95(ttft) <= 90ms", "mean(e2e) <= 1ms")
    lax = judged(tmp_path / "b", level, "p95(ttft) <= 900ms")
    assert steadiness_of(strict) == steadiness_of(lax)


def test_a_steady_level_is_left_whole(tmp_path: Path) -> None:
    found = steadiness_of(judged(tmp_path / "run", MadeUpLevel(16, noisy(1000))))
    assert (found.steady, found.from_ns, found.cut_requests, found.drifts) == (True, None, 0, ())
    assert worded.evidence(found) == ""


def test_a_short_level_is_too_short_to_tell_and_judged_as_it_is(tmp_path: Path) -> None:
    verdict = judged(tmp_path / "run", MadeUpLevel(1, noisy(86)), P95)
    found = steadiness_of(verdict)
    assert found.steady is None
    assert only(verdict).ruling is Ruling.HOLDS
    assert worded.evidence(found) == "86 of the 300 requests it takes"
    assert not any("steady" in warning for warning in verdict.warnings)


def growing(n: int, first_ms: float, last_ms: float) -> list[float]:
    return [float(value) for value in np.linspace(first_ms, last_ms, n) * np.array(noisy(n, 1.0))]


def test_a_queue_that_grows_over_the_limit_is_broken(tmp_path: Path) -> None:
    verdict = judged(tmp_path / "run", MadeUpLevel(16, growing(1000, 20, 260)), P95)
    assert only(verdict).ruling is Ruling.BROKEN
    assert "never got steady: TTFT rose to" in only(verdict).reason
    assert "its last third alone breaks the objective" in only(verdict).reason
    assert any("16 users never got steady" in warning for warning in verdict.warnings)


def test_a_queue_that_grows_below_the_limit_cannot_be_judged(tmp_path: Path) -> None:
    verdict = judged(tmp_path / "run", MadeUpLevel(16, growing(1000, 20, 100)), P95)
    assert only(verdict).ruling is Ruling.INVALID
    assert "(else INCONCLUSIVE: p95 was" in only(verdict).reason
    assert verdict.exit_code == 12


def test_a_level_that_gets_faster_all_the_time_is_not_broken_for_its_start(
    tmp_path: Path,
) -> None:
    verdict = judged(tmp_path / "run", MadeUpLevel(16, growing(1000, 200, 60)), P95)
    assert only(verdict).ruling is Ruling.INVALID


def test_failures_of_a_level_that_never_gets_steady_are_judged_all_the_same(
    tmp_path: Path,
) -> None:
    level = MadeUpLevel(16, growing(1000, 20, 100))
    assert only(judged(tmp_path / "run", level, "rate(failed) <= 1%")).ruling is Ruling.HOLDS


def memory(first: float, last: float, count: int = 200) -> Sequence[dict[str, Any]]:
    rng = np.random.default_rng(1)
    used = np.linspace(first, last, count) + 1e5 * rng.random(count)
    return [{"gpu_memory": int(value)} for value in used]


def test_memory_that_climbs_leaves_a_peak_open_and_says_when_it_reaches_the_limit(
    tmp_path: Path,
) -> None:
    level = MadeUpLevel(4, noisy(400), telemetry=memory(9.0e9, 9.6e9))
    verdict = judged(tmp_path / "run", level, "peak(gpu_memory) <= 10GB")
    assert only(verdict).ruling is Ruling.INCONCLUSIVE
    assert "GPU memory climbs by 1.2" in only(verdict).reason
    assert "passes the limit after another 19" in only(verdict).reason
    assert any("GPU memory climbs" in warning for warning in verdict.warnings)


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(memory(9.0e9, 9.02e9), id="a little"),
        pytest.param([*memory(9.0e9, 9.6e9, 60), *memory(9.6e9, 9.6e9, 140)], id="levels off"),
    ],
)
def test_memory_that_grows_little_or_levels_off_does_not_climb(
    tmp_path: Path, samples: Sequence[dict[str, Any]]
) -> None:
    level = MadeUpLevel(4, noisy(400), telemetry=samples)
    verdict = judged(tmp_path / "run", level, "peak(gpu_memory) <= 10GB")
    assert only(verdict).ruling is Ruling.HOLDS


def test_gaps_between_tokens_of_the_start_up_are_left_out(tmp_path: Path) -> None:
    run = tmp_path / "run"
    level = MadeUpLevel(16, [*noisy(95, 400.0), *noisy(905)])
    write_made_up_run(run, [level], objectives=["p95(itl) <= 30ms"])
    with RunWriter(run) as writer:
        for second, gap_ms in enumerate([90.0] * 3 + [20.0] * 20):
            histograms = IntervalHistograms()
            histograms.record("0/chat/itl", np.full(100, gap_ms * 1e3))
            start_ns = level_begin_ns(0) + second * SECOND_NS
            writer.append_histograms(start_ns, start_ns + SECOND_NS, histograms.take())
    verdict = analyse(read_run(run), run)
    assert only(verdict).n == 2000
    assert only(verdict).ruling is Ruling.HOLDS
