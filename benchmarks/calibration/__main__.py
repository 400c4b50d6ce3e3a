"""`python -m benchmarks.calibration`: how often verdicts err, on runs whose truth is known.

Every row judges the same simulated runs by all methods. Runs are seeded: the same options give the
same table, whatever the machine.
"""

import argparse
import multiprocessing
import os
import sys
import time
from collections.abc import Iterable
from functools import partial
from pathlib import Path

import numpy as np
from rich.console import Console

from benchmarks.calibration.engine import EngineModel, FloatArray, simulated_ttft_ms
from benchmarks.calibration.processes import (
    Autoregressive,
    Bursts,
    ExponentialQueue,
    LogNormalQueue,
    Process,
)
from benchmarks.calibration.rows import Row, Tally, tally
from benchmarks.calibration.table import table

RUNS = {500: 1600, 2_000: 1600, 10_000: 800, 40_000: 300}
"""How many runs of each length a row has, without --scale."""

SIMULATIONS = 60
"""Of the engine model, each in both loops."""

_AT_A_TIME = 400_000
"""Requests that one piece of work simulates and judges, about."""

_ROWS: list[Row] = []
"""Filled before the workers are forked, so that they have it without being sent it."""


def main() -> int:
    """Prints the table, as Markdown; 0 always: what misses its target says so in the table."""
    options = _options()
    console = Console(stderr=True, highlight=False)
    began = time.monotonic()
    # Workers are forked: what has been simulated once is theirs too.
    context = multiprocessing.get_context("fork")
    simulations = max(round(SIMULATIONS * options.scale), 4)
    with context.Pool(options.workers) as pool:
        engines = [
            np.stack(pool.map(_simulated, [(closed, seed) for seed in range(simulations)], 1))
            for closed in (False, True)
        ]
    _ROWS.extend(_rows(_processes(*engines), options))
    pieces = list(_pieces(options.scale))
    found = [Tally() for _ in _ROWS]
    with context.Pool(options.workers) as pool:
        work = pool.imap_unordered(partial(_judge, options.seed), pieces, 1)
        for done, (index, part) in enumerate(work, 1):
            found[index].add(part)
            if console.is_terminal:
                console.print(f"{done} of {len(pieces)} pieces done", end="\r")
    text = table(dict(zip(_ROWS, found, strict=True)))
    took = f"{(time.monotonic() - began) / 60:.1f} minutes on {options.workers} cores"
    print(f"{text}\n\nSeed {options.seed}, scale {options.scale:g}, {took}.")
    if options.write:
        options.write.write_text(f"{text}\n", encoding="utf-8")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calibration", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a twentieth of the runs")
    parser.add_argument("--scale", type=float, help="how many times the usual number of runs (1)")
    parser.add_argument("--only", default="", help="rows whose names contain this")
    parser.add_argument("--lengths", default="", help="requests of a run, by commas (all four)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--workers", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--write", type=Path, metavar="FILE", help="write the table here as well")
    options = parser.parse_args()
    options.scale = options.scale or (0.05 if options.quick else 1.0)
    return options


def _processes(open_loop: FloatArray, closed_loop: FloatArray) -> list[Process]:
    return [
        Autoregressive("independent log-normal", 0.0),
        Autoregressive("AR(1) 0.9", 0.9),
        Autoregressive("AR(1) 0.99", 0.99),
        ExponentialQueue("M/M/1 0.8", 0.8),
        ExponentialQueue("M/M/1 0.9", 0.9),
        LogNormalQueue("M/G/1 0.8", 0.8),
        LogNormalQueue("M/G/1 0.9", 0.9),
        EngineModel("engine, open loop", open_loop),
        EngineModel("engine, closed loop", closed_loop),
        Bursts("bursts, 25 of 100", on_share=0.25, on_length=25, factor=2.0),
        Bursts("bursts, 40 of 200", on_share=0.2, on_length=40, factor=2.0),
    ]


def _rows(processes: Iterable[Process], options: argparse.Namespace) -> list[Row]:
    try:
        lengths = [int(n) for n in options.lengths.split(",")] if options.lengths else list(RUNS)
    except ValueError:
        sys.exit(f"--lengths: {options.lengths!r} is no list of numbers such as 500,2000")
    rows = [Row(one, n) for one in processes for n in lengths if options.only in one.name]
    if not rows:
        sys.exit(f"--only: no row's name contains {options.only!r}")
    return rows


def _pieces(scale: float) -> Iterable[tuple[int, int, int]]:
    """(row, first run, runs) of each piece of work, the longest first."""

    def of_row(index: int, row: Row) -> Iterable[tuple[int, int, int]]:
        runs = max(round(RUNS.get(row.n, 300) * scale), 10)
        at_a_time = max(min(_AT_A_TIME // row.n, runs // 4), 1)
        for first in range(0, runs, at_a_time):
            yield index, first, min(at_a_time, runs - first)

    pieces = (piece for index, row in enumerate(_ROWS) for piece in of_row(index, row))
    return sorted(pieces, key=lambda piece: -_ROWS[piece[0]].n)


def _simulated(loop: tuple[bool, int]) -> FloatArray:
    closed, seed = loop
    return simulated_ttft_ms(seed, closed=closed)


def _judge(seed: int, piece: tuple[int, int, int]) -> tuple[int, Tally]:
    index, first, count = piece
    return index, tally(_ROWS[index], seed, first, count)


if __name__ == "__main__":
    sys.exit(main())
