"""`loadproof run`, `gate`, `serve` and `init` as a user calls them."""

import json
import shutil
import signal
import urllib.request
from pathlib import Path
from xml.etree import ElementTree as ET

import psutil
import pytest

from integration.locust_process import (
    TIMEOUT_S,
    finished,
    free_port,
    has_records,
    only_run,
    read_only_run,
    running,
    wait_until,
)
from loadproof.model.record import Outcome
from loadproof.servers.launch import RunningServer

SIMULATOR = """
name = "quick"
engine = "simulator"
url = "http://127.0.0.1"
[simulator]
base_us = 8000.0  # slow enough that what a busy test machine adds between requests is little
per_sequence_us = 20.0
per_prefill_token_us = 5.0
answer_tokens = 20
"""


@pytest.fixture
def server_file(tmp_path: Path) -> Path:
    """A simulator that `loadproof run` starts by itself."""
    path = tmp_path / "server.toml"
    path.write_text(SIMULATOR, encoding="utf-8")
    return path


def test_run_starts_the_server_loads_it_and_ends_with_the_verdict(
    scenario_file: Path, server_file: Path, tmp_path: Path
) -> None:
    done = finished("loadproof", "run", scenario_file, "--server", server_file, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "SIMULATED" in done.stdout
    assert "HOLDS" in done.stdout
    assert "report.html" in done.stdout
    directory = only_run(tmp_path)
    run = read_only_run(tmp_path)
    assert len([record for record in run.records if not record.warmup]) == 24
    assert run.header["server"]["simulated"] is True
    verdict = json.loads((directory / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["ruling"] == "HOLDS"
    cases = ET.parse(directory / "junit.xml").getroot().iter("testcase")
    assert len(list(cases)) == 4
    other = shutil.copytree(directory, tmp_path / "other")
    compared = finished("loadproof", "compare", other, directory, "--fail-on=worse", cwd=tmp_path)
    assert compared.returncode == 0, compared.stdout
    assert "both servers are SIMULATED" in compared.stdout
    assert (directory / "comparison.html").exists()
    assert any("server_memory" in sample for sample in run.telemetry)
    assert any("metrics" in sample for sample in run.telemetry)
    assert not list_processes_with(str(directory))


def test_two_runs_of_two_processes_each_go_on_side_by_side(
    scenario_file: Path, server_file: Path, tmp_path: Path
) -> None:
    arguments = ("run", scenario_file, "--server", server_file, "--processes", "2")
    folders = [tmp_path / "first", tmp_path / "second"]
    for folder in folders:
        folder.mkdir()
    with (
        running("loadproof", *arguments, cwd=folders[0]) as first,
        running("loadproof", *arguments, cwd=folders[1]) as second,
    ):
        outputs = [process.communicate(timeout=TIMEOUT_S)[0] for process in (first, second)]
    assert (first.returncode, second.returncode) == (0, 0), outputs
    for folder in folders:
        assert len({record.worker for record in read_only_run(folder).records}) == 2


def test_gate_judges_a_run_again(scenario_file: Path, server_file: Path, tmp_path: Path) -> None:
    finished("loadproof", "run", scenario_file, "--server", server_file, cwd=tmp_path)
    directory = only_run(tmp_path)
    before = (directory / "verdict.json").read_bytes()
    for name in ("verdict.json", "report.html", "junit.xml", "summary.md"):
        (directory / name).unlink()
    done = finished("loadproof", "gate", directory, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert (directory / "verdict.json").read_bytes() == before
    assert (directory / "report.html").exists()


def test_ctrl_c_ends_everything_and_still_judges(
    scenario_file: Path, server_file: Path, tmp_path: Path
) -> None:
    text = scenario_file.read_text(encoding="utf-8").replace("requests = 12\n", "")
    scenario_file.write_text(text, encoding="utf-8")
    arguments = ("run", scenario_file, "--server", server_file)
    with running("loadproof", *arguments, cwd=tmp_path) as process:
        wait_until(lambda: has_records(tmp_path), process)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=TIMEOUT_S)[0]
    assert process.returncode == 130, output
    assert "Traceback" not in output
    assert read_only_run(tmp_path).finished
    assert (only_run(tmp_path) / "report.html").exists()
    assert not list_processes_with(str(only_run(tmp_path)))


@pytest.mark.parametrize("source", ["env", "file"])
def test_the_api_key_works_and_is_found_nowhere(
    scenario_file: Path, tmp_path: Path, source: str
) -> None:
    key = "sk-5ecret-0f-th1s-test"
    place = "OUR_KEY" if source == "env" else str(tmp_path / "key.txt")
    (tmp_path / "key.txt").write_text(f"{key}\n", encoding="utf-8")
    server = tmp_path / "server.toml"
    server.write_text(
        SIMULATOR.replace("[simulator]", f'[key]\n{source} = "{place}"\n[simulator]'),
        encoding="utf-8",
    )
    secrets = {"OUR_KEY": key} if source == "env" else {}
    done = finished(
        *("loadproof", "run", scenario_file, "--server", server),
        cwd=tmp_path,
        LOADPROOF_SIMULATOR_KEY=key,
        **secrets,
    )
    assert done.returncode == 0, done.stdout
    assert key not in done.stdout
    run = read_only_run(tmp_path)
    assert {record.outcome for record in run.records} == {Outcome.COMPLETED}
    assert any("metrics" in sample for sample in run.telemetry)
    for path in only_run(tmp_path).rglob("*"):
        assert key.encode() not in path.read_bytes(), path


def test_a_wrong_key_is_reported_before_any_load(
    scenario_file: Path, server_file: Path, tmp_path: Path
) -> None:
    done = finished(
        *("loadproof", "run", scenario_file, "--server", server_file),
        cwd=tmp_path,
        LOADPROOF_SIMULATOR_KEY="sk-of-the-server",
    )
    assert done.returncode == 20, done.stdout
    assert "Traceback" not in done.stdout
    assert "refuses the API key with HTTP 401" in done.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("run", "none.toml", "--server", "server.toml"), 20, "none.toml: no such file"),
        (("run", "scenario.toml", "--server", "none.toml"), 20, "none.toml: no such file"),
        (("gate", "none"), 20, "none: no such run directory"),
        (("gate", "."), 20, "no run directory: it holds no run.json"),
        (("serve", "remote.toml"), 20, "start: missing; expected a [start] table"),
        (("run", "scenario.toml", "--server", "remote.toml"), 21, "127.0.0.1"),
        (("run", "scenario.toml", "--server", "keyed.toml"), 20, "NO_SUCH_KEY"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    scenario_file: Path,
    server_file: Path,
    tmp_path: Path,
    arguments: tuple[str, ...],
    code: int,
    message: str,
) -> None:
    address = f'name = "remote"\nurl = "http://127.0.0.1:{free_port()}"\n'
    (tmp_path / "remote.toml").write_text(address, encoding="utf-8")
    (tmp_path / "keyed.toml").write_text(f'{address}[key]\nenv = "NO_SUCH_KEY"\n')
    done = finished("loadproof", *arguments, cwd=tmp_path)
    assert done.returncode == code, done.stdout
    assert message in done.stdout.splitlines()[-1]
    assert "Traceback" not in done.stdout


def test_serve_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    port = free_port()
    server = tmp_path / "server.toml"
    server.write_text(
        SIMULATOR.replace("http://127.0.0.1", f"http://127.0.0.1:{port}"), encoding="utf-8"
    )
    with running("loadproof", "serve", server, cwd=tmp_path) as process:
        assert process.stdout is not None
        assert f"serves at http://127.0.0.1:{port}" in process.stdout.readline()
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=30) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=TIMEOUT_S)[0]
    assert process.returncode == 130, output
    with pytest.raises(OSError, match="refused"):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/v1/models", timeout=30)


