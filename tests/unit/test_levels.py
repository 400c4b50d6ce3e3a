"""Levels: every request is accounted for, warm-up is left out, percentiles are exact."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from loadproof.analysis.judge import analyse
from loadproof.model.record import Clock, Failure
from loadproof.model.verdict import RunVerdict
from loadproof.recording.reader import read_run
from loadproof.recording.records import encode_record
from loadproof.recording.writer import RunWriter
from unit.made_up_run import LEVEL_S, MadeUpLevel, level_begin_ns, record_of, write_made_up_run


def analysed(run: Path) -> RunVerdict:
    return analyse(read_run(run), run)


def judged(tmp_path: Path, *levels: MadeUpLevel, **options: Any) -> RunVerdict:
    return analysed(write_made_up_run(tmp_path / "run", levels, **options))


def test_sent_is_completed_plus_failed_plus_cut_off_without_warmup(tmp_path: Path) -> None:
    level = MadeUpLevel(
        8, [100.0] * 10, failures={Failure.RESET: 2, Failure.CONNECT: 1}, cut_off=3, warmup=5
    )
    (found,) = judged(tmp_path, level).levels
    assert (found.sent, found.completed, found.failed, found.cut_off) == (16, 10, 3, 3)
    assert found.warmup == 5
    assert found.failures == {"reset": 2, "connect": 1}


def test_percentiles_are_measured_values_of_completed_requests_outside_the_warmup(
    tmp_path: Path,
) -> None:
    level = MadeUpLevel(
        1, [float(value) for value in range(1, 201)], failures={Failure.RESET: 50}, warmup=9
    )
    ttft = judged(tmp_path, level).levels[0].latencies["ttft"]
    assert (ttft.n, ttft.p50, ttft.p95, ttft.p99, ttft.max) == (200, 100.0, 190.0, 198.0, 200.0)
    assert ttft.mean == pytest.approx(100.5)


def test_itl_percentiles_count_every_token(tmp_path: Path) -> None:
    level = MadeUpLevel(1, [50.0] * 10, itl_ms=[10.0] * 9 + [40.0])
    itl = judged(tmp_path, level).levels[0].latencies["itl"]
    assert itl.n == 100
    assert itl.p90 == pytest.approx(10.0, rel=0.001)
    assert itl.p95 == pytest.approx(40.0, rel=0.001)


def test_tokens_per_second_are_those_that_came_while_the_load_was_up(tmp_path: Path) -> None:
    (level,) = judged(tmp_path, MadeUpLevel(2, [100.0] * 20, itl_ms=[20.0] * 9)).levels
    assert level.output_tokens == 200
    assert level.tokens_per_s == pytest.approx(200 / LEVEL_S)


def test_tasks_are_told_apart(tmp_path: Path) -> None:
    run = write_made_up_run(tmp_path / "run", [MadeUpLevel(2, [100.0] * 4)])
    other = MadeUpLevel(2, [], task="commonsense")
    with RunWriter(run) as writer:
        writer.append_records([encode_record(record_of(0, 99, other, ttft_ms=7.0))])
    (level,) = analysed(run).levels
    assert level.by_task["chat"]["ttft"].n == 4
    assert level.by_task["commonsense"]["ttft"].p50 == 7.0
    assert level.latencies["ttft"].n == 5


def test_only_samples_within_the_measured_time_count(tmp_path: Path) -> None:
    low, high = {"gpu_memory": 4 * 10**9}, {"gpu_memory": 9 * 10**9}
    levels = judged(
        tmp_path,
        MadeUpLevel(1, [100.0] * 5, telemetry=[low] * 5),
        MadeUpLevel(4, [100.0] * 5, telemetry=[low, high, low]),
    ).levels
    assert [level.peak_memory["gpu_memory"] for level in levels] == [4 * 10**9, 9 * 10**9]


def test_a_counter_grows_from_its_last_value_before_the_level_and_survives_a_restart(
    tmp_path: Path,
) -> None:
    def samples(values: Sequence[int]) -> list[dict[str, Any]]:
        return [{"metrics": {"preemptions": value, "running": value}} for value in values]

    levels = judged(
        tmp_path,
        MadeUpLevel(1, [100.0] * 5, telemetry=samples([0, 3])),
        MadeUpLevel(4, [100.0] * 5, telemetry=samples([5, 9, 2])),
    ).levels
    assert levels[0].gauges["preemptions"] == 3
    assert levels[1].gauges["preemptions"] == 2 + 4 + 2
    assert levels[1].gauges["running"] == 9


def test_a_planned_level_that_never_ran_is_a_level_without_requests(tmp_path: Path) -> None:
    verdict = judged(tmp_path, MadeUpLevel(1, [100.0] * 5), planned=[1, 64])
    assert [(level.users, level.sent) for level in verdict.levels] == [(1, 5), (64, 0)]
    assert "nothing was measured at 64 users" in verdict.warnings


def test_levels_without_step_events_take_their_time_from_the_records(tmp_path: Path) -> None:
    run = write_made_up_run(tmp_path / "run", [], planned=[])
    level = MadeUpLevel(None, [])
    start_ns = level_begin_ns(0)
    with RunWriter(run) as writer:
        writer.append_records([encode_record(record_of(0, 1, level, start_ns=start_ns))])
    (found,) = analysed(run).levels
    assert found.users is None
    assert found.duration_s == pytest.approx(0.12)


def test_a_grade_counts_once_and_a_missing_one_not_at_all(tmp_path: Path) -> None:
    grades = [{"accuracy": 1.0}, {"accuracy": 0.0}, {"grade_failed": 1.0}, {}]
    level = MadeUpLevel(1, [50.0] * 4, task="commonsense", grades=grades)
    verdict = judged(tmp_path, level)
    (quality,) = verdict.levels[0].qualities
    assert (quality.metric, quality.n, quality.mean) == ("accuracy", 2, 0.5)
    assert quality.low < 0.5 < quality.high
    assert "1 answer of commonsense could not be graded" in verdict.warnings


def test_a_histogram_that_disagrees_with_the_records_is_a_warning(tmp_path: Path) -> None:
    agreeing = judged(tmp_path / "a", MadeUpLevel(1, [100.0, 150.0]))
    assert not [text for text in agreeing.warnings if "histogram" in text]
    other = MadeUpLevel(1, [100.0, 150.0], ttft_in_histogram_ms=[100.0, 151.0])
    assert any("histogram 0/chat/ttft" in text for text in judged(tmp_path / "b", other).warnings)
    fewer = MadeUpLevel(1, [100.0, 150.0], ttft_in_histogram_ms=[100.0])
    assert any("holds 1 values" in text for text in judged(tmp_path / "c", fewer).warnings)


def test_arrivals_read_from_the_process_clock_are_a_warning(tmp_path: Path) -> None:
    verdict = judged(tmp_path, MadeUpLevel(1, [100.0] * 3, clock=Clock.PROCESS))
    assert verdict.levels[0].process_clock == 3
    assert any("3 requests were read from the process's clock" in w for w in verdict.warnings)
