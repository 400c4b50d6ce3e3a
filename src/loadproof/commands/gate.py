"""`loadproof gate`: analyse a recorded run, write its reports, say the verdict."""

import re
from pathlib import Path

from rich.console import Console

from loadproof.analysis.capacity.answer import with_capacity
from loadproof.analysis.judge import analyse
from loadproof.model.errors import ConfigurationError
from loadproof.recording.directory import REPORT
from loadproof.recording.reader import read_run
from loadproof.report.outputs import write_reports
from loadproof.report.terminal import print_verdict

_ADDRESS = re.compile(r"https?://[^\s<>()\"'\\]+")


def gate(run: Path, console: Console, report_url: str | None = None) -> int:
    """Judges the run in directory `run` and returns the verdict's exit code.

    Writes verdict.json, report.html, junit.xml and summary.md there; what is in them already is
    replaced. `report_url` is where the summary says that report.html is to be seen.

    Raises RunUnreadableError, RunUnwritableError where they cannot be written, and
    ConfigurationError as `check_report_url`.
    """
    check_report_url(report_url)
    recorded = read_run(run)
    verdict = with_capacity(analyse(recorded, run), recorded, run)
    write_reports(run, recorded, verdict, report_url)
    print_verdict(verdict, console)
    console.print(f"  report: {run / REPORT}", soft_wrap=True, highlight=False, markup=False)
    if recorded.header["scenario"].get("claims"):
        hint = f"  claims: loadproof claims {run}"
        console.print(hint, soft_wrap=True, highlight=False, markup=False)
    return verdict.exit_code


def check_report_url(url: str | None) -> None:
    """Raises ConfigurationError where `url` is no address that a summary could link."""
    if url is not None and not _ADDRESS.fullmatch(url):
        raise ConfigurationError(
            f"--report-url or LOADPROOF_REPORT_URL: got {url!r}, expected the address at which "
            "report.html will be seen, from http:// or https:// on, {run} for the name of the run "
            "directory"
        )
