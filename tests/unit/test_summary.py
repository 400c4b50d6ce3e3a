"""The pull request summary, and verdict.json for programs."""

from dataclasses import replace
from pathlib import Path

import jsonschema
import msgspec
import pytest
from rich.console import Console

from loadproof.analysis.judge import analyse
from loadproof.commands.gate import gate
from loadproof.model.errors import ConfigurationError
from loadproof.model.verdict import RunVerdict
from loadproof.recording.directory import OUTPUTS
from loadproof.recording.reader import read_run
from loadproof.report.outputs import write_reports
from loadproof.report.summary import summary_md
from loadproof.report.verdict_json import decode_verdict, encode_verdict, verdict_schema
from unit.lifelike_run import write_lifelike_run
from unit.made_up_run import MadeUpLevel, write_made_up_run


def lifelike(tmp_path: Path) -> RunVerdict:
    run = write_lifelike_run(tmp_path / "run")
    return analyse(read_run(run), run)


def test_the_verdict_comes_first_with_what_decided_it(tmp_path: Path) -> None:
    lines = summary_md(lifelike(tmp_path)).splitlines()
    assert lines[0].startswith("## ✗ BROKEN: mixed-ramp on simulated-")
    assert "SIMULATED" in lines[2]
    assert lines[4].startswith("- p99(ttft) &lt;= 400ms is broken at 64 users: p99 was ")


def test_tables_have_a_row_a_level_and_a_row_an_objective(tmp_path: Path) -> None:
    verdict = lifelike(tmp_path)
    rows = [line for line in summary_md(verdict).splitlines() if line.startswith("|")]
    widths = {row.replace("\\|", "").count("|") for row in rows}
    assert len(rows) == (2 + 4) + (2 + 7)
    assert widths == {12, 6}
    assert "| `p99(ttft) <= 400ms` |" in summary_md(verdict)


def test_names_cannot_write_markdown_or_html(tmp_path: Path) -> None:
    event = {"kind": "warning", "message": "see [x](http://evil) <img src=x> **b**\n# head | @all"}
    run = write_made_up_run(
        tmp_path / "run", [MadeUpLevel(1, [50.0] * 4)], server="a|b`<script>", events=[event]
    )
    text = summary_md(analyse(read_run(run), run))
    assert "<script>" not in text
    assert "<img" not in text
    assert "\n# head" not in text
    assert "\\[x\\](http://evil)" in text
    assert "\\*\\*b\\*\\*" in text


def test_verdict_json_reads_back_as_it_was(tmp_path: Path) -> None:
    verdict = lifelike(tmp_path)
    assert decode_verdict(encode_verdict(verdict)) == verdict


def test_verdict_json_follows_its_published_schema(tmp_path: Path) -> None:
    schema = verdict_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(msgspec.json.decode(encode_verdict(lifelike(tmp_path))), schema)


def test_a_run_without_anything_has_every_report(tmp_path: Path) -> None:
    run = write_made_up_run(tmp_path / "run", [], end=None)
    recorded = read_run(run)
    write_reports(run, recorded, analyse(recorded, run))
    assert all((run / name).read_text(encoding="utf-8") for name in OUTPUTS)


def test_links_are_relative_or_lead_to_where_the_report_will_be_seen(tmp_path: Path) -> None:
    verdict = replace(lifelike(tmp_path), run="2026-11-23T21-08-43Z_a_b c")
    assert "\n[report.html](report.html) · [verdict.json](verdict.json)" in summary_md(verdict)
    url = "https://ci.example/job/7/artifacts/file/runs/{run}/report.html"
    assert (
        "[Report with charts](https://ci.example/job/7/artifacts/file/runs/"
        "2026-11-23T21-08-43Z_a_b%20c/report.html)"
    ) in summary_md(verdict, url)


@pytest.mark.parametrize("url", ["report.html", "ftp://x", "https://a b", "https://x)(y", ""])
def test_an_address_that_cannot_be_linked_is_refused_before_anything_is_done(
    tmp_path: Path, url: str
) -> None:
    with pytest.raises(ConfigurationError, match="expected the address at which"):
        gate(tmp_path / "none", Console(), url)
