"""Two or more runs side by side, a block a load level: latency, speed, memory, answer quality.

    python analysis/compare_models.py runs/…_ramp_deepseek-r1-distill-qwen-1.5b runs/…_ramp_llama3

The runs should be of the same scenario: only then were the same questions asked at the same load.
The numbers are what was measured; whether a difference is more than chance is another question.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd

from loadproof.analysis.judge import analyse
from loadproof.model.verdict import Level, RunVerdict
from loadproof.recording.reader import read_run


def figures(level: Level) -> dict[str, float | int | None]:
    """What is compared of one level. Copy a line to compare something else."""

    def latency(metric: str, percentile: str) -> float | None:
        return getattr(level.latencies.get(metric), percentile, None)

    found: dict[str, float | int | None] = {
        "requests": level.sent,
        "not completed": level.sent - level.completed,
        "tokens/s": level.tokens_per_s,
        "TTFT p50 (ms)": latency("ttft", "p50"),
        "TTFT p99 (ms)": latency("ttft", "p99"),
        "ITL p99 (ms)": latency("itl", "p99"),
        "E2E p99 (ms)": latency("e2e", "p99"),
    }
    for name, peak_bytes in level.peak_memory.items():
        found[f"{name} (GB)"] = peak_bytes / 1e9
    for quality in level.qualities:
        found[f"{quality.task} {quality.metric} (%)"] = 100 * quality.mean
    return found


def table(verdicts: list[RunVerdict]) -> pd.DataFrame:
    """Rows are (users, figure), a column a run."""
    columns = {
        name: pd.Series(
            {
                (level.users, figure): value
                for level in verdict.levels
                for figure, value in figures(level).items()
            }
        )
        for name, verdict in zip(names(verdicts), verdicts, strict=True)
    }
    return pd.DataFrame(columns).rename_axis(["users", ""])


def names(verdicts: list[RunVerdict]) -> list[str]:
    """Each run by its server; by its directory too where servers have the same name."""
    servers = [verdict.server for verdict in verdicts]
    return [v.server if servers.count(v.server) == 1 else f"{v.server} {v.run}" for v in verdicts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN", help="run directory")
    options = parser.parse_args()
    verdicts = [analyse(read_run(run), run) for run in options.runs]
    if len({verdict.scenario for verdict in verdicts}) > 1:
        print("These runs are of different scenarios: their load differs.", file=sys.stderr)
    for verdict in verdicts:
        if verdict.simulated:
            print(f"{verdict.server} is SIMULATED: no statement about real hardware.")
    print(table(verdicts).to_string(float_format="{:,.1f}".format, na_rep="–", sparsify=True))


if __name__ == "__main__":
    main()
