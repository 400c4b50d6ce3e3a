"""The mixed scenario on a real vLLM, checked against what vLLM itself has counted."""

import json
from collections import Counter
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from statistics import fmean
from xml.etree import ElementTree

import pytest

from engine.command_line import FinishedRun, end_of_run, start_run
from engine.server_counters import ServerCounters, server_counters
from loadproof.servers.launch import RunningServer

TRAFFIC = """
[[traffic]]
task = "chat"
max_tokens = 64
think_time = "0s"

[[traffic]]
task = "medical_qa"
max_tokens = 48

[[traffic]]
task = "boxed_math"
max_tokens = 64

[[traffic]]
task = "commonsense"
max_tokens = 32
"""
RISING = f"""
name = "rising"
{TRAFFIC}
[[steps]]
users = 1
requests = 24
warmup = "1s"

[[steps]]
users = 8
requests = 96
warmup = "1s"

[[steps]]
users = 32
requests = 256
warmup = "1s"

[[objectives]]
require = "p50(ttft) <= 60s"

[[objectives]]
require = "rate(failed) <= 20%"
"""
ALONE = f"""
name = "alone"
{TRAFFIC}
[[steps]]
users = 1
requests = 48

[[objectives]]
require = "accuracy(commonsense) >= 95%"
"""
REQUESTS_ASKED_FOR = {1: 24, 8: 96, 32: 256}


@dataclass(frozen=True, slots=True)
class ObservedRun:
    """A run, and by how much the server's counters grew in it."""

    run: FinishedRun
    growth: ServerCounters


class TagCounter(HTMLParser):
    """Counts a page's tags."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1


def observed(scenario: str, server_file: Path, url: str, folder: Path) -> ObservedRun:
    path, runs = folder / "scenario.toml", folder / "runs"
    path.write_text(scenario, encoding="utf-8")
    before = server_counters(url)
    run = end_of_run(start_run(path, server_file, runs), runs)
    return ObservedRun(run, server_counters(url) - before)


@pytest.fixture(scope="module")
def rising(
    vllm: RunningServer, server_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> ObservedRun:
    """All four tasks at 1, 8 and 32 users."""
    return observed(RISING, server_file, vllm.url, tmp_path_factory.mktemp("rising"))


@pytest.fixture(scope="module")
def alone(
    vllm: RunningServer, server_file: Path, tmp_path_factory: pytest.TempPathFactory
) -> ObservedRun:
    """All four tasks, one request at a time."""
    return observed(ALONE, server_file, vllm.url, tmp_path_factory.mktemp("alone"))


def test_every_request_is_accounted_for_and_none_fails(rising: ObservedRun) -> None:
    records = rising.run.records
    assert Counter(record["outcome"] for record in records) == {"completed": len(records)}
    assert {record["failure"] for record in records} == {None}
    assert len({record["id"] for record in records}) == len(records) == rising.growth.finished


def test_each_level_is_sent_what_the_scenario_asks_for(rising: ObservedRun) -> None:
    levels = rising.run.verdict["levels"]
    assert {level["users"]: level["sent"] for level in levels} == REQUESTS_ASKED_FOR
    for level in levels:
        assert level["sent"] == level["completed"] + level["failed"] + level["cut_off"]
        warmup = [r for r in rising.run.records if r["users"] == level["users"] and r["warmup"]]
        assert level["warmup"] == len(warmup) > 0
    asked = {(record["users"], record["task"]) for record in rising.run.records}
    tasks = ("chat", "medical_qa", "boxed_math", "commonsense")
    assert asked == {(users, task) for users in REQUESTS_ASKED_FOR for task in tasks}


def test_output_tokens_are_those_that_vllm_generated(rising: ObservedRun) -> None:
    tokens = sum(record["output_tokens"] for record in rising.run.records)
    assert tokens == rising.growth.generation_tokens


def test_first_tokens_are_those_that_vllm_sent(rising: ObservedRun) -> None:
    first_tokens = sum(record["ttft_ms"] is not None for record in rising.run.records)
    assert first_tokens == rising.growth.first_tokens


def test_ttft_of_one_user_agrees_with_the_servers_own(alone: ObservedRun) -> None:
    records = alone.run.records
    assert len(records) == alone.growth.first_tokens >= 48
    ours_ms = fmean(record["ttft_ms"] for record in records)
    assert alone.growth.mean_ttft_ms <= ours_ms <= alone.growth.mean_ttft_ms + 30


def test_ttft_under_load_is_not_below_the_servers_own(rising: ObservedRun) -> None:
    ours_ms = fmean(record["ttft_ms"] for record in rising.run.records)
    assert ours_ms >= rising.growth.mean_ttft_ms


def test_arrivals_are_read_from_the_kernels_clock(rising: ObservedRun) -> None:
    assert {record["clock"] for record in rising.run.records} == {"kernel"}


def test_objectives_that_hold_exit_with_0(rising: ObservedRun) -> None:
    verdict = rising.run.verdict
    assert (verdict["ruling"], verdict["exit_code"]) == ("HOLDS", 0), verdict["reasons"]
    assert rising.run.exit_code == 0, rising.run.shown
    assert "HOLDS" in rising.run.shown


def test_answers_by_chance_break_an_accuracy_objective(alone: ObservedRun) -> None:
    verdict = alone.run.verdict
    assert (verdict["ruling"], verdict["exit_code"]) == ("BROKEN", 10), verdict["reasons"]
    assert alone.run.exit_code == 10, alone.run.shown
    measured = [record for record in alone.run.records if not record["warmup"]]
    graded = [record["grades"] for record in measured if record["task"] == "commonsense"]
    assert all("accuracy" in grades and "grade_failed" not in grades for grades in graded)
    assert graded


def test_the_server_is_identified_and_watched(rising: ObservedRun) -> None:
    header = json.loads((rising.run.directory / "run.json").read_text())
    server = header["server"]
    assert (server["engine"], server["model"], server["simulated"]) == ("vllm", "tiny", False)
    assert server["version"].startswith("0.32.0")
    assert server["max_model_len"] == 4096
    samples = rising.run.lines("telemetry.jsonl")
    assert max(sample.get("server_memory", 0) for sample in samples) > 500e6
    metrics = [sample["metrics"] for sample in samples if "metrics" in sample]
    assert max(sample["running"] for sample in metrics) > 1
    tokens = [sample["generation_tokens"] for sample in metrics]
    assert tokens == sorted(tokens)
    assert tokens[-1] > tokens[0]


def test_all_outputs_are_written_and_parse(rising: ObservedRun) -> None:
    directory = rising.run.directory
    suites = ElementTree.parse(directory / "junit.xml").getroot()
    assert suites.findall(".//testcase")
    assert not suites.findall(".//failure")
    assert "HOLDS" in (directory / "summary.md").read_text(encoding="utf-8")
    report = TagCounter()
    report.feed((directory / "report.html").read_text(encoding="utf-8"))
    assert report.tags["html"] == report.tags["body"] == 1
    assert report.tags["table"] > 0


def test_the_run_shows_a_row_a_level_and_where_its_report_is(rising: ObservedRun) -> None:
    assert "Traceback" not in rising.run.shown
    assert rising.run.directory.name in rising.run.shown.replace("\n", "")
    assert "report.html" in rising.run.shown
