"""Does each objective hold at each load level? Worked out from requests.jsonl alone, in pandas.

    python analysis/holds.py runs/2026-11-23T12-00-00Z_demo_simulator
    python analysis/holds.py runs/… --require "p95(ttft) <= 200ms" --require "rate(failed) <= 1%"

It judges what has one value a request; `loadproof gate RUN` has tokens, memory and start-ups too.
"""

import argparse
from pathlib import Path

import pandas as pd

from loadproof.model.grammar import parse_objective
from loadproof.model.objective import Kind, Objective
from loadproof.model.scenario import Scenario
from loadproof.recording.reader import read_header
from loadproof.stats import binomial, mean
from loadproof.stats.interval import Interval

JUDGED = (Kind.PERCENTILE, Kind.MEAN, Kind.RATE, Kind.QUALITY)
ELSEWHERE = ("itl", "unfinished_thinking", "macro_f1")


def bounds(objective: Objective, level: pd.DataFrame, confidence: float) -> Interval | None:
    """One-sided bounds of what the objective limits, from the requests of one level."""
    if objective.task is not None:
        level = level[level["task"] == objective.task]
    if objective.kind is Kind.RATE:
        hits = int((level["outcome"] == objective.metric).sum())
        return binomial.interval(hits, len(level), confidence, sides=1)
    completed = level[level["outcome"] == "completed"]
    if objective.kind is Kind.QUALITY:
        grades = [row[objective.metric] for row in completed["grades"] if objective.metric in row]
        return mean.unit_interval(grades, confidence, sides=1)
    latencies = completed[f"{objective.metric}_ms"].dropna()
    if objective.kind is Kind.PERCENTILE:
        over = int((latencies > objective.limit).sum())
        return binomial.interval(over, len(latencies), confidence, sides=1)
    return mean.interval(mean.Moments.of(latencies.tolist()), confidence, sides=1)


def verdict(objective: Objective, level: pd.DataFrame, confidence: float) -> str:
    """HOLDS and BROKEN where the bounds leave no doubt, else INCONCLUSIVE."""
    found = bounds(objective, level, confidence)
    if found is None:
        return "INCONCLUSIVE"
    limit = objective.limit
    if objective.quantile is not None:  # a p99 within its limit: at most 1 % are over it
        limit = round(1 - objective.quantile, 12)
    if found.high <= limit if objective.at_most else found.low >= limit:
        return "HOLDS"
    broken = found.low > limit if objective.at_most else found.high < limit
    return "BROKEN" if broken else "INCONCLUSIVE"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, help="run directory")
    parser.add_argument(
        "--require", action="append", metavar="OBJECTIVE", help="instead of its own"
    )
    options = parser.parse_args()
    scenario = Scenario.model_validate(read_header(options.run)["scenario"])
    own = scenario.parsed_objectives()
    objectives = [parse_objective(text) for text in options.require] if options.require else own

    requests = pd.read_json(options.run / "requests.jsonl", lines=True)
    rows: dict[str, dict[object, str]] = {}
    for users, level in requests[~requests["warmup"]].groupby("users"):
        for objective in objectives:
            asked = objective.users is None or users in objective.users
            if asked and objective.kind in JUDGED and objective.metric not in ELSEWHERE:
                found = verdict(objective, level, scenario.confidence)
                rows.setdefault(objective.text, {})[users] = found
    print(pd.DataFrame.from_dict(rows, orient="index").to_string(na_rep=""))


if __name__ == "__main__":
    main()
