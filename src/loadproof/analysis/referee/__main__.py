"""The referee's process: it decides until its standard input is closed.

Its exit code is 0, or 1 with one line on standard error where the run cannot be read or written.
"""

import argparse
import os
import select
from pathlib import Path

from loadproof.analysis.judge import scenario_of
from loadproof.analysis.referee.search_watch import SearchWatch
from loadproof.analysis.referee.step_watch import StepWatch
from loadproof.model.errors import LoadproofError
from loadproof.recording.reader import read_header

LOOK_EVERY_S = 0.2
NICENESS = 10
_STDIN = 0


def main() -> None:
    """Referees the run that is named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m loadproof.analysis.referee")
    parser.add_argument("run", type=Path, help="the run directory")
    run = parser.parse_args().run
    os.nice(NICENESS)  # what it does can wait, what it would hold up cannot
    try:
        search = scenario_of(read_header(run), run).search
        watch = StepWatch(run) if search is None else SearchWatch(run, search)
        while not _stdin_ends_within(LOOK_EVERY_S):
            watch.look()
    except LoadproofError as error:
        raise SystemExit(str(error)) from None


def _stdin_ends_within(timeout_s: float) -> bool:
    readable, _, _ = select.select([_STDIN], [], [], timeout_s)
    return bool(readable) and not os.read(_STDIN, 4096)


if __name__ == "__main__":
    main()
