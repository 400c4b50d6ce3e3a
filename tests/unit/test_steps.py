"""Phases of a load step, in virtual time."""

from dataclasses import replace

import pytest

from loadproof.load.steps import CUT_WITHIN_S, Phase, Situation, next_phase
from loadproof.model.scenario import Step

STEP = Step(index=0, users=4, duration_s=20.0, requests=None, warmup_s=3.0, grace_s=5.0)
CALM = Situation(
    now_s=100.0,
    since_s=100.0,
    users_ready=False,
    spent=False,
    decided=False,
    idle=False,
    stopping=False,
    hurry=False,
)


def after(elapsed_s: float, **changes: bool) -> Situation:
    return replace(CALM, now_s=CALM.since_s + elapsed_s, **changes)


@pytest.mark.parametrize(
    ("phase", "situation", "wanted"),
    [
        (Phase.SPAWN, after(60), None),
        (Phase.SPAWN, after(0, users_ready=True), Phase.WARMUP),
        (Phase.WARMUP, after(2.9, users_ready=True), None),
        (Phase.WARMUP, after(3.0, users_ready=True), Phase.MEASURE),
        (Phase.MEASURE, after(19.9), None),
        (Phase.MEASURE, after(20.0), Phase.DRAIN),
        (Phase.MEASURE, after(1.0, spent=True), Phase.DRAIN),
        (Phase.MEASURE, after(1.0, decided=True), Phase.DRAIN),
        (Phase.WARMUP, after(1.0, decided=True), None),
        (Phase.DRAIN, after(4.9), None),
        (Phase.DRAIN, after(0.1, idle=True), Phase.OVER),
        (Phase.DRAIN, after(5.0), Phase.CUT),
        (Phase.CUT, after(0.1), None),
        (Phase.CUT, after(0.1, idle=True), Phase.OVER),
        (Phase.CUT, after(CUT_WITHIN_S), Phase.OVER),
        (Phase.OVER, after(1000, idle=True, stopping=True), None),
    ],
)
def test_a_phase_gives_way_when_its_time_has_come(
    phase: Phase, situation: Situation, wanted: Phase | None
) -> None:
    assert next_phase(phase, STEP, situation) is wanted


@pytest.mark.parametrize("phase", [Phase.SPAWN, Phase.WARMUP, Phase.MEASURE])
def test_a_stop_lets_requests_end_unless_it_is_in_a_hurry(phase: Phase) -> None:
    assert next_phase(phase, STEP, after(0.1, stopping=True)) is Phase.DRAIN
    assert next_phase(phase, STEP, after(0.1, stopping=True, hurry=True)) is Phase.CUT


def test_a_hurry_ends_the_grace_period() -> None:
    assert next_phase(Phase.DRAIN, STEP, after(0.1, stopping=True, hurry=True)) is Phase.CUT


def test_a_step_without_warmup_measures_as_soon_as_all_users_run() -> None:
    step = replace(STEP, warmup_s=0.0)
    assert next_phase(Phase.SPAWN, step, after(0.0, users_ready=True)) is Phase.MEASURE


def test_a_step_of_requests_alone_lasts_until_they_are_spent() -> None:
    step = replace(STEP, duration_s=None, requests=100)
    assert next_phase(Phase.MEASURE, step, after(1e6)) is None
    assert next_phase(Phase.MEASURE, step, after(1.0, spent=True)) is Phase.DRAIN
