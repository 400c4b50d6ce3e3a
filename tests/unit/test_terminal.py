"""What a terminal shows: the table of levels, each verdict with its reason, live progress."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from loadproof.analysis.judge import analyse
from loadproof.model.record import Failure, Outcome
from loadproof.model.scenario import Step
from loadproof.model.verdict import RunVerdict
from loadproof.recording.reader import read_run
from loadproof.recording.records import encode_record
from loadproof.recording.writer import RunWriter
from loadproof.report.progress import Progress
from loadproof.report.terminal import print_verdict
from unit.lifelike_run import write_lifelike_run
from unit.made_up_run import SECOND_NS, MadeUpLevel, record_of, write_made_up_run


def printed(verdict: RunVerdict, width: int, *, terminal: bool = False) -> str:
    output = io.StringIO()
    environment = {"TERM": "xterm-256color"}
    console = Console(
        file=output, width=width, force_terminal=terminal or None, _environ=environment
    )
    print_verdict(verdict, console)
    return output.getvalue()


@pytest.fixture
def verdict(tmp_path: Path) -> RunVerdict:
    run = write_lifelike_run(tmp_path / "run")
    return analyse(read_run(run), run)


@pytest.mark.parametrize("width", [40, 60, 80, 100, 132, 220])
def test_no_line_is_wider_than_the_terminal_and_no_number_is_cut(
    verdict: RunVerdict, width: int
) -> None:
    text = printed(verdict, width)
    assert max(len(line) for line in text.splitlines()) <= width
    assert "…" not in text
    for number in ("658", "2,239", "457", "5,209", "9.22 GB"):
        assert number in text


def test_a_row_a_level_at_80_columns(verdict: RunVerdict) -> None:
    rows = [line.split() for line in printed(verdict, 80).splitlines()]
    (row,) = [row for row in rows if row[:2] == ["64", "658"]]
    assert row == ["64", "658", "15", "2,239", "231", "377", "457", "47.4", "5,209", "9.22", "GB"]


def test_each_objective_has_its_verdict_and_reason_by_level(verdict: RunVerdict) -> None:
    text = printed(verdict, 400)
    assert "p99(ttft) <= 400ms" in text
    for judgement in verdict.judgements:
        assert judgement.reason in text
    assert "✗ BROKEN  exit code 10" in text
    assert "SIMULATED" in text


def test_a_pipe_gets_no_escape_codes_and_a_terminal_does(verdict: RunVerdict) -> None:
    assert "\x1b" not in printed(verdict, 80)
    assert "\x1b[" in printed(verdict, 80, terminal=True)


def test_no_color_is_honoured(verdict: RunVerdict) -> None:
    output = io.StringIO()
    console = Console(file=output, width=80, force_terminal=True, _environ={"NO_COLOR": "1"})
    print_verdict(verdict, console)
    assert "\x1b[31m" not in output.getvalue()
    assert "\x1b[1;31m" not in output.getvalue()


def test_names_cannot_draw_in_the_terminal(tmp_path: Path) -> None:
    event = {"kind": "warning", "message": "[red]no markup[/] \x1b[2J\x07"}
    level = MadeUpLevel(1, [50.0] * 5, failures={Failure.RESET: 1})
    run = write_made_up_run(tmp_path / "run", [level], server="x[/bold]", events=[event])
    text = printed(analyse(read_run(run), run), 80)
    assert "[red]no markup[/]" in text
    assert "x[/bold]" in text
    assert "\x1b" not in text
    assert "\x07" not in text


STEPS = [Step(index, users, 20.0, None, 5.0, 10.0) for index, users in enumerate((1, 16))]


def test_progress_tells_step_time_requests_and_latency(tmp_path: Path) -> None:
    now_s = 100.0
    output = io.StringIO()
    console = Console(file=output, width=200)
    level = MadeUpLevel(16, [])
    with (
        RunWriter(tmp_path) as writer,
        Progress(tmp_path, STEPS, console, clock_s=lambda: now_s) as progress,
    ):
        assert progress.line() == "waiting for the first step"
        writer.append_event("run_start", t_ns=100 * SECOND_NS)
        writer.append_event("step_start", t_ns=130 * SECOND_NS, step=1, users=16)
        writer.append_event("step_measuring", t_ns=135 * SECOND_NS, step=1)
        start_ns = 138 * SECOND_NS
        records = [record_of(1, k, level, ttft_ms=50.0, start_ns=start_ns) for k in range(10)]
        records += [record_of(1, 11, level, start_ns=start_ns, outcome=Outcome.FAILED)]
        writer.append_records(encode_record(record) for record in records)
        now_s = 140.0
        progress.update()
        assert output.getvalue() == (
            "step 2 of 2, 16 users, measuring | 0:40 elapsed, about 0:15 left | "
            "10 done, 1 failed | 4 tokens/s | TTFT p50 50 ms, p99 50 ms\n"
        )
        now_s = 144.0
        progress.update()
        assert output.getvalue().count("\n") == 1  # a line every 5 s
        now_s = 145.0
        progress.update()
        assert output.getvalue().count("\n") == 2


def test_progress_follows_a_run_without_a_plan(tmp_path: Path) -> None:
    console = Console(file=io.StringIO(), width=200)
    with RunWriter(tmp_path) as writer, Progress(tmp_path, [], console, lambda: 7.0) as progress:
        writer.append_event("step_start", t_ns=5 * SECOND_NS, step=0, users=8)
        progress.update()
        assert progress.line().startswith("step 1, 8 users, warming up | 0:02 elapsed | 0 done")


def test_a_terminal_gets_one_live_line(tmp_path: Path) -> None:
    output = io.StringIO()
    console = Console(file=output, width=80, force_terminal=True, _environ={"TERM": "xterm"})
    with RunWriter(tmp_path) as writer, Progress(tmp_path, STEPS, console) as progress:
        writer.append_event("step_start", t_ns=5 * SECOND_NS, step=0, users=8)
        progress.update()
        assert "step 1 of 2, 8 users" in output.getvalue()
