"""`python -m benchmarks.comparison`: how often `loadproof compare` is wrong, and what it finds.

First, series by series: two runs of one process, called worse at 5 %, and found worse when the
second is 10 % and 25 % slower. Then whole comparisons on the engine model in virtual time: any of
all metrics at all levels called WORSE although nothing has changed, and what is found of the same
slow-downs. Seeded; `--pairs` and `--comparisons` say how much.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.calibration.processes import (
    Autoregressive,
    Bursts,
    ExponentialQueue,
    LogNormalQueue,
    Process,
)
from benchmarks.comparison.engine_runs import EngineLevel
from loadproof.analysis.contrasts import Tested, tested
from loadproof.analysis.samples import LevelSamples
from loadproof.stats import binomial
from loadproof.stats.confidence_curve import Curve
from loadproof.stats.difference import relative_change
from loadproof.stats.long_run import Series, mean_curve, quantile_curve
from loadproof.stats.multiplicity import hommel

ERROR = 0.05
LENGTHS = (500, 2_000, 10_000)
SLOWER = (1.1, 1.25)
STATISTICS = {"mean": None, "p50": 0.5, "p90": 0.9, "p99": 0.99}
PROCESSES: tuple[Process, ...] = (
    Autoregressive("independent", 0.0),
    Autoregressive("AR(1) 0.9", 0.9),
    Autoregressive("AR(1) 0.99", 0.99),
    ExponentialQueue("M/M/1 0.8", 0.8),
    ExponentialQueue("M/M/1 0.9", 0.9),
    LogNormalQueue("M/G/1 0.8", 0.8),
    Bursts("bursts", on_share=0.1, on_length=200, factor=3),
)
USERS = (1, 8, 16, 64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pairs", type=int, default=1_000, help="of runs, for each process and n")
    parser.add_argument("--comparisons", type=int, default=100, help="whole, for each --requests")
    parser.add_argument("--requests", type=int, nargs="+", default=[500, 2_000], help="a level")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    console = Console(width=170)
    rng = np.random.default_rng(options.seed)
    if options.pairs:
        console.print(_series_table(rng, options.pairs))
    for requests in options.requests if options.comparisons else ():
        console.print(_whole_table(rng, options.comparisons, requests))


def _series_table(rng: np.random.Generator, pairs: int) -> Table:
    table = Table(
        title=f"Called worse at {ERROR:.0%}, in % of {2 * pairs} equal ones (upper 95 % bound); "
        f"of {pairs} that are 10 % / 25 % slower"
    )
    for head in ("series", "n", *(f"{name}: equal" for name in STATISTICS)):
        table.add_column(head, justify="right")
    for name in STATISTICS:
        table.add_column(f"{name}: slower", justify="right")
    for process in PROCESSES:
        for n in LENGTHS:
            false, power = _rates(rng, process, n, pairs)
            table.add_row(
                process.name,
                f"{n:,}",
                *(_share(false[name], 2 * pairs) for name in STATISTICS),
                *(" / ".join(f"{hits / pairs:.0%}" for hits in power[name]) for name in STATISTICS),
            )
    return table


def _rates(
    rng: np.random.Generator, process: Process, n: int, pairs: int
) -> tuple[dict[str, int], dict[str, list[int]]]:
    false = dict.fromkeys(STATISTICS, 0)
    power = {name: [0] * len(SLOWER) for name in STATISTICS}
    for _ in range(pairs):
        base, new = (Series.of(values) for values in process.runs(rng, 2, n))
        for name, quantile in STATISTICS.items():
            before, after = _curve(base, quantile), _curve(new, quantile)
            change = relative_change(after, before)
            false[name] += (change.p_above(0) <= ERROR) + (change.p_below(0) <= ERROR)
            for index, factor in enumerate(SLOWER):
                slow = relative_change(_times(after, factor), before)
                power[name][index] += slow.p_above(0) <= ERROR
    return false, power


def _curve(series: Series, quantile: float | None) -> Curve:
    return mean_curve(series) if quantile is None else quantile_curve(series, quantile)


def _times(curve: Curve, factor: float) -> Curve:
    return replace(
        curve, estimate=curve.estimate * factor, low=curve.low * factor, high=curve.high * factor
    )


def _share(hits: int, n: int) -> str:
    return f"{100 * hits / n:.1f} ({100 * binomial.interval(hits, n, 0.95, sides=1).high:.1f})"


def _whole_table(rng: np.random.Generator, comparisons: int, requests: int) -> Table:
    """As many runs as comparisons: each is compared with the one before, in both directions."""
    runs = [_run(rng, requests) for _ in range(comparisons)]
    counts: dict[str, list[tuple[bool, float, float]]] = {}
    rows = 0
    for index, new in enumerate(runs):
        base = [level.samples() for level in runs[index - 1]]
        for factor in (1.0, *SLOWER):
            found = list(_contrasts(base, [level.samples(factor) for level in new]))
            rows = len(found)
            ways = [[item.p_worse() for item in found]]
            if factor == 1.0:
                ways.append([item.p_better() for item in found])
            for p_values in ways:
                counts.setdefault(_name(factor), []).append(_outcome(p_values))
    table = Table(
        title=f"Whole comparisons on the engine model: {rows} metrics and levels ({USERS} users), "
        f"{requests:,} requests a level"
    )
    for head in (
        "",
        "comparisons",
        "any called WORSE, % (upper bound)",
        "of all rows, %",
        "any at 5 % each, unadjusted, %",
    ):
        table.add_column(head, justify="right")
    for name, outcomes in counts.items():
        anything = sum(outcome[0] for outcome in outcomes)
        table.add_row(
            name,
            str(len(outcomes)),
            _share(anything, len(outcomes)),
            f"{100 * np.mean([outcome[1] for outcome in outcomes]):.1f}",
            f"{100 * np.mean([outcome[2] for outcome in outcomes]):.1f}",
        )
    return table


def _name(factor: float) -> str:
    return "equal" if factor == 1.0 else f"{factor - 1:.0%} slower"


def _run(rng: np.random.Generator, requests: int) -> list[EngineLevel]:
    return [EngineLevel.drawn(rng, step, users, requests) for step, users in enumerate(USERS)]


def _contrasts(base: Sequence[LevelSamples], new: Sequence[LevelSamples]) -> Iterator[Tested]:
    for before, after in zip(base, new, strict=True):
        yield from tested(before, after, ())


def _outcome(p_values: list[float]) -> tuple[bool, float, float]:
    """Whether any is worse, the share of those that are, and whether any would be unadjusted."""
    adjusted = np.array(hommel(p_values)) <= ERROR
    return bool(adjusted.any()), float(adjusted.mean()), float(min(p_values) <= ERROR)


if __name__ == "__main__":
    main()
