"""`python -m benchmarks`: what measuring costs and how wrong it is, on a server with a known truth.

Every round runs every cell once, in turn, so that a machine that gets slower or busier meets all
paths alike; the table shows the medians of the rounds.
"""

import argparse
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

import msgspec
from rich.console import Console

from benchmarks.cell import Cell, CellFailedError, Conditions, Outcome, run_cell
from benchmarks.compiled import CompilationError
from benchmarks.figures import medians
from benchmarks.machine import cores, machine, raise_file_limit, stand_on_own_core
from benchmarks.paths import DROWNED_ABOVE_STREAMS, PEERS, ClientPath
from benchmarks.peers.environments import NotInstalledError, python_of
from benchmarks.table import LATE_MS, figures_table, machine_line
from benchmarks.truth_server import Truth

PEER_ROUNDS = 1
"""A peer takes up to a minute for one cell, most of it to begin and to draw its reports."""


def main() -> int:
    """Runs the sitting; 0 unless a cell failed or the machine cannot do it."""
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 200, highlight=False)
    conditions, (cells, missing) = _conditions(options), _installed(_cells(options))
    raise_file_limit()
    found_on = machine()
    console.print(machine_line(found_on))
    console.print(stand_on_own_core())
    results: dict[Cell, list[Outcome]] = {cell: [] for cell in cells}
    problems: list[str] = []
    try:
        for number in range(options.rounds):
            for cell in cells:
                if cell.path in PEERS and number >= PEER_ROUNDS:
                    continue
                _say(console, f"round {number + 1} of {options.rounds}: {_name(cell)}")
                try:
                    results[cell].append(run_cell(cell, conditions))
                except CellFailedError as error:
                    problems.append(str(error))
    except CompilationError as error:
        console.print(str(error), markup=False)
        return 1
    _say(console, "")
    done = {
        cell: medians([outcome.figures for outcome in outcomes])
        for cell, outcomes in results.items()
        if outcomes
    }
    if done:
        console.print(figures_table(done, conditions.truth))
    for cell, outcomes in results.items():
        for remark in _remarks(cell, outcomes):
            console.print(remark, markup=False)
    for problem in [*missing, *problems]:
        console.print(problem, markup=False)
    if options.json:
        _write(options.json, found_on, options, results, problems)
    return 1 if problems else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round, within 90 seconds")
    parser.add_argument("--rounds", type=int, help="how often every cell is run (3, quick: 1)")
    parser.add_argument("--seconds", type=float, help="measured time of a cell (4, quick: 2)")
    parser.add_argument("--streams", default="64,256,1000", help="numbers of streams, by commas")
    parser.add_argument(
        "--paths",
        help=f"client paths, by commas ({_names(ClientPath)}; all of them, with --quick no peers)",
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write all rounds here as well")
    parser.add_argument("--busy", action="store_true", help="a busy loop on the client's core")
    parser.add_argument("--synchronised", action="store_true", help="all streams' tokens in bursts")
    parser.add_argument("--at-once", action="store_true", help="all streams begin together")
    parser.add_argument("--ttft-ms", type=float, default=50.0)
    parser.add_argument("--gap-ms", type=float, default=20.0)
    parser.add_argument("--tokens", type=int, default=64)
    parser.add_argument(
        "--long-answers",
        action="store_true",
        help="8,192 tokens 4 ms apart to 128 streams, for what a long stream keeps in memory",
    )
    parser.add_argument("--bytes", type=int, default=0, help="padding of each event")
    options = parser.parse_args()
    options.rounds = options.rounds or (1 if options.quick else 3)
    if options.long_answers:
        options.tokens, options.gap_ms, options.streams = 8192, 4.0, "128"
    options.paths = options.paths or _names(
        path for path in ClientPath if not (options.quick and path in PEERS)
    )
    options.seconds = options.seconds or (2.0 if options.quick else 4.0)
    return options


def _names(paths: Iterable[ClientPath]) -> str:
    return ",".join(path.name.lower() for path in paths)


def _conditions(options: argparse.Namespace) -> Conditions:
    return Conditions(
        Truth(options.ttft_ms, options.gap_ms, options.tokens, options.bytes, options.synchronised),
        options.seconds,
        *cores(),
        busy=options.busy,
        at_once=options.at_once,
    )


def _cells(options: argparse.Namespace) -> list[Cell]:
    try:
        paths = [ClientPath[name.strip().upper()] for name in options.paths.split(",")]
        numbers = [int(number) for number in options.streams.split(",")]
    except (KeyError, ValueError) as error:
        sys.exit(f"--paths or --streams: {error} is neither a path nor a number; see --help")
    smallest = min(numbers)
    return [
        Cell(path, streams)
        for streams in numbers
        for path in paths
        if streams <= (smallest if options.quick else DROWNED_ABOVE_STREAMS.get(path, streams))
        or path not in DROWNED_ABOVE_STREAMS
    ]


def _installed(cells: Sequence[Cell]) -> tuple[list[Cell], list[str]]:
    """The cells that can be run here, and a line for each peer that is not installed."""
    missing: dict[ClientPath, str] = {}
    for cell in cells:
        peer = PEERS.get(cell.path)
        if peer is not None and cell.path not in missing:
            try:
                python_of(peer)
            except NotInstalledError as error:
                missing[cell.path] = str(error)
    return [cell for cell in cells if cell.path not in missing], list(missing.values())


def _say(console: Console, text: str) -> None:
    """Shows on a terminal what is being done; nothing moves, as that would cost the client time."""
    if console.is_terminal:
        console.print(f"{text:<79}", end="\r")


def _name(cell: Cell) -> str:
    return f"{cell.path} at {cell.streams} streams"


def _remarks(cell: Cell, outcomes: Sequence[Outcome]) -> list[str]:
    """What a reader of the table has to know about a cell besides its figures."""
    at = _name(cell)
    remarks = []
    late = [outcome.figures.server_late_p99_ms for outcome in outcomes]
    if any(ms > LATE_MS for ms in late):
        listed = ", ".join(f"{ms:.2f}" for ms in late)
        remarks.append(f"{at}: the server itself was late, P99 {listed} ms by round")
    failed = sum(outcome.figures.failed for outcome in outcomes)
    if failed:
        remarks.append(f"{at}: {failed:.0f} requests failed")
    shares = {
        program: median(outcome.cpu_share.get(program, 0.0) for outcome in outcomes)
        for program in sorted({name for outcome in outcomes for name in outcome.cpu_share})
    }
    if shares:
        listed = ", ".join(f"{program} {share:.0%}" for program, share in shares.items())
        remarks.append(f"{at}: of its CPU time, child processes used: {listed}")
    if outcomes and outcomes[-1].said:
        remarks.append(f"{at}: {outcomes[-1].said}")
    counts: dict[str, int] = {}
    for outcome in outcomes:
        for name, count in outcome.notes.items():
            counts[name] = counts.get(name, 0) + count
    told = ", ".join(f"{name} {count}" for name, count in counts.items() if count)
    if told:
        remarks.append(f"{at}: {told}")
    return remarks


def _write(
    path: Path,
    found_on: dict[str, str | int],
    options: argparse.Namespace,
    results: dict[Cell, list[Outcome]],
    problems: list[str],
) -> None:
    settings: dict[str, Any] = {**vars(options), "json": str(options.json)}
    cells = [
        {
            "path": cell.path.name.lower(),
            "streams": cell.streams,
            "median": asdict(medians([outcome.figures for outcome in outcomes])),
            "rounds": [asdict(outcome) for outcome in outcomes],
        }
        for cell, outcomes in results.items()
        if outcomes
    ]
    document = {"machine": found_on, "settings": settings, "cells": cells, "problems": problems}
    path.write_bytes(msgspec.json.format(msgspec.json.encode(document)) + b"\n")


if __name__ == "__main__":
    sys.exit(main())
