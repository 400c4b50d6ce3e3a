"""What is said of a scenario's requests before they are sent."""

from pathlib import Path

import pytest
from rich.console import Console

from loadproof.commands.plan_samples import plan_samples
from loadproof.model.errors import ConfigurationError
from unit.made_up_run import MadeUpLevel, write_made_up_run

SCENARIO = """
name = "plan"
[[traffic]]
task = "chat"
weight = 3
[[traffic]]
task = "commonsense"
[[steps]]
users = 16
requests = 1000
"""


def said(
    tmp_path: Path,
    *objectives: str,
    scenario: str = SCENARIO,
    rate: float | None = None,
    correlation: float = 1.0,
    like: Path | None = None,
) -> tuple[int, str]:
    path = tmp_path / "plan.toml"
    entries = "".join(f'[[objectives]]\nrequire = "{text}"\n' for text in objectives)
    path.write_text(scenario + entries, encoding="utf-8")
    console = Console(width=200)
    with console.capture() as capture:
        code = plan_samples(path, rate, correlation, like, console)
    return code, capture.get()


def test_a_percentile_is_settled_by_far_enough_rates(tmp_path: Path) -> None:
    code, text = said(tmp_path, "p99(ttft) <= 120ms")
    assert code == 0
    assert "16 users: 1,000 requests" in text
    assert (
        "1,000 requests settle it if the true over-limit rate is below 0.24 % or above 2.1 %; "
        "below 299 independent requests HOLDS is not possible"
    ) in text
    assert "at 95 % confidence" in text


def test_too_few_requests_are_said_to_be_too_few(tmp_path: Path) -> None:
    few = SCENARIO.replace("1000", "200")
    code, text = said(tmp_path, "p99(ttft) <= 120ms", scenario=few)
    assert code == 11
    assert "200 requests settle it if the true over-limit rate is above" in text
    assert "below 299 independent requests HOLDS is not possible" in text


def test_correlated_requests_weigh_less(tmp_path: Path) -> None:
    code, text = said(tmp_path, "p99(ttft) <= 120ms", correlation=4)
    assert code == 11
    assert "1,000 requests, of which 4 weigh as one," in text
    assert "below 1,196 requests HOLDS is not possible" in text


def test_requests_of_one_task_are_its_share(tmp_path: Path) -> None:
    _, text = said(tmp_path, "accuracy(commonsense) >= 80%")
    assert "250 requests settle it if the true share of answers without it is below" in text


def test_looking_continually_costs_requests(tmp_path: Path) -> None:
    early = SCENARIO + "stop_when_decided = true\n"
    _, once = said(tmp_path, "p99(ttft) <= 120ms")
    _, often = said(tmp_path, "p99(ttft) <= 120ms", scenario=early)
    assert "below 299 independent" in once
    assert "below 299 independent" not in often


def test_a_level_that_ends_by_time_needs_a_rate(tmp_path: Path) -> None:
    timed = SCENARIO.replace("requests = 1000", 'duration = "2m"')
    _, text = said(tmp_path, "p99(ttft) <= 120ms", scenario=timed)
    assert "cannot be told: the level ends by time, give --rate or --like" in text
    _, text = said(tmp_path, "p99(ttft) <= 120ms", scenario=timed, rate=10.0)
    assert "16 users: 1,200 requests in 2 min" in text


def test_an_earlier_run_gives_rate_correlation_and_spread(tmp_path: Path) -> None:
    waves = [100.0 if n // 50 % 2 else 20.0 for n in range(900)]
    run = write_made_up_run(tmp_path / "run", [MadeUpLevel(users=8, ttft_ms=waves)])
    timed = SCENARIO.replace("requests = 1000", 'duration = "1m"')
    objectives = ("p50(ttft) <= 90ms", "mean(ttft) <= 70ms", "rate(failed) <= 1%")
    _, text = said(tmp_path, *objectives, scenario=timed, like=run)
    assert "16 users: 1,800 requests in 60 s, as at 8 users of the earlier run" in text
    assert "weigh as one, settle it if the true over-limit rate" in text
    assert "settle it if the true mean is below" in text
    assert "1,800 requests settle it if the true rate of failed" in text


def test_what_no_number_of_requests_settles_is_said(tmp_path: Path) -> None:
    _, text = said(tmp_path, "peak(gpu_memory) <= 10GB", "mean(e2e) <= 4s")
    assert "is judged as sampled: HOLDS or BROKEN, without an interval" in text
    assert "how far values lie apart is not known, give --like" in text


def test_without_objectives_nothing_is_to_be_settled(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"objectives: missing; nothing is to be settled"):
        said(tmp_path)


def test_a_rate_and_an_earlier_run_are_not_given_both(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="--rate: not with --like"):
        said(tmp_path, "p99(ttft) <= 1s", rate=1.0, like=tmp_path)
