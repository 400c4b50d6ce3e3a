"""How the reports tell of the generator."""

from io import StringIO
from pathlib import Path
from xml.etree import ElementTree

import pytest
from rich.console import Console

from loadproof.analysis.judge import analyse
from loadproof.model.record import Clock
from loadproof.model.verdict import RunVerdict
from loadproof.recording.reader import RecordedRun, read_run
from loadproof.report.generator import delivered_share
from loadproof.report.junit import junit_xml
from loadproof.report.page import report_html
from loadproof.report.summary import summary_md
from loadproof.report.terminal import print_verdict
from loadproof.report.verdict_json import decode_verdict, encode_verdict
from unit.made_up_run import MadeUpLevel, with_changes, write_made_up_run
from unit.watched_run import requests, write_watched_run

OBJECTIVE = "p99(ttft) <= 120ms"


@pytest.fixture
def fine(tmp_path: Path) -> tuple[RecordedRun, RunVerdict]:
    run = write_watched_run(tmp_path / "fine", requests([100.0] * 300), OBJECTIVE)
    recorded = read_run(run)
    return recorded, analyse(recorded, run)


@pytest.fixture
def poor(tmp_path: Path) -> tuple[RecordedRun, RunVerdict]:
    run = write_watched_run(
        tmp_path / "poor",
        requests([131.0] * 300, clock=Clock.PROCESS),
        OBJECTIVE,
        late_ms=[22.0] * 3000,
        loop_lateness_max_us=22_000,
        cpu_share=0.97,
    )
    recorded = read_run(run)
    return recorded, analyse(recorded, run)


def printed(verdict: RunVerdict, width: int = 110) -> str:
    out = StringIO()
    print_verdict(verdict, Console(file=out, width=width))
    return out.getvalue()


def test_a_fine_generator_takes_a_line_a_level(fine: tuple[RecordedRun, RunVerdict]) -> None:
    lines = [line.strip() for line in printed(fine[1]).splitlines()]
    at = lines.index("generator")
    assert lines[at + 1] == "16 users  fine  0.8 ms late at p99, 31 % of a core, 100 % of the load"
    assert lines[at + 2] == ""


def test_a_poor_generator_is_named_in_the_terminal(poor: tuple[RecordedRun, RunVerdict]) -> None:
    output = printed(poor[1])
    assert "16 users  not to be believed  22 ms late at p99, 97 % of a core" in output
    assert "INVALID" in output
    assert "exit code 12" in output


def test_what_is_wrong_is_said_where_there_was_nothing_to_judge(tmp_path: Path) -> None:
    late = [
        with_changes(record, intended_ns=record.start_ns - 80_000_000)
        for record in requests([100.0] * 480)
    ]
    run = write_watched_run(tmp_path, late)
    verdict = analyse(read_run(run), run)
    assert verdict.exit_code == 0
    assert "8 % of the load that was asked for was not delivered" in printed(verdict, width=200)


def test_the_summary_has_a_sentence(
    fine: tuple[RecordedRun, RunVerdict], poor: tuple[RecordedRun, RunVerdict]
) -> None:
    assert (
        "The generator was fine: at most 0.8 ms late (p99), used 31 % of a core and delivered "
        "100 % of the load." in summary_md(fine[1])
    )
    assert (
        "What was measured at 16 users may be owed to the load generator itself. It was up to 22 "
        "ms late (p99), used 97 % of a core" in summary_md(poor[1])
    )


def test_the_page_has_a_section_with_a_row_a_level(
    fine: tuple[RecordedRun, RunVerdict],
) -> None:
    page = report_html(*fine)
    assert "<h2>The generator</h2>" in page
    assert "The generator was fine" in page
    assert "moved apart by 0.002 ms" in page


def test_the_page_says_what_to_do(poor: tuple[RecordedRun, RunVerdict]) -> None:
    page = report_html(*poor)
    assert "owed to the load generator itself. Of 1 judgements: 1 invalid." in page
    assert "run with --processes 2 or on a bigger machine" in page


def test_junit_shows_it_as_an_error(poor: tuple[RecordedRun, RunVerdict]) -> None:
    root = ElementTree.fromstring(junit_xml(poor[1]))
    error = root.find(".//testcase/error")
    assert error is not None
    assert error.get("type") == "INVALID"
    assert "was up to 22 ms late" in str(error.get("message"))


def test_verdict_json_carries_it(poor: tuple[RecordedRun, RunVerdict]) -> None:
    read_back = decode_verdict(encode_verdict(poor[1]))
    assert read_back == poor[1]
    assert read_back.levels[0].generator is not None


def test_nothing_is_said_of_a_generator_that_was_not_measured(tmp_path: Path) -> None:
    run = write_made_up_run(tmp_path / "run", [MadeUpLevel(16, [100.0] * 300)])
    recorded = read_run(run)
    verdict = analyse(recorded, run)
    assert "generator" not in printed(verdict)
    assert "generator" not in summary_md(verdict)
    assert "<h2>The generator</h2>" not in report_html(recorded, verdict)


@pytest.mark.parametrize(
    ("delivered", "text"), [(1.0, "100 %"), (0.99996, "99.9 %"), (0.0, "0 %"), (0.95, "95 %")]
)
def test_less_than_all_of_the_load_is_not_called_all(delivered: float, text: str) -> None:
    assert delivered_share(delivered) == text
