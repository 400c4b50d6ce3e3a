"""`loadproof capacity`: search the highest load at which all objectives hold."""

from pathlib import Path

from rich.console import Console

from loadproof.commands.gate import check_report_url
from loadproof.commands.run import load_and_judge
from loadproof.tasks.traffic import load_search


def capacity(
    scenario_path: Path,
    server_path: Path,
    runs: Path,
    processes: int,
    console: Console,
    *,
    report_url: str | None = None,
) -> int:
    """Searches within the bounds of the scenario's [capacity] table; returns the exit code.

    Arguments and errors are those of `run`. An interrupted search says what it has found so far.
    """
    check_report_url(report_url)
    scenario = load_search(scenario_path)
    told = ("--capacity", str(scenario_path))
    return load_and_judge(scenario, told, server_path, runs, processes, console, report_url)
