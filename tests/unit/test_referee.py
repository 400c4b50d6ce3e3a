"""The referee: when it looks, what ends a level, and what it writes about a run that grows."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest

from loadproof.analysis.judge import analyse
from loadproof.analysis.referee.growing_run import GrowingRun
from loadproof.analysis.referee.looks import (
    AT_MOST_EVERY_S,
    RESOURCE_AFTER_S,
    Looks,
    planned_requests,
    why_settled,
)
from loadproof.analysis.referee.step_watch import StepWatch
from loadproof.model.record import RequestRecord
from loadproof.model.scenario import Scenario
from loadproof.model.verdict import Judgement, Ruling
from loadproof.recording.control import ControlTail, EndStep, Planned
from loadproof.recording.reader import read_header, read_run
from loadproof.recording.records import encode_record
from loadproof.recording.writer import RunWriter
from unit.made_up_run import SECOND_NS, MadeUpLevel, level_begin_ns, record_of

LEVEL = MadeUpLevel(users=4, ttft_ms=())
SCENARIO = {
    "name": "early",
    "traffic": [{"task": "chat"}],
    "steps": [
        {"users": [4], "requests": 1000, "stop_when_decided": True},
        {"users": [8], "requests": 1000},
    ],
    "objectives": [{"require": "p90(ttft) <= 120ms"}],
}


def judgement(ruling: Ruling, kind: str = "percentile") -> Judgement:
    return Judgement("o", kind, 0, 4, ruling, "", 100, 1.0)


HOLDS, BROKEN, OPEN = (
    judgement(Ruling.HOLDS),
    judgement(Ruling.BROKEN),
    judgement(Ruling.INCONCLUSIVE),
)
MEMORY = judgement(Ruling.HOLDS, "peak")


@pytest.mark.parametrize(
    ("judgements", "elapsed_s", "ends"),
    [
        ([], 1e6, False),
        ([HOLDS], 0.1, True),
        ([HOLDS, BROKEN], 0.1, True),
        ([BROKEN, OPEN], 1e6, False),
        ([judgement(Ruling.INVALID)], 1e6, False),
        ([HOLDS, MEMORY], RESOURCE_AFTER_S - 0.1, False),
        ([HOLDS, MEMORY], RESOURCE_AFTER_S, True),
        ([OPEN, MEMORY], RESOURCE_AFTER_S, False),
        ([HOLDS, judgement(Ruling.BROKEN, "counter")], 0.1, True),
    ],
)
def test_a_level_ends_when_each_objective_is_settled(
    judgements: list[Judgement], elapsed_s: float, ends: bool
) -> None:
    assert (why_settled(judgements, elapsed_s) is not None) is ends


def test_looks_grow_apart_and_come_once_a_second_at_most() -> None:
    looks = Looks()
    at = [(n, n / 100) for n in range(100_000) if looks.is_due(n, n / 100)]
    assert len(at) < 60
    assert all(after[1] - before[1] >= AT_MOST_EVERY_S for before, after in pairwise(at))
    assert all(after[0] >= 1.2 * before[0] for before, after in pairwise(at))


@pytest.mark.parametrize(
    ("requests", "duration_s", "ended", "elapsed_s", "planned"),
    [
        (500, None, 0, 0.0, 500),
        (None, 60.0, 19, 5.0, None),
        (None, 60.0, 100, 0.9, None),
        (None, 60.0, 100, 10.0, 660),
        (500, 60.0, 100, 10.0, 500),
    ],
)
def test_a_plan_is_made_of_what_a_step_will_start(
    requests: int | None, duration_s: float | None, ended: int, elapsed_s: float, planned: int
) -> None:
    assert planned_requests(requests, duration_s, ended, elapsed_s) == planned


def records(step: int, number: int, ttft_ms: float, first: int = 0) -> list[RequestRecord]:
    begin_ns = level_begin_ns(0)
    level = replace(LEVEL, users=4 if step == 0 else 8)
    return [
        record_of(step, n, level, ttft_ms=ttft_ms, start_ns=begin_ns + n * SECOND_NS // 100)
        for n in range(first, first + number)
    ]


@pytest.fixture
def writer(tmp_path: Path) -> RunWriter:
    """A run whose first step is being measured."""
    writer = RunWriter(tmp_path)
    scenario = Scenario.model_validate(SCENARIO).model_dump(mode="json")
    writer.write_header({"scenario": scenario, "server": {"name": "made-up"}})
    writer.append_event("step_start", t_ns=level_begin_ns(0), step=0, users=4)
    writer.append_event("step_measuring", t_ns=level_begin_ns(0), step=0)
    return writer


def append(writer: RunWriter, made_up: list[RequestRecord]) -> None:
    writer.append_records(encode_record(record) for record in made_up)


def test_a_level_is_ended_once_when_it_is_settled_and_a_new_referee_knows(
    writer: RunWriter, tmp_path: Path
) -> None:
    watch = StepWatch(tmp_path)
    append(writer, records(0, 10, ttft_ms=10))
    watch.look()
    assert [type(decision) for decision in ControlTail(tmp_path).poll()] == [Planned]
    append(writer, records(0, 400, ttft_ms=10, first=10))
    watch.look()
    watch.look()
    StepWatch(tmp_path).look()
    planned, ended = ControlTail(tmp_path).poll()
    assert isinstance(planned, Planned)
    assert (planned.step, planned.requests) == (0, 1000)
    assert isinstance(ended, EndStep)
    assert (ended.step, ended.why) == (0, "its objective was settled")


def test_a_step_that_is_not_to_be_ended_early_is_left_alone(
    writer: RunWriter, tmp_path: Path
) -> None:
    writer.append_event("step_start", t_ns=level_begin_ns(0), step=1, users=8)
    writer.append_event("step_measuring", t_ns=level_begin_ns(0), step=1)
    append(writer, records(1, 400, ttft_ms=10))
    StepWatch(tmp_path).look()
    assert ControlTail(tmp_path).poll() == []


def test_what_is_in_flight_may_not_count_yet(writer: RunWriter, tmp_path: Path) -> None:
    """A request that took 2 s has ended: of those started since, slow ones are unknown."""
    run = GrowingRun(tmp_path, read_header(tmp_path), Scenario.model_validate(SCENARIO))
    slow = record_of(0, 999, LEVEL, ttft_ms=2000.0 - 20.0)
    append(writer, [slow, *records(0, 400, ttft_ms=10)])
    run.poll()
    assert run.measured == 401
    last_end_ns = records(0, 400, ttft_ms=10)[-1].end_ns
    level, _ = run.level(1000)
    assert all(r.start_ns <= last_end_ns - 2 * SECOND_NS for r in level.measured)
    assert 200 < len(level.measured) < 210


def test_the_verdict_says_that_a_level_was_ended_early(writer: RunWriter, tmp_path: Path) -> None:
    append(writer, records(0, 400, ttft_ms=10))
    StepWatch(tmp_path).look()
    end_ns = level_begin_ns(0) + 5 * SECOND_NS
    for kind in ("step_draining", "step_end"):
        writer.append_event(kind, t_ns=end_ns, step=0)
    writer.append_event("run_end", reason="completed")
    verdict = analyse(read_run(tmp_path), tmp_path)
    early = verdict.levels[0].ended_early
    assert early is not None
    assert (early.after_s, early.why) == (5.0, "its objective was settled")
    assert verdict.judgements[0].ruling is Ruling.HOLDS
    assert verdict.levels[1].ended_early is None
