"""Macro F1 of choices: by the definition, with its interval, and between two levels."""

from pathlib import Path

import numpy as np
import pytest

from loadproof.analysis.judge import analyse
from loadproof.model.verdict import Ruling
from loadproof.recording.reader import read_run
from loadproof.stats import binomial, macro_f1
from loadproof.stats.macro_f1 import ChoicePairs
from unit.made_up_run import MadeUpLevel, write_made_up_run

A, B, C = 1, 2, 4


def bits(*options: int) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    return np.array(options, dtype=np.int64)


def test_it_is_the_mean_of_each_options_f1() -> None:
    truth = bits(A, A, A, B, B, C)
    chosen = bits(A, A, B, B, C, C)
    # A: 2 * 2 / (3 + 2), B: 2 * 1 / (2 + 2), C: 2 * 1 / (1 + 2)
    assert macro_f1.macro_f1(truth, chosen) == pytest.approx((0.8 + 0.5 + 2 / 3) / 3)


def test_no_option_read_is_a_miss_and_options_never_right_are_no_class() -> None:
    assert macro_f1.macro_f1(bits(A, A), bits(A, 0)) == pytest.approx(2 / 3)
    assert macro_f1.macro_f1(bits(A, A), bits(A, C)) == pytest.approx(2 / 3)
    assert macro_f1.macro_f1(bits(A, B), bits(0, 0)) == 0
    assert macro_f1.macro_f1(bits(), bits()) == 0


def test_several_right_options_count_one_by_one() -> None:
    # A: right twice, chosen once, hit once; B: right once, chosen twice, hit once
    assert macro_f1.macro_f1(bits(A | B, A), bits(A | B, B)) == pytest.approx(2 / 3)


def random_choices(n: int, share: float, seed: int) -> tuple["np.ndarray", "np.ndarray"]:  # type: ignore[type-arg]
    rng = np.random.default_rng(seed)
    truth = 1 << rng.integers(0, 4, n)
    return truth, np.where(rng.random(n) < share, truth, 1 << rng.integers(0, 4, n))


def test_the_interval_is_about_as_wide_as_that_of_the_accuracy() -> None:
    truth, chosen = random_choices(400, 0.8, 1)
    bounds = macro_f1.interval(truth, chosen, 0.95)
    accuracy = float(np.mean(truth == chosen))
    half = 1.96 * np.sqrt(accuracy * (1 - accuracy) / 400)
    assert bounds.high - bounds.low == pytest.approx(2 * half, rel=0.15)


@pytest.mark.parametrize("chosen", [bits(*[A] * 9), bits(*[A] * 50), bits(*[0] * 50)])
def test_what_a_bootstrap_cannot_tell_has_the_interval_of_the_accuracy(
    chosen: "np.ndarray",  # type: ignore[type-arg]
) -> None:
    right = int(np.sum(chosen == A))
    expected = binomial.interval(right, len(chosen), 0.95)
    assert macro_f1.interval(np.full(len(chosen), A), chosen, 0.95) == expected


def test_a_drop_is_that_of_the_same_questions() -> None:
    truth, before = random_choices(300, 0.9, 2)
    _, other = random_choices(300, 0.0, 3)
    worse = np.where(np.arange(300) % 5 == 0, other, before)
    pairs = ChoicePairs(np.arange(300), truth, before, worse)
    assert pairs.p_value() < 0.01
    bounds = pairs.drop_bounds(0.95)
    assert 0.05 < bounds.low < pairs.drop < bounds.high < 0.25
    same = ChoicePairs(np.arange(300), truth, before, before)
    assert same.p_value() == 1
    assert 0 < same.drop_bounds(0.95).high < 0.02


def test_a_level_reports_it_and_objectives_can_ask_for_it(tmp_path: Path) -> None:
    truth, chosen = random_choices(400, 0.85, 4)
    grades = [
        {"accuracy": float(t == c), "truth": float(t), "chosen": float(c)}
        for t, c in zip(truth, chosen, strict=True)
    ]
    levels = [
        MadeUpLevel(users, [100.0] * 400, task="medical_qa", grades=grades) for users in (1, 8)
    ]
    objectives = [
        "macro_f1(medical_qa) >= 80%",
        "macro_f1(medical_qa) >= 95%",
        "macro_f1(medical_qa) >= 88%",
        "drop(macro_f1(medical_qa)) <= 5%",
    ]
    run = write_made_up_run(tmp_path / "run", levels, objectives=objectives)
    verdict = analyse(read_run(run), run)
    accuracy, macro = verdict.levels[0].qualities
    assert (accuracy.metric, macro.metric) == ("accuracy", "macro_f1")
    assert macro.n == 400
    assert macro.low < macro.mean < macro.high
    assert [change.metric for change in verdict.levels[1].changes] == ["accuracy", "macro_f1"]
    assert [j.ruling for j in verdict.judgements if j.users == 8] == [
        Ruling.HOLDS,
        Ruling.BROKEN,
        Ruling.INCONCLUSIVE,
        Ruling.HOLDS,
    ]
