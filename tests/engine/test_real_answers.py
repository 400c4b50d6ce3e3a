"""Answers of a real model through all graders: SmolLM2-135M on vLLM, at two load levels."""

import json
from collections import Counter
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.command_line import FinishedRun, end_of_run, start_run
from engine.prepare import Engine
from engine.tiny_server import free_port, write_server_file
from loadproof.cli import app
from loadproof.model.exit_codes import ExitCode

SCENARIO = """
name = "real-answers"

[[traffic]]
task = "chat"
max_tokens = 16
think_time = "0s"

[[traffic]]
task = "medical_qa"
weight = 2
max_tokens = 16

[[traffic]]
task = "boxed_math"
max_tokens = 40

[[traffic]]
task = "commonsense"
weight = 2
max_tokens = 24

[[steps]]
users = [2, 8]
requests = 32

[[objectives]]
require = "drop(accuracy(commonsense)) <= 90%"

[[claims]]
model = "tiny"
says = ["accuracy(commonsense) < 99%", "mean(ttft) < 10s"]
"""
POLICY = "\n[policy]\ntemperature = 0.0\n"
"""Greedy: what differs between the levels is owed to the load."""


@pytest.fixture(scope="module")
def run(prepared: Engine, tmp_path_factory: pytest.TempPathFactory) -> FinishedRun:
    """The run, whose server loadproof itself started and ended."""
    folder = tmp_path_factory.mktemp("real")
    server = write_server_file(
        folder / "server.toml", prepared, free_port(), started=True, real_weights=True
    )
    server.write_text(server.read_text() + POLICY)
    scenario = folder / "scenario.toml"
    scenario.write_text(SCENARIO)
    return end_of_run(start_run(scenario, server, folder / "runs"), folder / "runs")


def test_each_answer_is_graded(run: FinishedRun) -> None:
    records = [record for record in run.records if not record["warmup"]]
    assert Counter(record["outcome"] for record in records) == {"completed": 64}
    assert all(record["grades"] for record in records)
    assert not [record for record in records if "grade_failed" in record["grades"]]
    assert {record["task"] for record in records} == {
        "chat", "medical_qa", "boxed_math", "commonsense"
    }  # fmt: skip


def test_it_is_a_model_that_answers(run: FinishedRun) -> None:
    choices = [r["grades"]["chosen"] for r in run.records if "chosen" in r["grades"]]
    assert len(set(choices) - {0.0}) > 1, "it takes options, and not always the same"
    assert len({record["output_tokens"] for record in run.records}) > 3


def test_each_level_reports_its_quality_and_the_second_one_the_change(run: FinishedRun) -> None:
    first, second = run.verdict["levels"]
    assert first["changes"] == []
    by_name = {(c["task"], c["metric"]): c for c in second["changes"]}
    for level in (first, second):
        for quality in level["qualities"]:
            assert 0 <= quality["low"] <= quality["mean"] <= quality["high"] <= 1
            assert quality["high"] - quality["low"] > 0.05
    # The 32 requests of each level are the same: all answers of single questions are in pairs.
    for quality in second["qualities"]:
        if quality["task"] != "chat":
            assert by_name[quality["task"], quality["metric"]]["pairs"] == quality["n"]


def test_a_drop_of_answers_to_the_same_questions_is_judged(run: FinishedRun) -> None:
    (judgement,) = run.verdict["judgements"]
    assert (judgement["users"], judgement["ruling"]) == (8, "HOLDS")
    assert "pairs of answers to the same questions" in judgement["reason"]


def test_claims_are_tested_on_answers_and_not_on_latency(run: FinishedRun, tmp_path: Path) -> None:
    output = tmp_path / "claims.json"
    done = CliRunner().invoke(app, ["claims", str(run.directory), "--json", str(output)])
    accuracy, latency = json.loads(output.read_text())["claims"]
    assert accuracy["standing"] == "reproduced"
    assert latency["summary"] == "not tested: no GPU was sampled in this run"
    assert done.exit_code == ExitCode.INCONCLUSIVE
