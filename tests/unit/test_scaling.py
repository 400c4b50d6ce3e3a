"""The scaling law: known parameters come back, intervals hold them, and levels check themselves."""

import io
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
import pytest
from rich.console import Console

from loadproof.analysis.judge import analyse
from loadproof.model.scaling import Scaling
from loadproof.model.verdict import RunVerdict
from loadproof.recording.reader import read_run
from loadproof.recording.records import encode_record
from loadproof.recording.writer import RunWriter
from loadproof.report import scaling as worded
from loadproof.report.page import report_html
from loadproof.report.scaling_chart import CHARTS, scaling_svg
from loadproof.report.terminal import print_verdict
from loadproof.report.verdict_json import decode_verdict, encode_verdict
from loadproof.stats.scaling import Fitted, Law, fit
from unit.made_up_run import SECOND_NS, MadeUpLevel, level_begin_ns, record_of, write_made_up_run

LEVELS = np.array([1.0, 4.0, 16.0, 64.0, 128.0])


def fitted(law: Law, seed: int = 1, error: float = 0.02) -> Fitted:
    exact = law.throughput(LEVELS)
    errors = error * exact
    measured = exact + errors * np.random.default_rng(seed).standard_normal(len(exact))
    return fit(LEVELS, measured, errors)


def test_exact_levels_give_the_law_that_they_lie_on() -> None:
    law = Law(5.0, 0.03, 0.0004)
    found = fit(LEVELS, law.throughput(LEVELS), 0.01 * law.throughput(LEVELS)).law
    assert found.alone == pytest.approx(5.0)
    assert found.contention == pytest.approx(0.03)
    assert found.crosstalk == pytest.approx(0.0004)
    assert found.knee == pytest.approx(np.sqrt(0.97 / 0.0004))


def test_a_law_without_crosstalk_has_no_knee() -> None:
    assert Law(5.0, 0.1, 0.0).knee == np.inf


def test_parameters_are_never_negative() -> None:
    faster_than_linear = LEVELS**1.2
    found = fit(LEVELS, faster_than_linear, 0.01 * faster_than_linear)
    assert found.law.contention == found.law.crosstalk == 0
    assert not found.fits


def test_intervals_of_the_knee_hold_the_true_one_about_as_often_as_they_say() -> None:
    law = Law(5.0, 0.03, 0.0004)
    held = 0
    for seed in range(40):
        knees = [drawn.knee for drawn in fitted(law, seed).draws]
        low, high = np.quantile(knees, [0.025, 0.975], method="nearest")
        held += bool(low <= law.knee <= high)
    assert held >= 33


def test_levels_off_any_law_widen_its_intervals_and_are_said_not_to_fit() -> None:
    batch_limit = 5.0 * np.minimum(LEVELS, 16)
    found = fit(LEVELS, batch_limit, 0.002 * batch_limit)
    assert not found.fits
    assert found.stretched > 5
    assert found.misfit > 0.02


def test_fewer_than_four_levels_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 4 levels"):
        fit(LEVELS[:3], LEVELS[:3], LEVELS[:3])


