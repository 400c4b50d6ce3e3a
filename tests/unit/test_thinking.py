"""Answers that thought: how long, and how many never came out of it, in levels and reports."""

import io
from pathlib import Path

import pytest
from rich.console import Console

from loadproof.analysis.judge import analyse
from loadproof.model.answer import Answer
from loadproof.model.verdict import RunVerdict
from loadproof.recording.reader import read_run
from loadproof.recording.records import encode_record
from loadproof.recording.writer import RunWriter
from loadproof.report.page import report_html
from loadproof.report.summary import summary_md
from loadproof.report.terminal import print_verdict
from loadproof.tasks.thinking import never_left, spoken
from unit.made_up_run import MadeUpLevel, record_of, write_made_up_run


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """One user; 1 answer without thinking, 18 with 100 of 140 tokens, 2 that never left it."""
    level = MadeUpLevel(1, [100.0])
    run = write_made_up_run(tmp_path / "run", [level])
    thought = {"thinking_tokens": 100, "output_tokens": 140, "ttfat_ms": 2400.0}
    lost = {"thinking_tokens": 512, "output_tokens": 512, "ttfat_ms": None}
    changes = [thought] * 18 + [lost] * 2
    with RunWriter(run) as writer:
        writer.append_records(
            encode_record(record_of(0, number, level, **fields))
            for number, fields in enumerate(changes, start=1)
        )
    return run


def verdict_of(run: Path) -> RunVerdict:
    return analyse(read_run(run), run)


def test_a_level_tells_thinking_from_answer_and_counts_what_never_left_it(run: Path) -> None:
    (level,) = verdict_of(run).levels
    thinking = level.thinking
    assert thinking is not None
    assert (thinking.answers, thinking.unfinished) == (20, 2)
    assert thinking.thinking_tokens.p50 == 100
    assert thinking.thinking_tokens.max == 512
    assert thinking.thinking_tokens.mean == pytest.approx((18 * 100 + 2 * 512) / 20)
    assert (thinking.answer_tokens.p50, thinking.answer_tokens.max) == (40, 40)
    assert thinking.answer_tokens.mean == pytest.approx(36)
    assert 0 < thinking.low < 0.1 < thinking.high < 0.35
    assert level.latencies["ttfat"].n == 19


def test_a_run_without_thinking_says_nothing_of_it(tmp_path: Path) -> None:
    run = write_made_up_run(tmp_path / "run", [MadeUpLevel(1, [100.0] * 5)])
    verdict = verdict_of(run)
    assert verdict.levels[0].thinking is None
    assert "hinking" not in report_html(read_run(run), verdict)


def test_every_report_shows_it(run: Path) -> None:
    verdict = verdict_of(run)
    output = io.StringIO()
    print_verdict(verdict, Console(file=output, width=200))
    said = "10 % (2.8 % to 30.1 %) of 20"
    for text in (output.getvalue(), summary_md(verdict).replace("\\", "")):
        assert "141 thinking tokens an answer (p95 512), then 36 of the answer (p95 40)" in text
        assert "the first after 2,400 ms (p95 2,400)" in text
        assert f"{said} never left the thinking" in text
    page = report_html(read_run(run), verdict)
    assert "<h2>Thinking</h2>" in page
    assert said in page.replace("\u00a0", " ")


@pytest.mark.parametrize(
    ("answer", "left"),
    [
        (Answer("42", None, finished_thinking=True, finish_reason="stop"), True),
        (Answer("42", "hm", finished_thinking=True, finish_reason="stop"), True),
        (Answer("", "hm", finished_thinking=True, finish_reason="stop"), True),
        (Answer("", "hm", finished_thinking=False, finish_reason="length"), False),
        (Answer("<think>hm", None, finished_thinking=True, finish_reason="length"), False),
        (Answer("<think>a</think>b", None, finished_thinking=True, finish_reason="stop"), True),
        (Answer("a</think>b<think>c", "d", finished_thinking=True, finish_reason="length"), True),
        (Answer("a</think><think>c", "d", finished_thinking=True, finish_reason="length"), False),
    ],
)
def test_what_ended_within_its_thinking(answer: Answer, *, left: bool) -> None:
    assert never_left(answer) is not left
    if not left:
        assert not spoken(answer)
