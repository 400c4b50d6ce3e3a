"""`loadproof gate`: analyse a recorded run, write its reports, say the verdict."""

from pathlib import Path

from rich.console import Console

from loadproof.analysis.judge import analyse
from loadproof.recording.directory import REPORT
from loadproof.recording.reader import read_run
from loadproof.report.outputs import write_reports
from loadproof.report.terminal import print_verdict


def gate(run: Path, console: Console) -> int:
    """Judges the run in directory `run` and returns the verdict's exit code.

    Writes verdict.json, report.html, junit.xml and summary.md there; what is in them already is
    replaced. Raises RunUnreadableError, and RunUnwritableError where they cannot be written.
    """
    recorded = read_run(run)
    verdict = analyse(recorded, run)
    write_reports(run, recorded, verdict)
    print_verdict(verdict, console)
    console.print(f"  report: {run / REPORT}", soft_wrap=True, highlight=False, markup=False)
    return verdict.exit_code
