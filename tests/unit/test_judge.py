"""Verdicts: what holds, what is broken, what cannot be said, and what a pipeline sees."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loadproof.analysis.judge import analyse, scenario_of
from loadproof.analysis.objectives import judge
from loadproof.analysis.samples import level_samples
from loadproof.model.errors import RunUnreadableError
from loadproof.model.exit_codes import ExitCode
from loadproof.model.grammar import parse_objective
from loadproof.model.record import Failure
from loadproof.model.verdict import Judgement, Ruling, RunVerdict
from loadproof.recording.hdr import new_histogram
from loadproof.recording.reader import read_run
from unit.made_up_run import MadeUpLevel, write_made_up_run

HOLDS, BROKEN, INCONCLUSIVE, INVALID = (
    Ruling.HOLDS,
    Ruling.BROKEN,
    Ruling.INCONCLUSIVE,
    Ruling.INVALID,
)
P99 = "p99(ttft) <= 120ms"


def judged(
    tmp_path: Path, levels: MadeUpLevel | Sequence[MadeUpLevel], *objectives: Any, **options: Any
) -> RunVerdict:
    given = [levels] if isinstance(levels, MadeUpLevel) else levels
    run = write_made_up_run(tmp_path / "run", given, objectives=objectives, **options)
    return analyse(read_run(run), run)


def only(verdict: RunVerdict) -> Judgement:
    (judgement,) = verdict.judgements
    return judgement


def over(n: int, of: int) -> list[float]:
    """TTFTs of which `n` of `of` are over 120 ms, spread evenly."""
    return [131.0 if (k * n) % of < n else 100.0 for k in range(of)]


@pytest.mark.parametrize(
    ("n", "of", "ruling"),
    [
        (0, 299, HOLDS),
        (0, 298, INCONCLUSIVE),
        (4, 1204, HOLDS),
        (10, 1204, INCONCLUSIVE),
        (41, 1204, BROKEN),
        (10, 10, BROKEN),
        (1, 1, BROKEN),  # the lower bound of one in one is 5 %
    ],
)
def test_a_percentile_is_ruled_by_the_interval_of_the_share_over_the_limit(
    tmp_path: Path, n: int, of: int, ruling: Ruling
) -> None:
    assert only(judged(tmp_path, MadeUpLevel(16, over(n, of)), P99)).ruling is ruling


def test_the_reason_gives_the_numbers(tmp_path: Path) -> None:
    judgement = only(judged(tmp_path, MadeUpLevel(16, over(41, 1204)), P99))
    assert judgement.reason == (
        "p99 was 131 ms; 41 of 1,204 requests (3.4 %) were over 120 ms, "
        "at least 2.6 % at 95 % confidence, and the objective allows 1 %"
    )
    assert (judgement.observed, judgement.limit, judgement.n) == (131.0, 120.0, 1204)
    assert judgement.estimate == pytest.approx(41 / 1204)


def test_an_undecided_percentile_says_how_many_requests_would_settle_it(tmp_path: Path) -> None:
    judgement = only(judged(tmp_path, MadeUpLevel(16, over(0, 200)), P99))
    assert judgement.more_requests == 99
    assert "about 99 more requests at this level" in judgement.reason


def test_no_number_of_requests_settles_what_is_just_at_the_limit(tmp_path: Path) -> None:
    judgement = only(judged(tmp_path, MadeUpLevel(16, over(10, 1000)), P99))
    assert judgement.ruling is INCONCLUSIVE
    assert judgement.more_requests is None


def test_failed_requests_are_not_in_percentiles(tmp_path: Path) -> None:
    level = MadeUpLevel(16, over(0, 400), failures={Failure.TIMEOUT_FIRST_TOKEN: 100})
    verdict = judged(tmp_path, level, P99, "rate(failed) <= 1%")
    assert [j.ruling for j in verdict.judgements] == [HOLDS, BROKEN]
    assert verdict.judgements[1].reason.startswith("100 of 500 requests (20 %) failed, at least ")
    assert any("100 of 500 requests" in warning for warning in verdict.warnings)


def test_an_objective_is_asked_of_its_levels_alone(tmp_path: Path) -> None:
    levels = [MadeUpLevel(1, over(0, 400)), MadeUpLevel(64, over(40, 400))]
    verdict = judged(tmp_path, levels, {"require": P99, "up_to": 16})
    assert [(j.users, j.ruling) for j in verdict.judgements] == [(1, HOLDS)]
    assert verdict.ruling is HOLDS


def test_no_samples_is_inconclusive_for_every_kind_of_objective(tmp_path: Path) -> None:
    sentences = [
        P99,
        "p99(itl) <= 30ms",
        "mean(e2e) <= 4s",
        "rate(failed) <= 1%",
        "answered(chat) >= 80%",
        "peak(gpu_memory) <= 10GB",
        "max(kv_usage) <= 95%",
        "preemptions <= 0",
    ]
    verdict = judged(tmp_path, MadeUpLevel(16, []), *sentences)
    assert [j.ruling for j in verdict.judgements] == [INCONCLUSIVE] * len(sentences)
    assert verdict.judgements[5].reason == "no GPU was sampled at this level"
    assert verdict.exit_code == ExitCode.INCONCLUSIVE


def test_a_planned_level_that_never_ran_is_undecided(tmp_path: Path) -> None:
    verdict = judged(tmp_path, MadeUpLevel(1, over(0, 400)), P99, planned=[1, 64])
    assert [(j.users, j.ruling) for j in verdict.judgements] == [(1, HOLDS), (64, INCONCLUSIVE)]
    assert verdict.ruling is INCONCLUSIVE


@pytest.mark.parametrize(("limit", "ruling"), [(19, BROKEN), (21, HOLDS)])
def test_itl_is_judged_by_every_token(tmp_path: Path, limit: int, ruling: Ruling) -> None:
    judgement = only(
        judged(tmp_path, MadeUpLevel(1, [50.0] * 40, itl_ms=[20.0] * 10), f"p99(itl) <= {limit}ms")
    )
    assert (judgement.ruling, judgement.n) == (ruling, 400)


def test_gaps_of_one_request_are_no_independent_evidence(tmp_path: Path) -> None:
    # One request in 50 has all its gaps over the limit: 2 % of 20,000 gaps, of four requests.
    run = read_run(
        write_made_up_run(tmp_path / "run", [MadeUpLevel(1, [50.0] * 200, itl_ms=[20.0] * 100)])
    )
    (level,) = level_samples(run, scenario_of(run.header, tmp_path))
    slow = {"itl_p50_ms": 40.0, "itl_p99_ms": 40.0, "itl_max_ms": 40.0, "tpot_ms": 40.0}
    measured = tuple(
        msgspec.structs.replace(record, **slow) if index % 50 == 25 else record
        for index, record in enumerate(level.measured)
    )
    gaps = new_histogram()
    gaps.record_value(20_000, 19_600)
    gaps.record_value(40_000, 400)
    level = replace(level, measured=measured, itl={"chat": gaps})
    finding = judge(parse_objective("p99(itl) <= 30ms"), level, 0.95)
    assert (finding.n, finding.ruling) == (20_000, INCONCLUSIVE)
    assert "these weigh as much as 200 independent ones" in finding.reason


def test_failures_in_one_bunch_break_the_objective_they_broke(tmp_path: Path) -> None:
    level = MadeUpLevel(16, over(0, 400), failures={Failure.RESET: 100})
    assert only(judged(tmp_path, level, "rate(failed) <= 1%")).ruling is BROKEN


def test_tokens_too_near_the_limit_for_the_histogram_decide_nothing(tmp_path: Path) -> None:
    level = MadeUpLevel(1, [50.0] * 40, itl_ms=[20.001] * 10)
    assert only(judged(tmp_path, level, "p99(itl) <= 20ms")).ruling is INCONCLUSIVE


@pytest.mark.parametrize(
    ("limit", "ruling"), [("95ms", BROKEN), ("100ms", INCONCLUSIVE), ("105ms", HOLDS)]
)
def test_a_mean_is_ruled_by_its_t_interval(tmp_path: Path, limit: str, ruling: Ruling) -> None:
    level = MadeUpLevel(1, [90.0, 110.0] * 50)
    assert only(judged(tmp_path, level, f"mean(ttft) <= {limit}")).ruling is ruling


@pytest.mark.parametrize(("right", "ruling"), [(95, HOLDS), (82, INCONCLUSIVE), (60, BROKEN)])
def test_quality_has_to_reach_its_limit(tmp_path: Path, right: int, ruling: Ruling) -> None:
    grades = [{"accuracy": float(k < right)} for k in range(100)]
    level = MadeUpLevel(4, [50.0] * 100, task="commonsense", grades=grades)
    judgement = only(judged(tmp_path, level, "accuracy(commonsense) >= 80%"))
    assert judgement.ruling is ruling
    assert judgement.observed == pytest.approx(right / 100)
    assert (judgement.more_requests is None) == (ruling is not INCONCLUSIVE)


def test_more_requests_count_requests_of_all_tasks(tmp_path: Path) -> None:
    grades = [{"accuracy": 1.0}] * 10  # of 100 requests one in ten has a grade
    level = MadeUpLevel(4, [50.0] * 100, task="commonsense", grades=grades)
    judgement = only(judged(tmp_path, level, "accuracy(commonsense) >= 80%"))
    assert judgement.more_requests == 10 * (14 - 10)  # 0.8^14 < 5 %


def test_f1_is_judged_by_its_mean(tmp_path: Path) -> None:
    grades = [{"f1": 0.7 + 0.003 * (k % 100)} for k in range(200)]
    level = MadeUpLevel(4, [50.0] * 200, task="medical_qa", grades=grades)
    sentences = ["f1(medical_qa) >= 80%", "f1(medical_qa) >= 90%"]
    assert [j.ruling for j in judged(tmp_path, level, *sentences).judgements] == [HOLDS, BROKEN]


def memory(*gigabytes: float) -> list[dict[str, Any]]:
    return [{"gpu_memory": int(value * 1e9)} for value in gigabytes]


@pytest.mark.parametrize(
    ("samples", "ruling"),
    [
        (memory(*[9.2] * 30), HOLDS),
        (memory(*[9.2] * 29, 10.1), BROKEN),
        (memory(9.2, 9.2), INCONCLUSIVE),  # 15 s of 30 unwatched
        (memory(10.1), BROKEN),
    ],
)
def test_a_peak_is_judged_as_observed_and_only_where_it_was_watched(
    tmp_path: Path, samples: list[dict[str, Any]], ruling: Ruling
) -> None:
    level = MadeUpLevel(1, [50.0] * 10, telemetry=samples)
    assert only(judged(tmp_path, level, "peak(gpu_memory) <= 10GB")).ruling is ruling


def test_gauges_and_counters_of_the_server_are_judged(tmp_path: Path) -> None:
    metrics = [{"metrics": {"kv_usage": 0.97, "preemptions": k // 29}} for k in range(30)]
    level = MadeUpLevel(1, [50.0] * 10, telemetry=metrics)
    verdict = judged(
        tmp_path, level, "max(kv_usage) <= 95%", "preemptions <= 0", "preemptions <= 1"
    )
    assert [j.ruling for j in verdict.judgements] == [BROKEN, BROKEN, HOLDS]
    assert verdict.judgements[0].reason.startswith("kv_usage peaked at 97 % in 30 samples")


GOOD, BAD, FEW = over(0, 400), over(40, 400), over(0, 20)


@pytest.mark.parametrize(
    ("ttfts", "ruling", "code"),
    [
        ([GOOD], HOLDS, ExitCode.HOLDS),
        ([GOOD, FEW], INCONCLUSIVE, ExitCode.INCONCLUSIVE),
        ([GOOD, FEW, BAD], BROKEN, ExitCode.BROKEN),
    ],
)
def test_a_run_is_as_bad_as_its_worst_judgement(
    tmp_path: Path, ttfts: list[list[float]], ruling: Ruling, code: ExitCode
) -> None:
    levels = [MadeUpLevel(4**k, values) for k, values in enumerate(ttfts)]
    verdict = judged(tmp_path, levels, P99)
    assert (verdict.ruling, verdict.exit_code) == (ruling, code)
    assert verdict.reasons


def test_an_invalid_run_is_neither_good_nor_bad(tmp_path: Path) -> None:
    event = {"kind": "warning", "message": "the generator was the bottleneck", "invalid": True}
    levels = [MadeUpLevel(1, GOOD), MadeUpLevel(4, BAD)]
    verdict = judged(tmp_path, levels, P99, events=[event])
    assert (verdict.ruling, verdict.exit_code) == (INVALID, ExitCode.INVALID)
    assert [j.ruling for j in verdict.judgements] == [INVALID, INVALID]
    assert verdict.judgements[1].reason.startswith("the generator was the bottleneck (else BROKEN")


def test_a_step_marked_invalid_leaves_the_other_levels_their_judgements(tmp_path: Path) -> None:
    event = {"kind": "warning", "message": "late", "invalid": True, "step": 1}
    levels = [MadeUpLevel(1, GOOD), MadeUpLevel(4, GOOD)]
    verdict = judged(tmp_path, levels, P99, events=[event])
    assert [j.ruling for j in verdict.judgements] == [HOLDS, INVALID]
    assert verdict.ruling is INVALID


def test_a_plain_warning_is_shown_and_changes_nothing(tmp_path: Path) -> None:
    event = {"kind": "warning", "message": "slow disk", "invalid": False}
    verdict = judged(tmp_path, MadeUpLevel(1, GOOD), P99, events=[event])
    assert verdict.ruling is HOLDS
    assert "slow disk" in verdict.warnings


def test_a_run_that_was_cut_off_holds_nothing_as_a_whole(tmp_path: Path) -> None:
    levels = [MadeUpLevel(1, GOOD), MadeUpLevel(4, GOOD, ends=False)]
    verdict = judged(tmp_path, levels, P99, end=None)
    assert [j.ruling for j in verdict.judgements] == [HOLDS, INCONCLUSIVE]
    assert (verdict.ruling, verdict.exit_code) == (INCONCLUSIVE, ExitCode.INCONCLUSIVE)
    assert any("cut off" in warning for warning in verdict.warnings)


@pytest.mark.parametrize("end", [None, "interrupted"])
def test_what_was_broken_before_the_run_was_cut_off_stays_broken(
    tmp_path: Path, end: str | None
) -> None:
    verdict = judged(tmp_path, MadeUpLevel(1, BAD, ends=False), P99, end=end)
    assert (verdict.ruling, verdict.exit_code) == (BROKEN, ExitCode.BROKEN)


def test_an_interrupted_run_is_at_best_inconclusive(tmp_path: Path) -> None:
    assert judged(tmp_path, MadeUpLevel(1, GOOD), P99, end="interrupted").ruling is INCONCLUSIVE


def test_a_server_that_died_has_its_own_exit_code_and_keeps_the_judgements(
    tmp_path: Path,
) -> None:
    level = MadeUpLevel(1, GOOD, failures={Failure.CONNECT: 30})
    verdict = judged(tmp_path, level, P99, "rate(failed) <= 1%", end="server_failed")
    assert verdict.exit_code == ExitCode.SERVER_FAILED
    assert [j.ruling for j in verdict.judgements] == [HOLDS, BROKEN]
    assert verdict.reasons[0] == "the server failed during the run"


def test_without_objectives_nothing_is_ruled(tmp_path: Path) -> None:
    verdict = judged(tmp_path, MadeUpLevel(1, GOOD))
    assert (verdict.ruling, verdict.exit_code) == (None, ExitCode.HOLDS)


def test_without_a_completed_request_even_a_run_without_objectives_is_inconclusive(
    tmp_path: Path,
) -> None:
    verdict = judged(tmp_path, MadeUpLevel(1, [], failures={Failure.CONNECT: 5}))
    assert (verdict.ruling, verdict.exit_code) == (INCONCLUSIVE, ExitCode.INCONCLUSIVE)
    assert verdict.reasons[0] == "no request completed"


def test_an_objective_that_no_level_was_asked_is_undecided(tmp_path: Path) -> None:
    verdict = judged(tmp_path, MadeUpLevel(8, GOOD), {"require": P99, "at": [64]}, planned=[])
    assert verdict.ruling is INCONCLUSIVE
    assert verdict.reasons == (f"{P99} was asked of no load level of this run",)


def test_a_run_is_judged_the_same_each_time(tmp_path: Path) -> None:
    run = write_made_up_run(tmp_path / "run", [MadeUpLevel(1, BAD)], objectives=[P99])
    assert analyse(read_run(run), run) == analyse(read_run(run), run)


def test_a_header_without_a_scenario_is_refused_in_one_line(tmp_path: Path) -> None:
    run = write_made_up_run(tmp_path / "run", [MadeUpLevel(1, GOOD)])
    recorded = read_run(run)
    recorded.header["scenario"] = {"name": "x"}
    with pytest.raises(RunUnreadableError, match=r"run\.json: scenario: traffic: missing"):
        analyse(recorded, run)


def test_goodput_is_of_all_that_was_sent_and_a_failed_request_misses(tmp_path: Path) -> None:
    level = MadeUpLevel(16, over(5, 400), failures={Failure.RESET: 2}, cut_off=1)
    sentences = [f"goodput(ttft <= 120ms and e2e <= 1s) >= {share}%" for share in (90, 98, 99.9)]
    found = judged(tmp_path, level, *sentences).judgements
    assert [j.ruling for j in found] == [HOLDS, INCONCLUSIVE, BROKEN]
    assert found[0].observed == pytest.approx(395 / 403)
    assert found[0].reason.startswith(
        "395 of 403 requests (98 %) completed and met every bound, at least 9"
    )
    assert found[1].more_requests is not None


@pytest.mark.parametrize(("bound", "ruling"), [("itl <= 19ms", BROKEN), ("itl <= 21ms", HOLDS)])
def test_goodput_bounds_the_longest_gap_of_a_request(
    tmp_path: Path, bound: str, ruling: Ruling
) -> None:
    level = MadeUpLevel(1, [50.0] * 100, itl_ms=[5.0] * 9 + [20.0])
    assert only(judged(tmp_path, level, f"goodput({bound}) >= 95%")).ruling is ruling
