"""A vLLM that loadproof started, killed in the middle of a run: all of it, or its engine alone.

vLLM is a process that answers HTTP and a child that computes. Without the first, connections break
off and the child stays behind as an orphan; without the second, the first reports an error in each
stream and as the answer to what comes then, and ends itself.
"""

import subprocess
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from engine.command_line import FinishedRun, end_of_run, start_run
from engine.prepare import Engine
from engine.tiny_server import free_port, write_server_file

SCENARIO = """
name = "killed"

[[traffic]]
task = "chat"
max_tokens = 256
think_time = "0s"

[[traffic]]
task = "commonsense"
max_tokens = 256

[[steps]]
users = 16
duration = "90s"
grace = "5s"

[[objectives]]
require = "rate(failed) <= 1%"
"""
SERVER_FAILED = 21
ANSWERS_BEFORE_THE_KILL = 20
UNDER_WAY_WITHIN_S = 240.0


@dataclass(frozen=True, slots=True)
class Victim:
    """Which of vLLM's processes is killed, and what requests fail of then: those in flight, and
    those that are sent later."""

    name: str
    in_flight: frozenset[str]
    later: frozenset[str]


SERVER = Victim("server", frozenset({"reset", "truncated"}), frozenset({"connect", "reset"}))
ENGINE = Victim(
    "engine",
    frozenset({"server_error_event", "truncated"}),
    frozenset({"http_status", "connect", "reset"}),
)


@dataclass(frozen=True, slots=True)
class KilledServersRun:
    """A run whose server was killed, and the server's processes as they were before."""

    victim: Victim
    run: FinishedRun
    server: list[psutil.Process]


@pytest.fixture(scope="module", params=[SERVER, ENGINE], ids=lambda victim: victim.name)
def killed(
    request: pytest.FixtureRequest, prepared: Engine, tmp_path_factory: pytest.TempPathFactory
) -> KilledServersRun:
    """A run in which the victim gets SIGKILL when the first requests have been answered."""
    folder = tmp_path_factory.mktemp("killed")
    scenario, runs = folder / "scenario.toml", folder / "runs"
    scenario.write_text(SCENARIO, encoding="utf-8")
    server_file = write_server_file(folder / "server.toml", prepared, free_port(), started=True)
    process = start_run(scenario, server_file, runs)
    try:
        wait_for_answers(process, runs)
        main, engine, *others = server_processes(process.pid)
        (main if request.param is SERVER else engine).kill()
    finally:
        if process.poll() is None and not (runs.exists() and any(runs.iterdir())):
            process.terminate()
        run = end_of_run(process, runs)
    return KilledServersRun(request.param, run, [main, engine, *others])


def wait_for_answers(process: subprocess.Popen[str], runs: Path) -> None:
    until_s = time.monotonic() + UNDER_WAY_WITHIN_S
    while answers(runs) < ANSWERS_BEFORE_THE_KILL:
        assert process.poll() is None, "the run ended before its server could be killed"
        assert time.monotonic() < until_s, "the run did not get under way"
        time.sleep(0.1)


def answers(runs: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in runs.glob("*/requests.jsonl"))


def server_processes(parent: int) -> list[psutil.Process]:
    """The vLLM that the process `parent` has started: the one that answers HTTP, the one that
    computes, and all others."""
    [main] = [
        child
        for child in psutil.Process(parent).children(recursive=True)
        if "vllm.entrypoints.openai.api_server" in child.cmdline()
    ]
    children = main.children(recursive=True)
    [engine] = [child for child in children if "EngineCore" in "".join(child.cmdline())]
    return [main, engine, *(child for child in children if child != engine)]


def is_gone(process: psutil.Process) -> bool:
    """Whether it has ended; whoever inherited it may not have taken notice yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_failures_are_of_the_kinds_that_the_kill_gives(killed: KilledServersRun) -> None:
    kinds = Counter(r["failure"] for r in killed.run.records if r["outcome"] == "failed")
    assert set(kinds) <= killed.victim.in_flight | killed.victim.later
    assert sum(kinds[kind] for kind in killed.victim.in_flight) > 0
    assert kinds["connect"] > 0


def test_what_arrived_before_the_kill_is_kept(killed: KilledServersRun) -> None:
    broken_off = [r for r in killed.run.records if r["failure"] in killed.victim.in_flight]
    assert any(r["ttft_ms"] is not None and 0 < r["output_tokens"] < 256 for r in broken_off)


def test_every_request_is_accounted_for(killed: KilledServersRun) -> None:
    records = killed.run.records
    assert len({record["id"] for record in records}) == len(records)
    outcomes = Counter(record["outcome"] for record in records if not record["warmup"])
    [level] = killed.run.verdict["levels"]
    assert {name: level[name] for name in ("completed", "failed", "cut_off")} == {
        name: outcomes[name] for name in ("completed", "failed", "cut_off")
    }
    assert level["sent"] == outcomes.total() == len(records) - level["warmup"]
    assert level["failed"] == sum(level["failures"].values())


def test_the_exit_code_says_that_the_server_failed(killed: KilledServersRun) -> None:
    assert killed.run.exit_code == SERVER_FAILED, killed.run.shown
    assert killed.run.verdict["exit_code"] == SERVER_FAILED
    assert killed.run.verdict["ruling"] in ("BROKEN", "INCONCLUSIVE")


def test_the_run_directory_is_complete(killed: KilledServersRun) -> None:
    assert killed.run.lines("events.jsonl")[-1]["kind"] == "run_end"
    written = {path.name for path in killed.run.directory.iterdir()}
    outputs = {"verdict.json", "report.html", "junit.xml", "summary.md"}
    assert written >= outputs | {"run.json", "requests.jsonl", "telemetry.jsonl", "histograms.hlog"}


def test_no_traceback_is_shown(killed: KilledServersRun) -> None:
    assert "Traceback" not in killed.run.shown
    logs = set(killed.run.directory.glob("*.log")) - {killed.run.directory / "server.log"}
    assert not [log for log in logs if "Traceback" in log.read_text(encoding="utf-8")]


def test_no_process_of_the_server_is_left(killed: KilledServersRun) -> None:
    assert [process for process in killed.server if not is_gone(process)] == []
