"""The scripts of the kit's analysis folder, run on a run as their users run them."""

import json
import runpy
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from loadproof.analysis.judge import analyse
from loadproof.recording.reader import read_run
from unit.lifelike_run import write_lifelike_run
from unit.made_up_run import MadeUpLevel, write_made_up_run
from unit.made_up_search import write_search

FOLDER = Path(__file__).parents[2] / "analysis"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.py"))

Script = Callable[..., str]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Script:
    def run(name: str, *arguments: str | Path) -> str:
        monkeypatch.setattr(sys, "argv", [name, *map(str, arguments)])
        runpy.run_path(str(FOLDER / name), run_name="__main__")
        return capsys.readouterr().out

    return run


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_explains_itself_and_is_short(name: str, script: Script) -> None:
    with pytest.raises(SystemExit) as end:
        script(name, "--help")
    assert end.value.code == 0
    assert len((FOLDER / name).read_text().splitlines()) <= 80


def test_holds_agrees_with_the_verdict(tmp_path: Path, script: Script) -> None:
    run = write_lifelike_run(tmp_path / "run")
    lines = script("holds.py", run).splitlines()
    judgements = analyse(read_run(run), run).judgements
    for objective in ("p99(ttft) <= 400ms", "rate(failed) <= 1%", "accuracy(commonsense) >= 85%"):
        (line,) = [line for line in lines if line.startswith(objective)]
        found = line.removeprefix(objective).split()
        assert found == [str(j.ruling) for j in judgements if j.objective == objective]


def test_holds_answers_other_questions_too(tmp_path: Path, script: Script) -> None:
    run = write_lifelike_run(tmp_path / "run")
    output = script("holds.py", run, "--require", "p50(ttft) <= 100ms")
    assert output.splitlines()[1].split()[-4:] == ["HOLDS", "HOLDS", "HOLDS", "BROKEN"]


def test_compare_models_names_a_model_only_where_it_is_settled(
    tmp_path: Path, script: Script
) -> None:
    runs = [
        write_lifelike_run(
            tmp_path / name, server=name, simulated=name == "small", requests_a_user=more
        )
        for name, more in (("small", 30), ("large", 28))
    ]
    requests = [json.loads(line) for line in (runs[1] / "requests.jsonl").open()]
    for request in requests:
        request["ttft_ms"] *= 1.5
    (runs[1] / "requests.jsonl").write_text("\n".join(map(json.dumps, requests)) + "\n")
    output = script("compare_models.py", *runs)
    assert "small is SIMULATED" in output
    assert "large is SIMULATED" not in output
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in output.splitlines()]
    found = {tuple(row[:3]): row[3:] for row in rows if row}
    assert found["64", "chat", "mean(ttft)"][2] == "small"
    assert found["1", "chat", "p99(ttft)"][2] == "undecided"
    assert found["64", "", "peak(gpu_memory)"] == ["9.22 GB", "9.22 GB", "as observed"]
    level = analyse(read_run(runs[0]), runs[0]).levels[-1]
    mean_ms, chats = level.by_task["chat"]["ttft"].mean, level.by_task["chat"]["ttft"].n
    assert mean_ms is not None
    figure = found["64", "chat", "mean(ttft)"][0]
    assert figure.startswith(f"{mean_ms:.0f} ms (")
    assert figure.endswith(f", n {chats})")


def test_compare_models_keeps_its_columns_with_names_in_chinese(
    tmp_path: Path, script: Script
) -> None:
    runs = [write_lifelike_run(tmp_path / name, levels=(4,)) for name in ("小模型", "大模型")]
    lines = [line for line in script("compare_models.py", *runs).splitlines() if "│" in line]
    assert len({cell_len(line) for line in lines}) == 1
    assert "小模型" in script("compare_models.py", *runs)


def test_capacity_names_what_holds_and_what_breaks_first(tmp_path: Path, script: Script) -> None:
    levels = [
        MadeUpLevel(1, [100.0] * 400),
        MadeUpLevel(4, [100.0] * 400),
        MadeUpLevel(16, [100.0] * 20),
        MadeUpLevel(64, [131.0] * 400),
    ]
    run = write_made_up_run(tmp_path / "run", levels, objectives=["p99(ttft) <= 120ms"])
    assert script("capacity.py", run).splitlines() == [
        "Everything holds up to 4 users.",
        "Broken from 64 users:",
        "  p99(ttft) <= 120ms: p99 was 131 ms; 400 of 400 requests (100 %) were over 120 ms, "
        "at least 99.25 % at 95 % confidence, and the objective allows 1 %",
        "Undecided:",
        "  at 16 users: p99(ttft) <= 120ms",
    ]


def test_the_notebook_is_kept_without_outputs_and_its_tables_can_be_made(tmp_path: Path) -> None:
    notebook = json.loads((FOLDER / "explore.ipynb").read_text())
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code)
    run = write_lifelike_run(tmp_path / "runs" / "run")
    names: dict[str, Any] = {}
    for cell in code:
        source = "".join(cell["source"]).replace('"../runs"', repr(str(run.parent)))
        if ".plot(" not in source:  # drawing needs matplotlib, which loadproof does without
            exec(compile(source, "explore.ipynb", "exec"), names)
    assert list(names["quantiles"].columns) == ["p50", "p95", "p99"]


def test_capacity_shows_a_search(tmp_path: Path, script: Script) -> None:
    run = write_search(tmp_path / "run", lambda users: 50.0 if users <= 10 else 200.0)
    output = script("capacity.py", run)
    assert "Capacity: holds up to 10 users, broken from 11, at 95 % confidence" in output
    assert "at 11 users breaks: p80(ttft) <= 120ms" in output
    assert "likely to be broken" in output
