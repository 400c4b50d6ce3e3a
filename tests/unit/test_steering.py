"""What a visit makes likely of a level, from samples whose distribution is known."""

from pathlib import Path

import numpy as np
import pytest

from loadproof.analysis.capacity.policy import Purpose
from loadproof.analysis.capacity.visit import Says, may_end, says
from loadproof.analysis.samples import level_samples
from loadproof.model.scenario import Scenario
from loadproof.model.verdict import Ruling
from loadproof.recording.reader import read_run
from loadproof.stats.percentiles import FloatArray
from unit.made_up_run import MadeUpLevel, write_made_up_run


def said(
    tmp_path: Path,
    ttft_ms: FloatArray,
    *objectives: str,
    confidence: float | None = None,
) -> Says:
    run = read_run(write_made_up_run(tmp_path / "run", [MadeUpLevel(8, ttft_ms.tolist())]))
    scenario = Scenario.model_validate(
        {
            "name": "s",
            "traffic": [{"task": "chat"}],
            "objectives": [{"require": text} for text in objectives],
            "capacity": {},
        }
    )
    (level,) = level_samples(run, scenario)
    return says(level, scenario.parsed_objectives(), scenario, confidence)


def lognormal(
    n: int, median_ms: float, seed: int = 0
) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.random.default_rng(seed).lognormal(np.log(median_ms), 0.3, n)


@pytest.mark.parametrize(
    ("median_ms", "holds"), [(30.0, True), (45.0, True), (60.0, False), (120.0, False)]
)
def test_few_requests_tell_a_p99_that_they_cannot_count(
    tmp_path: Path, median_ms: float, holds: bool
) -> None:
    """The true p99 of a log-normal with 0.3 is twice its median."""
    leaning = said(tmp_path, lognormal(80, median_ms), "p99(ttft) <= 100ms").leaning
    assert (leaning.holds > 0.5) is holds
    assert leaning.clearly_holds <= leaning.holds
    assert leaning.clearly_broken <= 1 - leaning.holds + 1e-9


def test_what_is_counted_outweighs_the_distribution(tmp_path: Path) -> None:
    values = lognormal(100, 20.0)
    values[::10] = 500.0
    assert said(tmp_path, values, "p99(ttft) <= 100ms").leaning.holds < 0.05


def test_the_worst_objective_decides(tmp_path: Path) -> None:
    values = lognormal(200, 30.0)
    objectives = ("p90(ttft) <= 100ms", "mean(ttft) <= 20ms", "rate(failed) <= 5%")
    found = said(tmp_path, values, *objectives)
    assert found.leaning.holds < 0.05
    assert found.leaning.clearly_broken > 0.95
    assert found.broken == ("mean(ttft) <= 20ms",)


def test_only_a_claim_rules(tmp_path: Path) -> None:
    values = lognormal(300, 10.0)
    objective = "p90(ttft) <= 100ms"
    assert said(tmp_path, values, objective).ruling is Ruling.INCONCLUSIVE
    claim = said(tmp_path / "claim", values, objective, confidence=0.985)
    assert claim.ruling is Ruling.HOLDS


def test_any_of_several_objectives_breaks_a_level(tmp_path: Path) -> None:
    values = lognormal(300, 200.0)
    found = said(tmp_path, values, "p90(ttft) <= 100ms", "p90(e2e) <= 10s", confidence=0.985)
    assert found.ruling is Ruling.BROKEN
    assert found.broken == ("p90(ttft) <= 100ms",)


def test_a_visit_ends_when_it_has_served_its_purpose(tmp_path: Path) -> None:
    sure = said(tmp_path, lognormal(50, 10.0), "p90(ttft) <= 100ms")
    assert may_end(Purpose.GLANCE, sure, 100, users=50)
    assert not may_end(Purpose.PROBE, sure, 100, users=50)
    assert may_end(Purpose.PROBE, sure, 50, users=50)
    assert not may_end(Purpose.SHOW_HOLDS, sure, 1000, users=5)
    doubtful = said(tmp_path / "more", lognormal(400, 68.0), "p90(ttft) <= 100ms")
    assert may_end(Purpose.SHOW_HOLDS, doubtful, 1000, users=5)
