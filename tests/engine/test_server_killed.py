"""A vLLM that loadproof started, and that is killed in the middle of a run."""

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
class KilledServersRun:
    """A run whose server was killed, and the server's processes as they were before."""

    run: FinishedRun
    server: list[psutil.Process]


@pytest.fixture(scope="module")
def killed(prepared: Engine, tmp_path_factory: pytest.TempPathFactory) -> KilledServersRun:
    """A run whose server gets SIGKILL when it has answered its first requests."""
    folder = tmp_path_factory.mktemp("killed")
    scenario, runs = folder / "scenario.toml", folder / "runs"
    scenario.write_text(SCENARIO, encoding="utf-8")
    server_file = write_server_file(folder / "server.toml", prepared, free_port(), started=True)
    process = start_run(scenario, server_file, runs)
    try:
        wait_for_answers(process, runs)
        server = server_processes(process.pid)
        server[0].kill()
    finally:
        if process.poll() is None and not (runs.exists() and any(runs.iterdir())):
            process.terminate()
        run = end_of_run(process, runs)
    return KilledServersRun(run, server)


def wait_for_answers(process: subprocess.Popen[str], runs: Path) -> None:
    until_s = time.monotonic() + UNDER_WAY_WITHIN_S
    while answers(runs) < ANSWERS_BEFORE_THE_KILL:
        assert process.poll() is None, "the run ended before its server could be killed"
        assert time.monotonic() < until_s, "the run did not get under way"
        time.sleep(0.1)


def answers(runs: Path) -> int:
    return sum(path.read_bytes().count(b"\n") for path in runs.glob("*/requests.jsonl"))


def server_processes(parent: int) -> list[psutil.Process]:
    """The vLLM that the process `parent` has started, and the processes of that one."""
    [main] = [
        child
        for child in psutil.Process(parent).children(recursive=True)
        if "vllm.entrypoints.openai.api_server" in child.cmdline()
    ]
    return [main, *main.children(recursive=True)]


def is_gone(process: psutil.Process) -> bool:
    """Whether it has ended; whoever inherited it may not have taken notice yet."""
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_failures_are_of_the_kinds_that_a_killed_server_gives(killed: KilledServersRun) -> None:
    kinds = Counter(r["failure"] for r in killed.run.records if r["outcome"] == "failed")
    assert set(kinds) <= {"reset", "truncated", "connect"}
    assert kinds["reset"] + kinds["truncated"] > 0
    assert kinds["connect"] > 0


def test_what_arrived_before_the_kill_is_kept(killed: KilledServersRun) -> None:
    broken_off = [r for r in killed.run.records if r["failure"] in ("reset", "truncated")]
    assert any(r["ttft_ms"] is not None and 0 < r["output_tokens"] < 256 for r in broken_off)


def test_every_request_is_accounted_for(killed: KilledServersRun) -> None:
    records = killed.run.records
    outcomes = Counter(record["outcome"] for record in records)
    assert len({record["id"] for record in records}) == len(records) == outcomes.total()
    [level] = killed.run.verdict["levels"]
    assert level["sent"] == level["completed"] + level["failed"] + level["cut_off"] == len(records)
    assert level["failed"] == outcomes["failed"] == sum(level["failures"].values())
    assert level["completed"] == outcomes["completed"] >= ANSWERS_BEFORE_THE_KILL


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
    assert len(killed.server) > 1, "vLLM's engine runs in a process of its own"
    assert [process for process in killed.server if not is_gone(process)] == []
