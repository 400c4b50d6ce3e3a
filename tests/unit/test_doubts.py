"""Verdicts that the generator's own error could have moved: INVALID, with cause and remedy."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadproof.analysis.doubts import moved
from loadproof.analysis.judge import analyse
from loadproof.model.exit_codes import ExitCode
from loadproof.model.record import Clock, Failure, Outcome, RequestRecord
from loadproof.model.verdict import Judgement, Ruling, RunVerdict
from loadproof.recording.hdr import IntervalHistograms, count_over, decode_histogram
from loadproof.recording.reader import read_run
from loadproof.recording.records import encode_record
from loadproof.recording.writer import RunWriter
from unit.made_up_run import (
    LEVEL_S,
    SECOND_NS,
    MadeUpLevel,
    level_begin_ns,
    with_changes,
    write_made_up_run,
)
from unit.watched_run import USERS, interval, requests, write_watched_run

HOLDS, BROKEN, INCONCLUSIVE, INVALID = (
    Ruling.HOLDS,
    Ruling.BROKEN,
    Ruling.INCONCLUSIVE,
    Ruling.INVALID,
)


def watched_run(tmp_path: Path, *given: Any, **how: Any) -> RunVerdict:
    """The verdict on such a run."""
    run = write_watched_run(tmp_path, *given, **how)
    return analyse(read_run(run), run)


def only(verdict: RunVerdict) -> Judgement:
    (judgement,) = verdict.judgements
    return judgement


def troubles(verdict: RunVerdict) -> tuple[str, ...]:
    health = verdict.levels[0].generator
    assert health is not None
    return health.troubles


def test_a_fine_generator_is_said_to_be_fine_with_its_figures(tmp_path: Path) -> None:
    verdict = watched_run(tmp_path, requests([100.0] * 300), "p99(ttft) <= 120ms")
    health = verdict.levels[0].generator
    assert health is not None
    assert only(verdict).ruling is HOLDS
    assert health.troubles == ()
    assert health.loop_lateness.p99 == pytest.approx(0.8)
    assert (health.cpu_share_mean, health.cpu_share_max) == (0.31, 0.31)
    assert (health.backlog_max, health.clock_drift_ms, health.workers) == (3, 0.002, 1)


def test_kernel_stamps_stand_however_late_they_were_read(tmp_path: Path) -> None:
    records = requests([131.0] * 300, read_lateness_max_ms=400.0)
    verdict = watched_run(
        tmp_path, records, "p99(ttft) <= 120ms", loop_lateness_max_us=500_000, late_ms=[500.0]
    )
    assert only(verdict).ruling is BROKEN
    assert verdict.exit_code == ExitCode.BROKEN
    assert troubles(verdict) == ()


@pytest.mark.parametrize(
    ("late_us", "ruling"),
    [
        (200, BROKEN),  # 131 ms less 0.2 are over 120 all the same
        (22_000, INVALID),
    ],
)
def test_the_process_clock_is_believed_as_far_as_the_loop_was_punctual(
    tmp_path: Path, late_us: int, ruling: Ruling
) -> None:
    records = requests([131.0] * 300, clock=Clock.PROCESS)
    verdict = watched_run(tmp_path, records, "p99(ttft) <= 120ms", loop_lateness_max_us=late_us)
    judgement = only(verdict)
    assert judgement.ruling is ruling
    if ruling is INVALID:
        assert judgement.reason.startswith(
            "arrivals of 300 of 300 requests (100 %) are by the process's own clock, which was up "
            "to 22 ms late; its loop was held up for up to "
        )
        assert "--processes 2" in judgement.reason
        assert "(else BROKEN: p99 was 131 ms; " in judgement.reason
        assert verdict.exit_code == ExitCode.INVALID
        assert verdict.ruling is INVALID


def test_what_the_process_clock_says_to_hold_holds(tmp_path: Path) -> None:
    records = requests([100.0] * 300, clock=Clock.PROCESS)
    verdict = watched_run(
        tmp_path, records, "p99(ttft) <= 120ms", loop_lateness_max_us=22_000, late_ms=[22.0]
    )
    assert only(verdict).ruling is HOLDS


@pytest.mark.parametrize(
    ("noted_ms", "ruling"),
    [
        (131.0, INVALID),  # near the limit: they may have come at 109
        (150.0, BROKEN),  # far from it
        (100.0, HOLDS),
    ],
)
def test_first_tokens_that_shared_a_read_are_believed_away_from_the_limit(
    tmp_path: Path, noted_ms: float, ruling: Ruling
) -> None:
    alone = requests([100.0] * 260)
    joined = [
        with_changes(record, id=f"joined-{record.id}", coalesced=1, first_token_coalesced=True)
        for record in requests([noted_ms] * 40)
    ]
    verdict = watched_run(
        tmp_path, alone + joined, "p99(ttft) <= 120ms", loop_lateness_max_us=22_000
    )
    judgement = only(verdict)
    assert judgement.ruling is ruling
    if ruling is INVALID:
        assert judgement.reason.startswith(
            "first tokens of 40 of 300 requests (13.3 %) were read together with later ones, "
            "up to 22 ms late; "
        )
        health = verdict.levels[0].generator
        assert health is not None
        assert health.first_tokens_coalesced == pytest.approx(40 / 300)


@pytest.mark.parametrize(
    ("connect_ms", "ruling"),
    [
        (30.0, INVALID),  # a loop that was 22 ms late may have made all of it
        (2.0, BROKEN),  # it took no longer than that
        (None, BROKEN),
    ],
)
def test_requests_that_had_to_connect_are_doubted_by_the_lateness_of_the_loop(
    tmp_path: Path, connect_ms: float | None, ruling: Ruling
) -> None:
    records = requests([131.0] * 300, connect_ms=connect_ms)
    verdict = watched_run(tmp_path, records, "p99(ttft) <= 120ms", loop_lateness_max_us=22_000)
    judgement = only(verdict)
    assert judgement.ruling is ruling
    if ruling is INVALID:
        assert judgement.reason.startswith(
            "300 of 300 requests (100 %) were sent up to 30 ms after their new connection stood; "
        )


def test_only_the_lateness_of_that_moment_counts(tmp_path: Path) -> None:
    """The generator was late once, long after the requests that shared a read."""
    records = requests([131.0] * 20, coalesced=1, first_token_coalesced=True)
    early = [
        with_changes(record, start_ns=level_begin_ns(0) + k * 1_000_000)
        for k, record in enumerate(records)
    ]
    run = write_made_up_run(
        tmp_path / "run",
        [MadeUpLevel(USERS, [])],
        objectives=["p50(ttft) <= 120ms"],
        events=[
            interval(second, loop_lateness_max_us=60_000 if second == 20 else 500)
            for second in range(LEVEL_S)
        ],
    )
    with RunWriter(run) as writer:
        writer.append_records(map(encode_record, early))
    assert only(analyse(read_run(run), run)).ruling is BROKEN


def test_a_mean_near_its_limit_is_doubted_like_a_percentile(tmp_path: Path) -> None:
    records = requests([125.0, 127.0] * 150, clock=Clock.PROCESS)
    verdict = watched_run(tmp_path, records, "mean(ttft) <= 120ms", loop_lateness_max_us=22_000)
    assert only(verdict).ruling is INVALID


def test_a_late_first_token_may_hide_a_slow_tpot(tmp_path: Path) -> None:
    """The time from the first token to the last is too short by what the first was late."""
    records = requests(
        [131.0] * 300, coalesced=1, first_token_coalesced=True, tpot_ms=19.0, output_tokens=11
    )
    verdict = watched_run(tmp_path, records, "p99(tpot) <= 20ms", loop_lateness_max_us=22_000)
    assert only(verdict).ruling is INVALID


@pytest.mark.parametrize(
    ("coalesced", "gaps_ms", "ruling"),
    [
        (0, [20.0] * 2700 + [45.0] * 300, BROKEN),
        (300, [20.0] * 2700 + [45.0] * 300, INVALID),  # of 45 ms, up to 22 may be ours
        (300, [20.0] * 2700 + [65.0] * 300, BROKEN),
        (300, [20.0] * 3000, INVALID),  # what was put to a later one's time made a gap short
        (3, [20.0] * 3000, HOLDS),
    ],
)
def test_gaps_next_to_arrivals_that_shared_a_read_are_doubted(
    tmp_path: Path, coalesced: int, gaps_ms: list[float], ruling: Ruling
) -> None:
    records = [
        with_changes(
            record,
            coalesced=1 if number < coalesced else 0,
            itl_max_ms=max(gaps_ms),
            events=11,
        )
        for number, record in enumerate(requests([100.0] * 300))
    ]
    verdict = watched_run(
        tmp_path, records, "p95(itl) <= 40ms", itl_ms=gaps_ms, loop_lateness_max_us=22_000
    )
    assert only(verdict).ruling is ruling
    if ruling is INVALID:
        assert "300 of 3,300 arrivals are known to within 22 ms only" in only(verdict).reason


def late_starters(delay_ms: float) -> list[RequestRecord]:
    """Users that should have gone on by this much earlier, once a second each."""
    return [
        with_changes(record, intended_ns=record.start_ns - round(delay_ms * 1e6))
        for record in requests([100.0] * (USERS * LEVEL_S))
    ]


@pytest.mark.parametrize(
    ("delay_ms", "limit", "ruling"),
    [
        (1, "120ms", HOLDS),
        (80, "120ms", INVALID),
        (80, "90ms", BROKEN),  # broken under less load is broken
    ],
)
def test_nothing_is_said_to_hold_under_a_load_that_was_not_delivered(
    tmp_path: Path, delay_ms: float, limit: str, ruling: Ruling
) -> None:
    objectives = (f"p99(ttft) <= {limit}", "rate(failed) <= 5%")
    verdict = watched_run(tmp_path, late_starters(delay_ms), *objectives, cpu_share=0.97)
    health = verdict.levels[0].generator
    assert health is not None
    assert health.delivered == pytest.approx(1 - delay_ms / 1000)
    assert health.start_delay_p99_ms == pytest.approx(delay_ms)
    assert [judgement.ruling for judgement in verdict.judgements] == [
        ruling,
        HOLDS if ruling is HOLDS else INVALID,
    ]
    if delay_ms == 80:
        assert verdict.judgements[1].reason.startswith(
            "8 % of the load that was asked for was not delivered: the generator started requests "
            "up to 80 ms late (p99); it used 97 % of a core: run with --processes 2 or on a bigger "
            "machine (else HOLDS: "
        )
        assert len(health.troubles) == 1


@pytest.mark.parametrize(
    ("delay_ms", "limit", "ruling"),
    [(1, "18/s", HOLDS), (80, "15/s", INVALID), (80, "20/s", INVALID), (80, "25/s", BROKEN)],
)
def test_what_was_served_of_a_load_that_was_not_delivered_is_broken_by_far_or_not_known(
    tmp_path: Path, delay_ms: float, limit: str, ruling: Ruling
) -> None:
    """19.2 requests a second were served; 21.1 would have been without the delays."""
    objective = f"throughput(requests) >= {limit}"
    run = write_watched_run(tmp_path, late_starters(delay_ms), objective, cpu_share=0.97)
    with RunWriter(run) as writer:
        t_ns = level_begin_ns(0) + (LEVEL_S - 5) * SECOND_NS
        writer.append_event("step_draining", step=0, t_ns=t_ns)
    found = only(analyse(read_run(run), run))
    assert found.ruling is ruling
    if ruling is INVALID:
        assert found.reason.startswith("9.6 % of the load that was asked for was not delivered")


@pytest.mark.parametrize(
    ("bound", "late_ms", "ruling"),
    [
        ("ttft <= 125ms", 22, INVALID),  # 131 ms may have been 109
        ("ttft <= 105ms", 22, BROKEN),
        ("ttft <= 125ms", 1, BROKEN),
        ("ttft <= 140ms and itl <= 30ms", 22, INVALID),  # a gap of 20 ms may have been 42
        ("ttft <= 140ms", 22, HOLDS),
    ],
)
def test_goodput_is_judged_again_without_what_the_generator_may_have_added(
    tmp_path: Path, bound: str, late_ms: int, ruling: Ruling
) -> None:
    records = requests([131.0] * 300, clock=Clock.PROCESS)
    objective = f"goodput({bound}) >= 95%"
    found = only(watched_run(tmp_path, records, objective, loop_lateness_max_us=late_ms * 1000))
    assert found.ruling is ruling
    if ruling is INVALID:
        assert "of 300 requests met their bounds hangs on arrivals that are up to 22 ms" in (
            found.reason
        )


def test_goodput_is_doubted_where_the_generator_was_busy_all_the_time(tmp_path: Path) -> None:
    found = only(
        watched_run(
            tmp_path,
            requests([131.0] * 300),
            "goodput(ttft <= 120ms) >= 95%",
            cpu_share=0.99,
            late_ms=[22.0] * 3000,
        )
    )
    assert found.ruling is INVALID


def test_what_is_broken_stays_broken_where_something_else_cannot_be_judged(
    tmp_path: Path,
) -> None:
    objectives = ("p99(ttft) <= 90ms", "rate(failed) <= 5%")
    verdict = watched_run(tmp_path, late_starters(80), *objectives)
    assert verdict.exit_code == ExitCode.BROKEN
    assert verdict.ruling is BROKEN


@pytest.mark.parametrize(
    ("ttft_ms", "late_ms", "ruling"),
    [(131.0, 0.9, BROKEN), (131.0, 22.0, INVALID), (200.0, 22.0, BROKEN), (100.0, 22.0, HOLDS)],
)
def test_a_saturated_generator_is_doubted_by_its_lateness(
    tmp_path: Path, ttft_ms: float, late_ms: float, ruling: Ruling
) -> None:
    verdict = watched_run(
        tmp_path,
        requests([ttft_ms] * 300),
        "p99(ttft) <= 120ms",
        cpu_share=0.99,
        late_ms=[late_ms] * 3000,
    )
    assert only(verdict).ruling is ruling
    if ruling is INVALID:
        assert only(verdict).reason.startswith(
            "the generator used 99 % of a core and was up to 22 ms late (p99); "
            "it used 99 % of a core: run with --processes 2 or on a bigger machine"
        )


@pytest.mark.parametrize(("late_ms", "ruling"), [(5_000, BROKEN), (20_000, INVALID)])
def test_timeouts_where_the_generator_was_late_may_be_its_own(
    tmp_path: Path, late_ms: int, ruling: Ruling
) -> None:
    answered = requests([100.0] * 200)
    timed_out = [
        with_changes(
            record,
            id=f"late-{record.id}",
            outcome=Outcome.FAILED,
            failure=Failure.TIMEOUT_FIRST_TOKEN,
            end_ns=record.start_ns + 120 * SECOND_NS,
            ttft_ms=None,
        )
        for record in requests([100.0] * 40)
    ]
    verdict = watched_run(
        tmp_path,
        answered + timed_out,
        "rate(failed) <= 5%",
        loop_lateness_max_us=late_ms * 1000,
    )
    assert only(verdict).ruling is ruling
    goodput = watched_run(
        tmp_path / "goodput",
        answered + timed_out,
        "goodput(ttft <= 120ms) >= 95%",
        loop_lateness_max_us=late_ms * 1000,
    )
    assert only(goodput).ruling is ruling
    if ruling is INVALID:
        assert "40 of 40 timeouts fell where the generator itself was up to 20 s late" in (
            only(verdict).reason
        )


def test_quality_is_not_touched_by_lateness(tmp_path: Path) -> None:
    records = requests([100.0] * 300, clock=Clock.PROCESS, grades={"answered": 1.0})
    verdict = watched_run(
        tmp_path, records, "answered(chat) >= 90%", loop_lateness_max_us=900_000, late_ms=[900.0]
    )
    assert only(verdict).ruling is HOLDS


@pytest.mark.parametrize(
    ("generator", "advice"),
    [
        ({"cpu_share": 0.3, "cpu_wait_share": 0.34}, "for 34 % of the time other programs had"),
        ({"cpu_share": 0.3, "longest_collection_us": 20_000}, "garbage collections took up to 20"),
        ({"cpu_share": 0.9}, "it used 90 % of a core: run with --processes 2"),
        ({"cpu_share": 0.3}, "code of the locustfile that computes without a pause"),
    ],
)
def test_the_advice_goes_by_what_the_generator_was_late_of(
    tmp_path: Path, generator: dict[str, Any], advice: str
) -> None:
    records = requests([131.0] * 300, clock=Clock.PROCESS)
    verdict = watched_run(
        tmp_path,
        records,
        "p99(ttft) <= 120ms",
        loop_lateness_max_us=22_000,
        late_ms=[22.0] * 100,
        **generator,
    )
    assert advice in only(verdict).reason


def test_more_processes_than_cores_are_not_advised(tmp_path: Path) -> None:
    """The made-up machine has two cores; a second worker is there already."""
    records = requests([131.0] * 300, clock=Clock.PROCESS)
    run = write_made_up_run(
        tmp_path / "run",
        [MadeUpLevel(USERS, [])],
        objectives=["p99(ttft) <= 120ms"],
        events=[
            interval(second, worker=worker, loop_lateness_max_us=22_000, cpu_share=0.97)
            for second in range(LEVEL_S)
            for worker in ("w0", "w1")
        ],
    )
    with RunWriter(run) as writer:
        writer.append_records(map(encode_record, records))
    reason = only(analyse(read_run(run), run)).reason
    assert "on a machine of 2: run it on a bigger machine" in reason
    assert "--processes" not in reason


def test_the_warm_up_is_left_out(tmp_path: Path) -> None:
    run = write_made_up_run(
        tmp_path / "run",
        [MadeUpLevel(USERS, [100.0] * 300)],
        events=[interval(0, warmup=True, cpu_share=0.99, backlog=500), interval(5)],
    )
    health = analyse(read_run(run), run).levels[0].generator
    assert health is not None
    assert (health.cpu_share_max, health.backlog_max) == (0.31, 3)


def test_a_run_that_did_not_measure_its_generator_is_judged_as_it_is(tmp_path: Path) -> None:
    run = write_made_up_run(
        tmp_path / "run",
        [MadeUpLevel(USERS, [131.0] * 300, clock=Clock.PROCESS)],
        objectives=["p99(ttft) <= 120ms"],
    )
    verdict = analyse(read_run(run), run)
    assert verdict.levels[0].generator is None
    assert only(verdict).ruling is BROKEN


def test_a_clock_that_was_set_is_worth_a_warning(tmp_path: Path) -> None:
    verdict = watched_run(tmp_path, requests([100.0] * 300), clock_steps=2)
    assert any("clock was set 2 times" in warning for warning in verdict.warnings)


@pytest.mark.parametrize(("count", "over"), [(0, 300), (120, 180), (300, 0), (9_999, 0)])
def test_at_most_so_many_values_are_moved(count: int, over: int) -> None:
    histograms = IntervalHistograms()
    histograms.record("t", np.array([20.0] * 700 + [45.0] * 200 + [46.0] * 100) * 1e3)
    before = decode_histogram(histograms.take()["t"])
    after = moved(before, count, (40_000, 62_000), 0.0)
    assert count_over(after, 40_000) == over
    assert int(before.total_count) == int(after.total_count)
    assert count_over(before, 40_000) == 300
