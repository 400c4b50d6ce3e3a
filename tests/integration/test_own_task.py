"""A task of a user's own in a whole run: in the workers, in the grader, and not in the gate."""

import json
from pathlib import Path

import pytest

from integration.locust_process import finished, only_run, read_only_run
from loadproof.model.answer import Answer
from loadproof.model.traffic import Traffic
from loadproof.servers.launch import RunningServer
from loadproof.tasks.grading import GRADE_FAILED, GraderProcess

TASK = """
from loadproof.tasks.own import Ask

METRICS = ("wordy",)

def prompts():
    return [Ask(f"Say something about {n}.", truth=n) for n in range(20)]

def grade(ask, answer):
    if ask.truth == 3:
        raise LookupError("three")
    return {"wordy": float(len(answer.text.split()) > 3)}
"""
SCENARIO = """
name = "mine"
[[traffic]]
task = "prose"
file = "tasks/prose.py"
[[steps]]
users = 4
requests = 30
duration = "30s"
[[objectives]]
require = "rate(failed) <= 60%"
[[objectives]]
require = "wordy(prose) >= 10%"
"""


@pytest.fixture
def folder(tmp_path: Path, simulator: RunningServer) -> Path:
    """A folder with a task, a scenario that names it, and a server file."""
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "prose.py").write_text(TASK, encoding="utf-8")
    (tmp_path / "mine.toml").write_text(SCENARIO, encoding="utf-8")
    server = f'name = "s"\nurl = "{simulator.url}"\n'
    (tmp_path / "server.toml").write_text(server, encoding="utf-8")
    return tmp_path


def test_workers_ask_it_the_grader_grades_it_and_the_gate_needs_no_file(folder: Path) -> None:
    done = finished(
        *("loadproof", "run", "mine.toml", "--server", "server.toml", "--processes", "2"),
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout
    directory = only_run(folder)
    records = read_only_run(folder).records
    assert len({record.worker for record in records}) == 2
    graded = [record.grades for record in records if not record.warmup]
    assert {"wordy": 1.0} in graded
    assert all(set(grades) == {"wordy"} or grades == GRADE_FAILED for grades in graded)
    header = json.loads((directory / "run.json").read_text(encoding="utf-8"))
    assert header["scenario"]["traffic"][0]["metrics"] == ["wordy"]
    (folder / "tasks" / "prose.py").unlink()
    again = finished("loadproof", "gate", directory, cwd=folder)
    assert again.returncode == 0, again.stdout
    verdict = json.loads((directory / "verdict.json").read_text(encoding="utf-8"))
    assert verdict["levels"][0]["qualities"][0]["metric"] == "wordy"


def test_an_objective_that_the_task_cannot_give_is_refused(folder: Path) -> None:
    (folder / "mine.toml").write_text(SCENARIO.replace("wordy(", "terse("), encoding="utf-8")
    done = finished("loadproof", "run", "mine.toml", "--server", "server.toml", cwd=folder)
    assert done.returncode == 20
    assert done.stdout.strip() == (
        "mine.toml: objectives[1].require: got 'terse(prose) >= 10%', expected a grade that prose "
        "gives (wordy), not terse"
    )


def test_a_broken_file_is_refused_before_any_load(folder: Path) -> None:
    (folder / "tasks" / "prose.py").write_text("METRICS = 5\n", encoding="utf-8")
    done = finished("loadproof", "run", "mine.toml", "--server", "server.toml", cwd=folder)
    assert done.returncode == 20
    assert "Traceback" not in done.stdout
    (line,) = done.stdout.splitlines()
    assert line.startswith("mine.toml: traffic[0].file: ")
    assert "METRICS: got 5; expected" in line
    assert not (folder / "runs").exists()


@pytest.mark.parametrize(
    "options", [("--file", "tasks/prose.py"), ("--scenario", "mine.toml")], ids=lambda o: o[0]
)
def test_ask_asks_it(folder: Path, options: tuple[str, str]) -> None:
    done = finished("loadproof", "ask", "server.toml", "prose", *options, cwd=folder)
    assert done.returncode == 0, done.stdout
    assert "Say something about" in done.stdout
    assert "graded: wordy 1" in done.stdout


def test_ask_says_which_tasks_a_scenario_has(folder: Path) -> None:
    done = finished(
        "loadproof", "ask", "server.toml", "chat", "--scenario", "mine.toml", cwd=folder
    )
    assert done.returncode == 20
    assert done.stdout.strip() == "TASK: got 'chat', expected one of mine.toml: prose"


def test_what_a_grader_raises_is_said_and_costs_that_answer_alone(
    folder: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    path = folder / "tasks" / "prose.py"
    path.write_text(TASK.replace("truth=n", "truth=n, id=str(n)"), encoding="utf-8")
    grader = GraderProcess(tasks=[Traffic(task="prose", file=str(path))])
    answer = Answer("one two three four", None, finished_thinking=True, finish_reason="stop")
    for key in (2, 3, 4):
        grader.submit(key, "prose", f"prose/{key}", answer)
    results = dict(grader.drain(60.0))
    grader.close()
    assert results == {2: {"wordy": 1.0}, 3: GRADE_FAILED, 4: {"wordy": 1.0}}
    said = capfd.readouterr().err
    assert f"{path}: grade raised LookupError: three (line 11) for prose/3" in said


def test_ask_asks_a_public_set(folder: Path) -> None:
    row = {
        "question": "Which of these is a number?",
        "options": {"A": "seven", "B": "table"},
        "answer": "seven",
        "answer_idx": "A",
        "meta_info": "step1",
    }
    (folder / "medqa.jsonl").write_text(json.dumps(row) + "\n", encoding="utf-8")
    options = ("--questions", "medqa.jsonl", "--format", "medqa")
    done = finished("loadproof", "ask", "server.toml", "medical_qa", *options, cwd=folder)
    assert done.returncode == 0, done.stdout
    assert "Which of these is a number?\\nA. seven\\nB. table" in done.stdout
    assert "truth 1" in done.stdout
