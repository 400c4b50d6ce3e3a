"""A run measures its own generator, and says when it must not be believed."""

import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from integration.locust_process import LOCUSTFILES, finished, only_run, processes, read_only_run
from loadproof.model.record import Clock
from loadproof.servers.launch import RunningServer

LATE = """
import time

import gevent
from locust import events
from loadproof.plugin import StreamingUser


class CommonsenseUser(StreamingUser):
    asks = {"commonsense": 1}


def hold_up(busy_s, idle_s):
    while True:
        until = time.monotonic() + busy_s
        while time.monotonic() < until:
            pass
        gevent.sleep(idle_s)


@events.init.add_listener
def begin(**_):
    gevent.spawn(hold_up, BUSY_S, IDLE_S)
"""


def verdict_of(folder: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((only_run(folder) / "verdict.json").read_bytes())
    return content


@pytest.mark.parametrize(
    ("busy_s", "idle_s", "objective"),
    [
        (0.06, 0.04, "p50(ttft) <= 5s"),  # it would hold, of a load that was not delivered
        (0.09, 0.01, "p50(ttft) <= 40ms"),  # near what is observed
    ],
)
def test_a_generator_that_is_held_up_makes_the_verdict_invalid_and_is_named(
    simulator: RunningServer, tmp_path: Path, busy_s: float, idle_s: float, objective: str
) -> None:
    locustfile = tmp_path / "late.py"
    text = LATE.replace("BUSY_S", str(busy_s)).replace("IDLE_S", str(idle_s))
    locustfile.write_text(text, encoding="utf-8")
    done = finished(
        *("locust", "-f", locustfile, "--host", simulator.url, "--headless"),
        *("-u", "4", "-r", "4", "-t", "5s", "--objective", objective),
        cwd=tmp_path,
    )
    assert done.returncode == 12, done.stdout
    assert "not to be believed" in done.stdout
    (judgement,) = verdict_of(tmp_path)["judgements"]
    assert judgement["ruling"] == "INVALID"
    assert "was not delivered: the generator started" in judgement["reason"] or (
        "were read together with later ones, up to" in judgement["reason"]
    )
    (level,) = verdict_of(tmp_path)["levels"]
    assert level["generator"]["loop_lateness"]["p99"] > 1e3 * busy_s / 2
    assert level["generator"]["troubles"]
    summary = (only_run(tmp_path) / "summary.md").read_text(encoding="utf-8")
    assert "may be owed to the load generator itself" in summary
    assert 'type="INVALID"' in (only_run(tmp_path) / "junit.xml").read_text(encoding="utf-8")


@pytest.mark.parametrize("count", [1, 2])
def test_each_worker_tells_how_it_fared_in_each_step(
    simulator: RunningServer, scenario_file: Path, tmp_path: Path, count: int
) -> None:
    done = finished(
        *("locust", "-f", LOCUSTFILES / "mixed.py", "--host", simulator.url, "--headless"),
        *("--scenario", scenario_file, *(processes(2) if count == 2 else ())),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    run = read_only_run(tmp_path)
    events = [event for event in run.events if event["kind"] == "generator"]
    workers = {f"w{index}" for index in range(count)}
    assert {event["worker"] for event in events} == workers
    assert {(event["step"], event["warmup"]) for event in events} >= {(0, False), (1, False)}
    for worker in workers:
        own = [event for event in events if event["worker"] == worker]
        assert all(a["end_ns"] <= b["start_ns"] for a, b in pairwise(own))
    for step in (0, 1):
        assert run.histograms[f"{step}/generator/loop_lateness"].total_count > 0
        assert run.histograms[f"{step}/generator/read_lateness"].total_count == sum(
            record.events
            for record in run.records
            if record.step == step and not record.warmup and record.clock is Clock.KERNEL
        )
    levels = verdict_of(tmp_path)["levels"]
    for level in levels:
        health = level["generator"]
        assert health["troubles"] == []
        assert health["workers"] == count
        assert health["delivered"] > 0.95
        assert health["cpu_share_mean"] > 0
    assert done.stdout.count(" fine ") == len(levels)
    page = (only_run(tmp_path) / "report.html").read_text(encoding="utf-8")
    assert "The generator was fine: at most" in page


def test_each_request_says_when_it_was_to_start(
    simulator: RunningServer, scenario_file: Path, tmp_path: Path
) -> None:
    done = finished(
        *("locust", "-f", LOCUSTFILES / "mixed.py", "--host", simulator.url, "--headless"),
        *("--scenario", scenario_file),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    run = read_only_run(tmp_path)
    measured = [record for record in run.records if not record.warmup]
    delays_ns = [r.start_ns - r.intended_ns for r in measured if r.intended_ns is not None]
    assert len(delays_ns) > len(measured) / 2  # a user's very first is due when it comes
    assert min(delays_ns) >= 0
    recorded = [n for tag, n in counts(run.histograms).items() if tag.endswith("/start_delay")]
    assert sum(recorded) == len(delays_ns)
    assert all("histogram" not in warning for warning in verdict_of(tmp_path)["warnings"])


def counts(histograms: dict[str, Any]) -> dict[str, int]:
    return {tag: int(histogram.total_count) for tag, histogram in histograms.items()}
