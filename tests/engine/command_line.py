"""`loadproof run` as a user types it, and what it leaves behind."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

RUN_WITHIN_S = 240.0


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """A run that has ended: exit code, what was shown, and the run directory's contents."""

    exit_code: int
    shown: str
    directory: Path

    @property
    def records(self) -> list[dict[str, Any]]:
        """The lines of requests.jsonl."""
        return self.lines("requests.jsonl")

    @property
    def verdict(self) -> dict[str, Any]:
        """verdict.json."""
        verdict: dict[str, Any] = json.loads((self.directory / "verdict.json").read_text())
        return verdict

    def lines(self, name: str) -> list[dict[str, Any]]:
        """The objects in a file of one JSON object a line, each of them whole."""
        return [json.loads(line) for line in (self.directory / name).read_text().splitlines()]


def start_run(scenario: Path, server: Path, runs: Path) -> subprocess.Popen[str]:
    """`loadproof run SCENARIO --server SERVER --runs RUNS`, started; its output goes to a pipe."""
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "loadproof", "run", str(scenario)),
            *("--server", str(server), "--runs", str(runs)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def end_of_run(process: subprocess.Popen[str], runs: Path) -> FinishedRun:
    """Waits until the run has ended. `runs` holds the directory of no other run."""
    try:
        shown, _ = process.communicate(timeout=RUN_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.terminate()
        raise
    directories = list(runs.glob("*/"))
    assert len(directories) == 1, shown
    return FinishedRun(process.returncode, shown, directories[0])