def test_init_lays_a_kit_that_can_be_run_and_never_overwrites(tmp_path: Path) -> None:
    done = finished("loadproof", "init", "mine", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    mine = tmp_path / "mine"
    for name in (
        "locustfiles/chat.py",
        "scenarios/demo.toml",
        "servers/simulator-demo.toml",
        "tasks/roman_numerals.py",
        "ci/github-actions.yml",
        "ci/gitlab-ci.yml",
    ):
        assert (mine / name).exists()
    listed = finished("locust", "-f", mine / "locustfiles/mixed.py", "--list", cwd=tmp_path)
    assert "MixedUser" in listed.stdout
    (mine / "scenarios/demo.toml").write_text("changed", encoding="utf-8")
    again = finished("loadproof", "init", "mine", cwd=tmp_path)
    assert again.returncode == 20
    assert "is there already, and nothing was copied" in again.stdout
    assert (mine / "scenarios/demo.toml").read_text(encoding="utf-8") == "changed"


def list_processes_with(text: str) -> list[str]:
    """Command lines of living processes that mention `text`."""
    lines = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if text in line:
            lines.append(line)
    return lines


def test_ask_shows_a_question_as_it_is_sent_and_its_answer_graded(
    simulator: RunningServer, tmp_path: Path
) -> None:
    server = tmp_path / "server.toml"
    server.write_text(f'name = "s"\nurl = "{simulator.url}"\n', encoding="utf-8")
    done = finished("loadproof", "ask", server, "boxed_math", "--number", "3", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    body = next(line for line in done.stdout.splitlines() if line.startswith("{"))
    sent = json.loads(body)
    assert sent["stream"] is True
    assert "boxed" in sent["messages"][-1]["content"]
    assert "graded: compliance" in done.stdout
    assert "the first after" in done.stdout


def test_ask_refuses_a_task_that_there_is_not(server_file: Path, tmp_path: Path) -> None:
    done = finished("loadproof", "ask", server_file, "poetry", cwd=tmp_path)
    assert done.returncode == 20
    assert "task: got 'poetry', expected one of chat, medical_qa" in done.stdout.splitlines()[-1]
