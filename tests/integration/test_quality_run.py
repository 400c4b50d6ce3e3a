"""Answers of known quality in a real run: reported with their truth, paired, claims set aside."""

import json
from pathlib import Path

import pytest

from integration.locust_process import finished, only_run
from loadproof.analysis.judge import analyse
from loadproof.model.exit_codes import ExitCode
from loadproof.model.verdict import RunVerdict
from loadproof.recording.reader import read_run
from loadproof.tasks.questions import load_questions

ACCURACY, COMPLIANCE = 0.8, 0.9

SCENARIO = """
name = "known"
[[traffic]]
task = "boxed_math"
[[traffic]]
task = "commonsense"
[[traffic]]
task = "chat"
think_time = "0s"
[[steps]]
users = [6, 12]
warmup = "200ms"
requests = 240
duration = "40s"
[[objectives]]
require = "drop(accuracy(commonsense)) <= 10%"
[[claims]]
model = "known"
says = ["accuracy(commonsense) = 80% ± 9%"]
"""
SERVER = f"""
name = "known"
engine = "simulator"
url = "http://127.0.0.1"
[simulator]
base_us = 3000
per_sequence_us = 20
per_prefill_token_us = 5
answer_tokens = 10
accuracy = {{ boxed_math = {ACCURACY}, commonsense = {ACCURACY} }}
compliance = {COMPLIANCE}
"""


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory."""
    folder = tmp_path_factory.mktemp("known")
    (folder / "scenario.toml").write_text(SCENARIO)
    (folder / "server.toml").write_text(SERVER)
    # Two processes share the questions out, and both levels ask the same ones.
    done = finished(
        *("loadproof", "run", "scenario.toml", "--server", "server.toml", "--processes", "2"),
        cwd=folder,
    )
    assert done.returncode in (ExitCode.HOLDS, ExitCode.INVALID), done.stdout
    run = only_run(folder)
    assert f"claims: loadproof claims {run.relative_to(folder)}" in done.stdout
    return run


@pytest.fixture(scope="module")
def verdict(known: Path) -> RunVerdict:
    return analyse(read_run(known), known)


def test_the_truth_lies_within_the_intervals(verdict: RunVerdict) -> None:
    truth = {"accuracy": ACCURACY, "compliance": COMPLIANCE}
    for level in verdict.levels:
        for quality in level.qualities:
            if quality.metric in truth:
                assert quality.low <= truth[quality.metric] <= quality.high
                assert quality.n > 60


def test_both_levels_asked_the_same_questions_and_load_changed_no_answer(
    verdict: RunVerdict,
) -> None:
    first, second = verdict.levels
    for change in second.changes:
        if change.task == "chat":
            continue
        answers = min(
            q.n
            for level in (first, second)
            for q in level.qualities
            if (q.task, q.metric) == (change.task, change.metric)
        )
        assert change.pairs >= 0.9 * answers
        assert change.questions <= len(load_questions(change.task))
        assert (change.drop, change.p, change.changed) == (0, 1, False)


def test_claims_of_a_simulated_server_are_not_tested(known: Path) -> None:
    done = finished("loadproof", "claims", known, "--json", "c.json", cwd=known.parent)
    assert done.returncode == ExitCode.INCONCLUSIVE
    (claim,) = json.loads((known.parent / "c.json").read_text())["claims"]
    assert claim["summary"] == "not tested: the server was simulated"
    assert [test["users"] for test in claim["tests"]] == [6, 12]
