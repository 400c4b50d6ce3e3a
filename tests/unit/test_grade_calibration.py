"""The intervals of answer quality keep their word, on few seeded runs of known quality.

The long version is `python -m benchmarks.calibration.grades`.
"""

import numpy as np
import pytest
from benchmarks.calibration.graded_answers import graded
from benchmarks.calibration.grades import CONFIDENCE, Comparison, coverage, errors
from scipy.stats import binomtest

RUNS = 250


def could_be(hits: int, runs: int, share: float) -> bool:
    """Whether `hits` of `runs` are no surprise, one time in a thousand, where `share` is true."""
    return bool(binomtest(hits, runs, share).pvalue > 0.001)


@pytest.mark.parametrize(("task", "metric"), [("commonsense", "accuracy"), ("medical_qa", "f1")])
@pytest.mark.parametrize("n", [60, 240])
def test_intervals_cover_the_truth_as_often_as_they_say(task: str, metric: str, n: int) -> None:
    answers = graded(task, metric, accuracy=0.86, compliance=0.94)
    found = coverage(answers, n, RUNS, np.random.default_rng(5))
    assert could_be(found.held, RUNS, CONFIDENCE)


@pytest.mark.parametrize(
    ("repeats_itself", "scores"), [(False, False), (True, False), (False, True)]
)
def test_comparisons_err_no_more_often_than_they_say(repeats_itself: bool, scores: bool) -> None:
    same = Comparison("", 120, 4, 0.0, repeats_itself=repeats_itself, scores=scores)
    runs = RUNS // 3 if scores else RUNS
    found = errors(same, runs, np.random.default_rng(6))
    for wrong in (found.called, found.low_above, found.high_below):
        assert wrong <= 0.05 * runs or could_be(wrong, runs, 0.05)


def test_a_drop_is_found() -> None:
    lower = Comparison("", 240, 4, 0.10)
    assert errors(lower, 40, np.random.default_rng(7)).called > 35
