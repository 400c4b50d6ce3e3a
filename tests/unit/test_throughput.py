"""Throughput: what arrives while the load is up, at the time at which it arrives."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from loadproof.analysis.judge import analyse
from loadproof.model.record import Outcome, RequestRecord
from loadproof.model.verdict import Judgement, Ruling, RunVerdict
from loadproof.recording.control import ControlWriter, Planned
from loadproof.recording.reader import read_run
from loadproof.recording.records import encode_record
from loadproof.recording.writer import RunWriter
from loadproof.stats import batches
from unit.made_up_run import (
    SECOND_NS,
    MadeUpLevel,
    level_begin_ns,
    record_of,
    write_made_up_run,
)

BEGIN_NS = level_begin_ns(0)
LOAD_S = 20
LEVEL = MadeUpLevel(4, [])
HOLDS, BROKEN, INCONCLUSIVE = Ruling.HOLDS, Ruling.BROKEN, Ruling.INCONCLUSIVE


def request(
    start_s: float, length_s: float = 2.0, tokens: int = 100, **changes: Any
) -> RequestRecord:
    """Its first token comes at once, its last one at its end."""
    return record_of(
        0,
        round(start_s * 1e6),
        LEVEL,
        start_ns=BEGIN_NS + round(start_s * SECOND_NS),
        end_ns=BEGIN_NS + round((start_s + length_s) * SECOND_NS),
        ttft_ms=0.0,
        e2e_ms=1e3 * length_s,
        output_tokens=tokens,
        **changes,
    )


def judged(
    tmp_path: Path,
    records: Sequence[RequestRecord],
    *objectives: str,
    level: MadeUpLevel = LEVEL,
    end: str | None = "finished",
) -> RunVerdict:
    """The load is up for 20 s; then it drains."""
    draining = {"kind": "step_draining", "step": 0, "t_ns": BEGIN_NS + LOAD_S * SECOND_NS}
    run = write_made_up_run(
        tmp_path / "run", [level], objectives=objectives, events=[draining], end=end
    )
    with RunWriter(run) as writer:
        writer.append_records(map(encode_record, records))
    return analyse(read_run(run), run)


def only(verdict: RunVerdict) -> Judgement:
    (judgement,) = verdict.judgements
    return judgement


def closed_loop(users: int = 4, length_s: float = 2.0, **changes: Any) -> list[RequestRecord]:
    """Users without pauses whose requests interlace; the warm-up has begun before."""
    found = []
    for user in range(users):
        start_s = -length_s * (user + 1) / users
        while start_s < LOAD_S:
            found.append(request(start_s, length_s, warmup=start_s < 0, **changes))
            start_s += length_s
    return found


def test_rates_are_of_the_time_in_which_the_load_was_up(tmp_path: Path) -> None:
    """4 users with 100 tokens in 2 s each: 200 tokens a second, however long the last ones take."""
    (level,) = judged(tmp_path, closed_loop()).levels
    assert level.tokens_per_s == pytest.approx(200, rel=0.02)
    assert level.requests_per_s == pytest.approx(2, rel=0.03)


@pytest.mark.parametrize(
    ("start_s", "length_s", "tokens"),
    [
        (0.5, 4.0, 101),
        (18.0, 4.0, 51),  # the first one and half of the others
        (-2.0, 4.0, 50),  # of the warm-up: half of those after the first one
        (-3.0, 1.0, 0),
        (19.0, 100.0, 2),
    ],
)
def test_tokens_count_when_they_arrive(
    tmp_path: Path, start_s: float, length_s: float, tokens: int
) -> None:
    record = request(start_s, length_s, 101, warmup=start_s < 0)
    (level,) = judged(tmp_path, [record]).levels
    assert level.tokens_per_s == pytest.approx(tokens / LOAD_S)


@pytest.mark.parametrize(("outcome", "tokens"), [(Outcome.FAILED, 0), (Outcome.CUT_OFF, 101)])
def test_tokens_of_failed_requests_do_not_count(
    tmp_path: Path, outcome: Outcome, tokens: int
) -> None:
    (level,) = judged(tmp_path, [request(3.0, 4.0, 101, outcome=outcome)]).levels
    assert level.tokens_per_s == pytest.approx(tokens / LOAD_S)


@pytest.mark.parametrize(
    ("sentence", "ruling"),
    [
        ("throughput(output_tokens) >= 190/s", HOLDS),
        ("throughput(output_tokens) >= 199.9/s", INCONCLUSIVE),
        ("throughput(output_tokens) >= 210/s", BROKEN),
        ("throughput(requests) >= 1.5/s", HOLDS),
        ("throughput(requests{task=chat}) >= 150/m", BROKEN),
        ("goodput(e2e <= 2s and ttft <= 1ms) >= 1.5/s", HOLDS),
        ("goodput(e2e <= 1s) >= 0.1/s", BROKEN),
    ],
)
def test_a_throughput_is_ruled_by_the_bounds_of_its_batches(
    tmp_path: Path, sentence: str, ruling: Ruling
) -> None:
    assert only(judged(tmp_path, closed_loop(), sentence)).ruling is ruling


def test_the_reason_gives_the_rate_its_bound_and_the_time(tmp_path: Path) -> None:
    judgement = only(judged(tmp_path, closed_loop(), "throughput(output_tokens) >= 12000/m"))
    assert judgement.reason.startswith("output tokens came at 200/s over 20 s, ")
    assert "and the objective asks for 12000/m" in judgement.reason
    assert judgement.observed == pytest.approx(200, rel=0.02)
    assert judgement.limit == pytest.approx(200)


def test_an_undecided_throughput_says_how_much_longer_it_would_take(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    records = [request(at_s, 0.001, 10) for at_s in rng.uniform(0, LOAD_S, 200)]
    judgement = only(judged(tmp_path, records, "throughput(requests) >= 9.5/s"))
    assert judgement.ruling is INCONCLUSIVE
    assert judgement.more_requests is not None
    assert "more requests at this level would be expected to settle it" in judgement.reason


def test_few_requests_say_nothing_of_a_rate(tmp_path: Path) -> None:
    records = [request(at_s) for at_s in range(0, 16, 2)]
    judgement = only(judged(tmp_path, records, "throughput(output_tokens) >= 1/s"))
    assert judgement.ruling is INCONCLUSIVE
    assert "in which 8 requests completed, and 16 are needed; about 8 more" in judgement.reason
    assert judgement.more_requests == 8
    assert judgement.more_s == pytest.approx(20)


def test_without_a_completed_request_there_is_no_throughput(tmp_path: Path) -> None:
    records = [request(at_s, outcome=Outcome.FAILED) for at_s in range(20)]
    judgement = only(judged(tmp_path, records, "throughput(requests) >= 1/s"))
    assert judgement.ruling is INCONCLUSIVE
    assert judgement.reason == "none of 20 requests completed at this level"


def test_where_the_run_was_cut_off_throughput_is_not_known_to_be_too_low(tmp_path: Path) -> None:
    level = MadeUpLevel(4, [], ends=False)
    sentence = "throughput(requests) >= 100/s"
    judgement = only(judged(tmp_path, closed_loop(), sentence, level=level, end=None))
    assert judgement.ruling is INCONCLUSIVE
    assert "cut off within this level" in judgement.reason


def test_while_a_level_lasts_its_throughput_is_of_the_time_that_all_records_are_known_of(
    tmp_path: Path,
) -> None:
    """Requests in flight have no record: without those started in the last two seconds there is
    nothing to be known of the tokens of these."""
    level = MadeUpLevel(4, [], ends=False)
    known = [r for r in closed_loop() if r.start_ns <= BEGIN_NS + 16 * SECOND_NS]
    run = write_made_up_run(tmp_path / "run", [level], objectives=["throughput(requests) >= 1/s"])
    with RunWriter(run) as writer:
        writer.append_records(map(encode_record, known))
    verdict = analyse(read_run(run), run)
    assert verdict.levels[0].tokens_per_s == pytest.approx(200, rel=0.02)
    assert only(verdict).ruling is HOLDS


@pytest.mark.parametrize(("planned", "ruling"), [(40, HOLDS), (10_000, INCONCLUSIVE)])
def test_a_level_that_was_looked_at_is_judged_up_to_its_last_planned_look(
    tmp_path: Path, planned: int, ruling: Ruling
) -> None:
    run = write_made_up_run(tmp_path / "run", [LEVEL], objectives=["throughput(requests) >= 1/s"])
    with RunWriter(run) as writer:
        writer.append_records(map(encode_record, closed_loop()))
    ControlWriter(run).append(Planned(BEGIN_NS, 0, planned))
    found = only(analyse(read_run(run), run))
    assert found.ruling is ruling
    if ruling is INCONCLUSIVE:
        assert found.reason == "no request completed in the time that counts at this level"


def test_batches_that_resemble_their_neighbours_count_for_less() -> None:
    rising, mixed = np.arange(16.0), np.arange(16.0)[::-1].reshape(2, 8).T.ravel()
    wide, narrow = batches.bounds(rising, 0.95), batches.bounds(mixed, 0.95)
    assert wide.mean == narrow.mean == 7.5
    assert wide.high - wide.low > 1.5 * (narrow.high - narrow.low)


def test_bounds_of_batches_miss_the_truth_as_seldom_as_they_say() -> None:
    """Of a Poisson stream; 5 % is stated, 1,000 runs leave 1.4 % of play."""
    rng = np.random.default_rng(7)
    found = [batches.bounds(row, 0.95) for row in rng.poisson(20.0, (1000, 16)).astype(float)]
    assert sum(bounds.low > 20 for bounds in found) <= 65
    assert sum(bounds.high < 20 for bounds in found) <= 65


@pytest.mark.parametrize(("events", "number"), [(0, 1), (1, 1), (15, 7), (16, 8), (500, 16)])
def test_each_batch_has_a_request_or_two(events: int, number: int) -> None:
    assert batches.number_of(events) == number
