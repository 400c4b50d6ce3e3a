"""A search as the referee leads it over the control file, and what the verdict makes of it."""

from pathlib import Path

import pytest

from loadproof.analysis.capacity.answer import with_capacity
from loadproof.analysis.judge import analyse
from loadproof.model.exit_codes import ExitCode
from loadproof.model.verdict import Capacity, Ruling, RunVerdict
from loadproof.recording.control import EndRun, NextStep, Visited
from loadproof.recording.reader import read_run
from loadproof.report.verdict_json import decode_verdict, encode_verdict
from unit.made_up_search import write_search


def ten_users(users: int) -> float:
    return 50.0 if users <= 10 else 200.0


def judged(run: Path) -> tuple[RunVerdict, Capacity]:
    recorded = read_run(run)
    verdict = with_capacity(analyse(recorded, run), recorded, run)
    assert verdict.capacity is not None
    return verdict, verdict.capacity


def test_the_referee_leads_a_search_to_its_end(tmp_path: Path) -> None:
    run = write_search(tmp_path / "run", ten_users)
    verdict, found = judged(run)
    assert (found.holds_up_to, found.broken_from) == (10, 11)
    assert found.sentence == "holds up to 10 users, broken from 11, at 95 % confidence"
    assert found.breaks_first == ("p80(ttft) <= 120ms",)
    assert found.requests_per_s == pytest.approx(50, rel=0.05)
    assert found.goodput_per_s == pytest.approx(50, rel=0.05)
    assert found.requests == sum(not record.warmup for record in read_run(run).records)
    assert (verdict.ruling, verdict.exit_code) == (Ruling.HOLDS, ExitCode.HOLDS)
    assert verdict.reasons[0] == found.sentence
    assert decode_verdict(encode_verdict(verdict)) == verdict


def test_the_control_file_tells_the_search(tmp_path: Path) -> None:
    control = read_run(write_search(tmp_path / "run", ten_users)).control
    steps = [decision for decision in control if isinstance(decision, NextStep)]
    visits = [decision for decision in control if isinstance(decision, Visited)]
    assert [step.step for step in steps] == list(range(len(steps)))
    assert [(v.step, v.users) for v in visits] == [(s.step, s.users) for s in steps]
    assert isinstance(control[-1], EndRun)
    assert {visit.said for visit in visits} == {
        "likely to hold",
        "likely to be broken",
        "HOLDS",
        "BROKEN",
    }


def test_a_referee_that_is_killed_at_each_step_decides_the_same(tmp_path: Path) -> None:
    whole = read_run(write_search(tmp_path / "whole", ten_users)).control
    broken = read_run(write_search(tmp_path / "broken", ten_users, restarts=True)).control

    def levels(control: tuple[object, ...]) -> list[tuple[int, str]]:
        return [(d.users, d.purpose) for d in control if isinstance(d, NextStep)]

    assert levels(broken) == levels(whole)


def test_a_search_that_is_broken_off_says_what_it_has(tmp_path: Path) -> None:
    verdict, found = judged(write_search(tmp_path / "run", ten_users, most=3))
    assert (found.holds_up_to, found.broken_from) == (None, None)
    assert found.ended == "it was broken off"
    assert len(found.visits) == 3
    assert (verdict.ruling, verdict.exit_code) == (Ruling.INCONCLUSIVE, ExitCode.INCONCLUSIVE)


def test_a_server_that_breaks_at_the_lowest_level_is_broken(tmp_path: Path) -> None:
    verdict, found = judged(write_search(tmp_path / "run", lambda users: 500.0))
    assert found.broken_from == 1
    assert found.sentence == "broken from 1 user, at 95 % confidence"
    assert verdict.exit_code == ExitCode.BROKEN


def test_a_server_that_never_breaks_holds_up_to_the_top(tmp_path: Path) -> None:
    verdict, found = judged(write_search(tmp_path / "run", lambda users: 5.0))
    assert (found.holds_up_to, found.broken_from) == (64, None)
    assert "the most that were to be tried" in found.sentence
    assert verdict.exit_code == ExitCode.HOLDS
