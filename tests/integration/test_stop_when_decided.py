"""Levels that end as soon as they are decided, in the forms in which a run can be started."""

import json
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from integration.locust_process import (
    LOCUSTFILES,
    TIMEOUT_S,
    finished,
    only_run,
    processes,
    read_only_run,
    running,
    wait_until,
)
from loadproof.recording.control import EndStep
from loadproof.servers.launch import RunningServer


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    """Two levels of ten minutes each, of which next to nothing is asked."""
    path = tmp_path / "early.toml"
    path.write_text(
        """
name = "early"
[[traffic]]
task = "chat"
think_time = "0s"
[[steps]]
users = [4, 8]
warmup = "200ms"
duration = "10m"
stop_when_decided = true
[[objectives]]
require = "p50(ttft) <= 30s"
[[objectives]]
require = "p50(e2e) <= 1us"
""",
        encoding="utf-8",
    )
    return path


@pytest.mark.parametrize("count", [1, 2])
def test_levels_end_early_and_the_verdict_says_so(
    simulator: RunningServer, scenario_file: Path, tmp_path: Path, count: int
) -> None:
    done = finished(
        *("locust", "-f", LOCUSTFILES / "mixed.py", "--host", simulator.url, "--headless"),
        *("--scenario", scenario_file, *(processes(2) if count == 2 else ())),
        cwd=tmp_path,
    )
    assert done.returncode == 10, done.stdout
    run = read_only_run(tmp_path)
    assert run.finished
    assert [d.step for d in run.control if isinstance(d, EndStep)] == [0, 1]
    verdict = json.loads((only_run(tmp_path) / "verdict.json").read_text(encoding="utf-8"))
    assert {j["ruling"] for j in verdict["judgements"] if "ttft" in j["objective"]} == {"HOLDS"}
    assert {j["ruling"] for j in verdict["judgements"] if "e2e" in j["objective"]} == {"BROKEN"}
    for level in verdict["levels"]:
        assert level["ended_early"]["why"] == "all 2 objectives were settled"
        assert level["ended_early"]["after_s"] < 100
        assert level["cut_off"] == 0
    assert "ended early" in done.stdout


def referees(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The living referees that `process` has started."""
    found = []
    for child in psutil.Process(process.pid).children():
        with suppress(psutil.NoSuchProcess):
            is_referee = "loadproof.analysis.referee" in child.cmdline()
            if is_referee and child.status() != psutil.STATUS_ZOMBIE:
                found.append(child)
    return found


def test_a_run_whose_referee_is_killed_again_and_again_lasts_its_full_time(
    simulator: RunningServer, scenario_file: Path, tmp_path: Path
) -> None:
    text = scenario_file.read_text(encoding="utf-8")
    text = text.replace("10m", "10s").replace("users = [4, 8]", "users = [2]")
    scenario_file.write_text(text.replace("p50(ttft) <= 30s", "p99.9(ttft) <= 30s"), "utf-8")
    with running(
        *("locust", "-f", LOCUSTFILES / "mixed.py", "--host", simulator.url, "--headless"),
        *("--scenario", scenario_file),
        cwd=tmp_path,
    ) as process:
        killed = set()
        for _ in range(4):
            wait_until(lambda: any(p.pid not in killed for p in referees(process)), process)
            for referee in referees(process):
                killed.add(referee.pid)
                with suppress(psutil.NoSuchProcess):
                    referee.send_signal(signal.SIGKILL)
        output = process.communicate(timeout=TIMEOUT_S)[0]
    assert process.returncode == 10, output
    run = read_only_run(tmp_path)
    assert run.finished
    warnings = [e["message"] for e in run.events if e.get("kind") == "warning"]
    assert "the referee ended before its time and was started again" in warnings
    verdict = json.loads((only_run(tmp_path) / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["levels"][0]["ended_early"] is None
