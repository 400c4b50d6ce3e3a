"""`python -m benchmarks.pauses`: what the loop of a load generator does when it is not reading.

Loads the server with the known truth as `python -m benchmarks` does, with loadproof's user in a
real Locust process, and traces its loop from outside (see benchmarks/clients/loop_trace.py): the
longest turns of the loop, and what all long ones were spent on.
"""

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.cell import Cell, CellFailedError, Conditions, run_cell
from benchmarks.clients.loop_trace import Pause, Trace
from benchmarks.compiled import CACHE, CompilationError
from benchmarks.machine import cores, machine, raise_file_limit, stand_on_own_core
from benchmarks.paths import ClientPath
from benchmarks.table import machine_line
from benchmarks.truth_server import Truth

CHILDREN = "without a core while its child processes computed (grading, telemetry)"
WAITED = "without a core otherwise: other programs had it, or a system call waited"
UNSAMPLED = "between two samples"
MAIN_CAUSES = 3


@dataclass(frozen=True, slots=True)
class Share:
    """What a cause took of the pauses that are looked at."""

    cause: str
    total_ns: int
    pauses: int
    """In which it took more than a tenth."""


def main() -> int:
    """Runs one traced cell and prints its tables; 0 unless it cannot be run."""
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False)
    cell = Cell(ClientPath[options.path.upper()], options.streams)
    server_core, client_cores = cores()
    raise_file_limit()
    console.print(machine_line(machine()))
    console.print(stand_on_own_core())
    CACHE.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryDirectory(dir=CACHE) as folder:
            path = Path(folder) / "trace.json"
            truth = Truth(synchronised=options.synchronised)
            conditions = Conditions(truth, options.seconds, server_core, client_cores, trace=path)
            found = run_cell(cell, conditions).figures
            trace = msgspec.json.decode(path.read_bytes(), type=Trace)
    except (CompilationError, CellFailedError) as error:
        console.print(str(error), markup=False)
        return 1
    cpu = f"{found.cpu_us_per_event:.1f}" if found.cpu_us_per_event is not None else "–"
    console.print(
        f"{cell.path} at {cell.streams} streams: {found.events_per_s:,.0f} events/s, "
        f"{cpu} µs of CPU an event, tracing included"
    )
    console.print(_summary(trace))
    console.print(longest_table(trace, options.longest))
    least_ns = int(options.from_ms * 1e6)
    within = [pause for pause in trace.pauses if pause.wall_ns >= least_ns]
    console.print(_shares_table(f"Turns of {options.from_ms:g} ms and more", within))
    console.print(_shares_table("All turns", trace.pauses))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pauses", description=__doc__)
    parser.add_argument("--streams", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--path", choices=["user", "reader"], default="user")
    parser.add_argument("--synchronised", action="store_true", help="all streams' tokens in bursts")
    parser.add_argument("--longest", type=int, default=12, help="rows of the first table")
    parser.add_argument("--from-ms", type=float, default=5.0, help="turns of the second table")
    return parser.parse_args()


def _summary(trace: Trace) -> str:
    walls_ns = np.array([pause.wall_ns for pause in trace.pauses], dtype=np.int64)
    if not len(walls_ns):
        return "No turn of the loop was traced."
    spans = ", ".join(
        f"{name} {np.percentile(walls_ns, percent) / 1e6:.2f}"
        for name, percent in (("p50", 50), ("p99", 99), ("p99.9", 99.9), ("longest", 100))
    )
    whole_ns = trace.end_ns - trace.begin_ns
    over = ", ".join(
        f"{walls_ns[walls_ns >= ms * 1e6].sum() / whole_ns:.1%} in turns of {ms} ms and more"
        for ms in (1, 5, 10, 20)
    )
    return (
        f"{len(walls_ns):,} turns of the loop in {whole_ns / 1e9:.1f} s, ms: {spans}. Of the time, "
        f"{walls_ns.sum() / whole_ns:.0%} in turns at all, {over}."
    )


def longest_table(trace: Trace, rows: int) -> Table:
    """The longest turns, what they did first."""
    table = Table(title="The longest turns of the loop", show_lines=False)
    for heading in (
        "at s",
        "ms",
        "no core\nms",
        "children's\nCPU ms",
        "GC\nms",
        "greenlet\nswitches",
    ):
        table.add_column(heading, justify="right")
    table.add_column("mostly (ms)", overflow="fold")
    longest = sorted(trace.pauses, key=lambda pause: pause.wall_ns, reverse=True)[:rows]
    for pause in longest:
        causes = Counter(pause.causes_ns).most_common(MAIN_CAUSES)
        table.add_row(
            f"{(pause.begin_ns - trace.begin_ns) / 1e9:.2f}",
            _ms(pause.wall_ns),
            _ms(_idle_ns(pause)),
            _ms(pause.children_ns),
            _ms(pause.garbage_ns),
            str(pause.switches),
            "\n".join(f"{_ms(spent_ns)}  {short(cause)}" for cause, spent_ns in causes),
        )
    return table


def shares(pauses: Iterable[Pause]) -> list[Share]:
    """What all these pauses were spent on, most first.

    Time without a core is counted by itself and is within the functions that it befell as well:
    all others make up the whole.
    """
    total: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for pause in pauses:
        spent = {
            **pause.causes_ns,
            CHILDREN: min(pause.children_ns, _idle_ns(pause)),
            WAITED: max(_idle_ns(pause) - pause.children_ns, 0),
            UNSAMPLED: max(pause.wall_ns - sum(pause.causes_ns.values()), 0),
        }
        total.update(spent)
        seen.update(cause for cause, ns in spent.items() if ns > pause.wall_ns / 10)
    return [Share(cause, ns, seen[cause]) for cause, ns in total.most_common() if ns]


def _shares_table(title: str, pauses: Sequence[Pause]) -> Table:
    whole_ns = sum(pause.wall_ns for pause in pauses)
    table = Table(title=f"{title}: {len(pauses):,}, {whole_ns / 1e6:,.0f} ms in all")
    for heading in ("ms", "share", "turns with more\nthan a tenth of it"):
        table.add_column(heading, justify="right")
    table.add_column("spent on", overflow="fold")
    for share in shares(pauses)[:20]:
        ratio = f"{share.total_ns / whole_ns:.1%}"
        table.add_row(f"{share.total_ns / 1e6:,.1f}", ratio, str(share.pauses), short(share.cause))
    return table


def short(cause: str) -> str:
    """Without the name of our own package."""
    return cause.replace("loadproof.", "")


def _idle_ns(pause: Pause) -> int:
    return max(pause.wall_ns - pause.cpu_ns, 0)


def _ms(ns: int) -> str:
    return f"{ns / 1e6:.1f}"


if __name__ == "__main__":
    sys.exit(main())
