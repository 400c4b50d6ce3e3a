"""Which model for which task, at which concurrency, with how much memory: several runs compared.

    python analysis/compare_models.py runs/…_ramp_deepseek-r1-distill-qwen-1.5b runs/…_ramp_llama3

Each figure stands with its interval and with how many requests it is from. A model is named where
it is better than each of the others beyond doubt, over all rows of the table together. The runs
should be of the same scenario: only then were the same questions asked at the same load.
"""

import argparse
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from loadproof.analysis import wording
from loadproof.analysis.judge import scenario_of
from loadproof.analysis.samples import level_samples
from loadproof.analysis.selection import Choice, selection
from loadproof.model.comparison import Family
from loadproof.recording.reader import RecordedRun, read_run
from loadproof.report.comparison_cells import amount
from loadproof.report.signs import plain
from loadproof.stats.confidence_curve import Curve


def figure(curve: Curve | None, family: Family, confidence: float) -> str:
    """An estimate, the interval whose two bounds each hold at `confidence`, and its requests."""
    if curve is None:
        return "–"
    bounds = curve.bounds(confidence)
    low = "0" if bounds.low <= 0 else amount(bounds.low, family)
    high = "∞" if bounds.high == float("inf") else amount(bounds.high, family)
    between = "" if family is Family.MEMORY else f" ({low} … {high}, n {wording.count(curve.n)})"
    return f"{amount(curve.estimate, family)}{between}"


def choice_of(choice: Choice, names: list[str]) -> str:
    """The model to choose by this figure."""
    if choice.family is Family.MEMORY:
        return "as observed"
    return "undecided" if choice.best is None else names[choice.best]


def names_of(runs: list[RecordedRun], paths: list[Path]) -> list[str]:
    """Each run by its server; by its directory too where servers have the same name."""
    servers = [plain(str(run.header.get("server", {}).get("name", "unknown"))) for run in runs]
    return [
        server if servers.count(server) == 1 else f"{server} {path.resolve().name}"
        for server, path in zip(servers, paths, strict=True)
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run directory")
    options = parser.parse_args()
    runs = [read_run(path) for path in options.runs]
    scenarios = [
        scenario_of(run.header, path) for run, path in zip(runs, options.runs, strict=True)
    ]
    if len({scenario.name for scenario in scenarios}) > 1:
        print("These runs are of different scenarios: their load differs.", file=sys.stderr)
    names, confidence = names_of(runs, options.runs), scenarios[0].confidence
    for name, run in zip(names, runs, strict=True):
        if run.header.get("server", {}).get("simulated"):
            print(f"{name} is SIMULATED: no statement about real hardware.")
    table = Table("users", "task", "figure", *names, "choose")
    found = selection(list(map(level_samples, runs, scenarios)), confidence)
    for choice in found:
        cells = (figure(curve, choice.family, confidence) for curve in choice.curves)
        row = (str(choice.users), choice.task, choice.metric, *cells, choice_of(choice, names))
        table.add_row(*map(plain, row))
    Console(width=None if sys.stdout.isatty() else 60 + 60 * len(names)).print(table, markup=False)


if __name__ == "__main__":
    main()
