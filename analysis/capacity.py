"""The highest load level of a run up to which all objectives hold, and what breaks first above it.

    python analysis/capacity.py runs/2026-11-23T12-00-00Z_demo_simulator

Of a search, by `loadproof capacity`, it shows what that found; else what the levels say, no more.
"""

import argparse
from pathlib import Path

import pandas as pd

from loadproof.analysis.capacity.answer import with_capacity
from loadproof.analysis.judge import analyse
from loadproof.model.verdict import Capacity, RunVerdict
from loadproof.recording.reader import read_run
from loadproof.report import cells

WORST_FIRST = ["INVALID", "BROKEN", "INCONCLUSIVE", "HOLDS"]


def judgements(verdict: RunVerdict) -> pd.DataFrame:
    """One row an objective and level, in order of users."""
    rows = [(j.users, j.objective, str(j.ruling), j.reason) for j in verdict.judgements]
    frame = pd.DataFrame(rows, columns=["users", "objective", "ruling", "reason"])
    frame["ruling"] = pd.Categorical(frame["ruling"], categories=WORST_FIRST, ordered=True)
    return frame.sort_values(["users", "ruling"], kind="stable")


def capacity(frame: pd.DataFrame) -> tuple[int | None, int | None]:
    """The highest level up to which all levels hold, and the lowest that is broken."""
    worst = frame.groupby("users")["ruling"].min()
    holding = (worst == "HOLDS").cummin()
    broken = worst.index[worst == "BROKEN"]
    highest = int(holding.index[holding].max()) if holding.any() else None
    return highest, int(broken.min()) if len(broken) else None


def show_search(found: Capacity) -> None:
    """What a search found, and its visits."""
    print(f"Capacity: {found.sentence}.", *cells.capacity_facts(found), sep="\n  ")
    print(pd.DataFrame(found.visits).to_string(index=False))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="run directory")
    options = parser.parse_args()
    run = read_run(options.run)
    verdict = with_capacity(analyse(run, options.run), run, options.run)
    frame = judgements(verdict).dropna(subset="users")
    if frame.empty:
        parser.exit(1, "Nothing was judged at a known number of users: no capacity to speak of.\n")
    if verdict.simulated:
        print(f"{verdict.server} is SIMULATED: no statement about real hardware.")
    if verdict.capacity is not None:
        show_search(verdict.capacity)
        return
    highest, broken = capacity(frame)
    if highest is None:
        print("At no level does everything hold.")
    else:
        print(f"Everything holds up to {highest} users.")
    if broken is None:
        print("Nothing is broken at any level that was measured.")
    else:
        print(f"Broken from {broken} users:")
        at_break = frame[(frame["users"] == broken) & (frame["ruling"] == "BROKEN")]
        for objective, reason in zip(at_break["objective"], at_break["reason"], strict=True):
            print(f"  {objective}: {reason}")
    undecided = frame[frame["ruling"].isin(["INCONCLUSIVE", "INVALID"])]
    if not undecided.empty:
        print("Undecided:")
        for users, part in undecided.groupby("users"):
            print(f"  at {users} users: {', '.join(part['objective'])}")


if __name__ == "__main__":
    main()
