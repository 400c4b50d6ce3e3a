"""`loadproof capacity` as a user calls it, on a simulated server."""

import json
import signal
from pathlib import Path

import jsonschema
import pytest

from integration.locust_process import TIMEOUT_S, finished, only_run, running, wait_until
from loadproof.commands.schemas import schemas
from loadproof.recording.control import EndRun, NextStep
from loadproof.recording.reader import read_run

SERVER = """
name = "quick"
engine = "simulator"
url = "http://127.0.0.1"
[simulator]
base_us = 4000.0
per_sequence_us = 20.0
per_prefill_token_us = 5.0
max_batch = 6      # where the seventh user waits, the first token takes some 70 ms longer
answer_tokens = 20
"""
SCENARIO = """
name = "cap"
[[traffic]]
task = "chat"
think_time = "0s"
max_tokens = 16
[[objectives]]
require = "p80(ttft) <= 60ms"
[[objectives]]
require = "rate(failed) <= 20%"
[capacity]
users = [2, 24]
resolution = 1.0
warmup = "300ms"
grace = "5s"
"""


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    scenario, server = tmp_path / "scenario.toml", tmp_path / "server.toml"
    scenario.write_text(SCENARIO, encoding="utf-8")
    server.write_text(SERVER, encoding="utf-8")
    return scenario, server


def test_a_search_finds_a_bracket_about_the_true_capacity(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    done = finished("loadproof", "capacity", files[0], "--server", files[1], cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    run = read_run(only_run(tmp_path))
    assert run.finished
    assert any(isinstance(decision, EndRun) for decision in run.control)
    text = (only_run(tmp_path) / "verdict.json").read_text(encoding="utf-8")
    verdict = json.loads(text)
    jsonschema.validate(verdict, json.loads(schemas()["verdict.json"]))
    found = verdict["capacity"]
    assert 2 <= found["holds_up_to"] < found["broken_from"] <= 2 * found["holds_up_to"]
    assert found["breaks_first"] == ["p80(ttft) <= 60ms"]
    assert found["goodput_per_s"] > 0
    assert verdict["ruling"] == "HOLDS"
    assert found["sentence"] in " ".join(done.stdout.split())
    assert "likely to hold" in done.stdout
    again = finished("loadproof", "gate", only_run(tmp_path), cwd=tmp_path)
    assert again.returncode == 0
    assert (only_run(tmp_path) / "verdict.json").read_text(encoding="utf-8") == text


def test_ctrl_c_gives_what_was_found_so_far(files: tuple[Path, Path], tmp_path: Path) -> None:
    with running("loadproof", "capacity", files[0], "--server", files[1], cwd=tmp_path) as process:
        control = (tmp_path / "runs").glob
        wait_until(
            lambda: any(b"visited" in path.read_bytes() for path in control("*/control.jsonl")),
            process,
        )
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=TIMEOUT_S)[0]
    assert process.returncode == 130, output
    assert "Traceback" not in output
    verdict = json.loads((only_run(tmp_path) / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["capacity"]["ended"] == "it was broken off"
    assert verdict["ruling"] == "INCONCLUSIVE"


def test_a_budget_ends_the_search(files: tuple[Path, Path], tmp_path: Path) -> None:
    files[0].write_text(SCENARIO + "requests = 15\n", encoding="utf-8")
    done = finished("loadproof", "capacity", files[0], "--server", files[1], cwd=tmp_path)
    assert done.returncode == 11, done.stdout
    run = read_run(only_run(tmp_path))
    assert sum(not record.warmup for record in run.records) == 15
    assert len([decision for decision in run.control if isinstance(decision, NextStep)]) == 2
    assert "its budget of 15 requests is used up" in " ".join(done.stdout.split())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("[[objectives]]", "[[objectives]]\nat = [2]"), "objectives[0].at: a search asks each"),
        (("users = [2, 24]", "users = [24, 2]"), "capacity.users: got '[24, 2]', expected"),
        (("resolution = 1.0", "resolution = 0"), "capacity.resolution: got 0"),
        (("p80(ttft) <= 60ms", "drop(answered(chat)) <= 2%"), "no level to count a drop from"),
    ],
)
def test_what_cannot_be_searched_is_refused_in_one_line(
    files: tuple[Path, Path], tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    files[0].write_text(SCENARIO.replace(*change, 1), encoding="utf-8")
    done = finished("loadproof", "capacity", files[0], "--server", files[1], cwd=tmp_path)
    assert done.returncode == 20, done.stdout
    assert message in done.stdout.splitlines()[-1]
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "runs").exists()


def test_a_scenario_without_objectives_has_no_capacity(
    files: tuple[Path, Path], tmp_path: Path
) -> None:
    text = SCENARIO[: SCENARIO.index("[[objectives]]")]
    files[0].write_text(text, encoding="utf-8")
    done = finished("loadproof", "capacity", files[0], "--server", files[1], cwd=tmp_path)
    assert done.returncode == 20
    assert "objectives: missing" in done.stdout.splitlines()[-1]
