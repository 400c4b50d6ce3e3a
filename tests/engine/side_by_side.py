"""loadproof and `vllm bench serve` asking one server the same questions, one after the other."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from engine.command_line import FinishedRun, end_of_run, start_run
from engine.prepare import Engine
from engine.server_histograms import ServerTimes, server_times
from engine.tiny_server import write_server_file
from engine.vllm_bench import Bench
from loadproof.tasks.catalog import load_task

TASK = "commonsense"
SEED = 1
POLICY = """
[policy]
temperature = 0.0
"""
NS_PER_S = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Latency:
    """One latency in milliseconds, as a tool reports it."""

    mean: float
    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Opinion:
    """What one tool says of one level, and what the server says of the same requests.

    `started_ns` are the requests' starts, by the monotonic clock.
    """

    requests: int
    failed: int
    prompt_tokens: int
    output_tokens: int
    ttft: Latency
    itl: Latency
    tpot: Latency
    e2e: Latency
    started_ns: tuple[int, ...]
    server: ServerTimes


@dataclass(frozen=True, slots=True)
class Ours(Opinion):
    """loadproof's, with the run that it comes from."""

    run: FinishedRun


@dataclass(frozen=True, slots=True)
class Theirs(Opinion):
    """bench's, with the gaps that it counts, in milliseconds by request."""

    gaps_ms: tuple[tuple[float, ...], ...]


@dataclass(frozen=True, slots=True)
class Level:
    """A closed loop: how many streams, how many requests in all, how long each answer."""

    streams: int
    requests: int
    max_tokens: int


def by_loadproof(level: Level, url: str, engine: Engine, folder: Path) -> Ours:
    """The level, as `loadproof run` measures it."""
    folder.mkdir(parents=True)
    scenario, server, runs = folder / "scenario.toml", folder / "server.toml", folder / "runs"
    scenario.write_text(
        f'name = "second-opinion"\nseed = {SEED}\n'
        f'[[traffic]]\ntask = "{TASK}"\nmax_tokens = {level.max_tokens}\n'
        f"[[steps]]\nusers = {level.streams}\nrequests = {level.requests}\n",
        encoding="utf-8",
    )
    write_server_file(server, engine, int(url.rpartition(":")[2]), started=False)
    server.write_text(server.read_text(encoding="utf-8") + POLICY, encoding="utf-8")
    before = server_times(url)
    run = end_of_run(start_run(scenario, server, runs), runs)
    growth = server_times(url) - before
    [row] = run.verdict["levels"]
    records = run.records
    return Ours(
        requests=row["completed"],
        failed=row["sent"] - row["completed"],
        prompt_tokens=sum(record["prompt_tokens"] for record in records),
        output_tokens=row["output_tokens"],
        **{name: _of_row(row["latencies"][name]) for name in ("ttft", "itl", "tpot", "e2e")},
        started_ns=tuple(record["start_ns"] for record in records),
        server=growth,
        run=run,
    )


def by_bench(
    level: Level, url: str, bench: Bench, questions: Sequence[str], folder: Path
) -> Theirs:
    """The level, as bench measures it, asking `questions` in their order."""
    before = server_times(url)
    said = bench.run(url, questions, level.streams, level.max_tokens, folder)
    growth = server_times(url) - before
    return Theirs(
        requests=said["completed"],
        failed=said["failed"],
        prompt_tokens=said["total_input_tokens"],
        output_tokens=said["total_output_tokens"],
        **{name: _of_bench(said, name) for name in ("ttft", "itl", "tpot")},
        e2e=_of_bench(said, "e2el"),
        # Python's perf_counter is the monotonic clock on Linux.
        started_ns=tuple(int(start_s * NS_PER_S) for start_s in said["start_times"]),
        server=growth,
        gaps_ms=tuple(tuple(1e3 * gap_s for gap_s in gaps_s) for gaps_s in said["itls"]),
    )


def questions_of(level: Level) -> list[str]:
    """What loadproof asks at a level, in its order. Each is one message."""
    conversations = islice(load_task(TASK).conversations(SEED), level.requests)
    return [next(conversation).messages[0].content for conversation in conversations]


def warm_up(url: str, bench: Bench, folder: Path) -> None:
    """Has the server answer some questions, for the first ones take longer than all others."""
    level = Level(streams=8, requests=24, max_tokens=16)
    bench.run(url, questions_of(level), level.streams, level.max_tokens, folder)


def _of_row(row: dict[str, Any]) -> Latency:
    return Latency(row["mean"], row["p50"], row["p99"])


def _of_bench(said: dict[str, Any], name: str) -> Latency:
    return Latency(said[f"mean_{name}_ms"], said[f"median_{name}_ms"], said[f"p99_{name}_ms"])
