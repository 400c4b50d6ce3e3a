"""All reports of a run, written into its directory."""

from pathlib import Path

from loadproof.model.verdict import RunVerdict
from loadproof.recording.directory import JUNIT, REPORT, SUMMARY, VERDICT
from loadproof.recording.outputs import write_output
from loadproof.recording.reader import RecordedRun
from loadproof.report.junit import junit_xml
from loadproof.report.page import report_html
from loadproof.report.summary import summary_md
from loadproof.report.verdict_json import encode_verdict


def write_reports(
    path: Path, run: RecordedRun, verdict: RunVerdict, report_url: str | None = None
) -> None:
    """Writes verdict.json, junit.xml, summary.md and report.html into the run directory `path`.

    `report_url` as for `summary_md`. Raises RunUnwritableError.
    """
    write_output(path, VERDICT, encode_verdict(verdict))
    write_output(path, JUNIT, junit_xml(verdict))
    write_output(path, SUMMARY, summary_md(verdict, report_url))
    write_output(path, REPORT, report_html(run, verdict))