def closed_loop(users: int, latency_ms: float, seed: int) -> list[tuple[float, float]]:
    """(start, latency) in seconds of users that each go on at once, for 30 seconds."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(users):
        at_s = 0.0
        while at_s < 30.0:
            took_s = latency_ms / 1e3 * float(rng.uniform(0.7, 1.3))
            found.append((at_s, took_s))
            at_s += took_s
    return sorted(found)


def verdict_of(
    run: Path, latencies_ms: Sequence[float], *, e2e_factor: float = 1.0, waiting: int | None = None
) -> RunVerdict:
    """The verdict on levels of 1, 2, 4 … users, one for each mean latency."""
    users = [2**k for k in range(len(latencies_ms))]
    gauges = [] if waiting is None else [{"metrics": {"running": 1, "waiting": waiting}}] * 20
    levels = [MadeUpLevel(n, [], telemetry=gauges) for n in users]
    write_made_up_run(run, levels)
    with RunWriter(run) as writer:
        for step, (level, latency_ms) in enumerate(zip(levels, latencies_ms, strict=True)):
            begin_ns = level_begin_ns(step)
            for number, (at_s, took_s) in enumerate(
                closed_loop(users[step], latency_ms, 10 + step)
            ):
                start_ns = begin_ns + round(at_s * SECOND_NS)
                record = record_of(step, number, level, start_ns=start_ns, ttft_ms=50.0)
                record = msgspec.structs.replace(
                    record,
                    end_ns=start_ns + round(took_s * SECOND_NS),
                    e2e_ms=e2e_factor * took_s * 1e3,
                )
                writer.append_records([encode_record(record)])
    return analyse(read_run(run), run)


def scaling_of(verdict: RunVerdict) -> Scaling:
    assert verdict.scaling is not None
    return verdict.scaling


def test_a_run_of_five_levels_gets_a_law_and_a_knee(tmp_path: Path) -> None:
    law = Law(5.0, 0.05, 0.01)
    users = np.array([1.0, 2, 4, 8, 16])
    found = scaling_of(verdict_of(tmp_path / "run", (1e3 * users / law.throughput(users)).tolist()))
    assert found.law is not None
    assert found.law.fits
    assert found.law.knee.low is not None
    assert found.law.knee.high is not None
    assert found.law.knee.low < law.knee < found.law.knee.high
    assert [level.concurrency for level in found.levels] == pytest.approx(users, rel=0.02)
    assert all(level.trouble is None for level in found.levels)
    curve = found.law.curve
    assert {point.measured for point in curve if point.concurrency <= 15.5} == {True}
    assert {point.measured for point in curve if point.concurrency > 17} == {False}
    first, second = worded.lines(found)
    assert "X(N) = " in first
    assert "in flight" in second
    for drawn in CHARTS:
        svg = scaling_svg(drawn, found)
        assert "predicted" in svg
        assert "knee" in svg


def test_every_report_shows_the_law_and_its_knee(tmp_path: Path) -> None:
    run = tmp_path / "run"
    verdict = verdict_of(run, [200.0, 220.0, 270.0, 400.0, 800.0])
    page = report_html(read_run(run), verdict)
    assert "Universal scalability law" in page
    assert 'class="knee"' in page
    printed = io.StringIO()
    print_verdict(verdict, Console(file=printed, width=160))
    assert "law   X(N) = " in printed.getvalue()
    assert "knee  " in printed.getvalue()
    assert decode_verdict(encode_verdict(verdict)).scaling == verdict.scaling


def test_throughput_that_only_levels_off_has_a_knee_without_upper_bound(tmp_path: Path) -> None:
    found = scaling_of(verdict_of(tmp_path / "run", [200.0, 210.0, 230.0, 270.0]))
    assert found.law is not None
    assert found.law.knee.high is None
    text = worded.knee(found.law)
    assert "without an upper bound" in text or "none" in text


def test_three_levels_say_what_is_missing(tmp_path: Path) -> None:
    found = scaling_of(verdict_of(tmp_path / "run", [200.0, 210.0, 230.0]))
    assert found.law is None
    assert found.note == "the scaling law takes 4 load levels, and this run has 3"


def test_latencies_that_contradict_the_number_in_flight_are_a_warning(tmp_path: Path) -> None:
    verdict = verdict_of(tmp_path / "run", [200.0, 210.0], e2e_factor=0.8)
    assert all(level.trouble for level in scaling_of(verdict).levels)
    assert any("by Little's law throughput times latency" in w for w in verdict.warnings)


def test_a_server_that_others_load_too_is_a_warning(tmp_path: Path) -> None:
    verdict = verdict_of(tmp_path / "run", [200.0, 210.0], waiting=9)
    assert any("others load it too" in warning for warning in verdict.warnings)
