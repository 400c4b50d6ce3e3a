"""Which of several models: named where it is settled against each of the others, and only there."""

import pytest

from loadproof.analysis.samples import LevelSamples
from loadproof.analysis.selection import Choice, selection
from unit.made_up_run import MadeUpLevel, record_of
from unit.test_comparison import ttfts


def level_of(
    seed: int, *, users: int = 8, slower: float = 1.0, right: int = 90, n: int = 600
) -> LevelSamples:
    level = MadeUpLevel(users, ttfts(n, seed=seed, slower=slower), task="commonsense")
    records = tuple(
        record_of(0, k, level, ttft_ms=ms, grades={"accuracy": float(k % 100 < right)})
        for k, ms in enumerate(level.ttft_ms)
    )
    memory = ((0, 9e9 * slower), (1, 8e9))
    return LevelSamples(0, users, records, 0, (0, 1), {}, {"gpu_memory": memory}, ended=True)


def rows(*runs: list[LevelSamples]) -> dict[tuple[int, str], Choice]:
    return {(choice.users, choice.metric): choice for choice in selection(runs, 0.95)}


def test_the_best_of_three_is_named_where_it_beats_both() -> None:
    found = rows(
        [level_of(1, slower=1.2)],
        [level_of(2, right=97)],
        [level_of(3, slower=1.3, right=70)],
    )
    assert found[8, "mean(ttft)"].best == 1
    assert found[8, "accuracy"].best == 1
    assert found[8, "accuracy"].task == "commonsense"


def test_two_that_share_the_lead_leave_it_undecided() -> None:
    found = rows([level_of(1)], [level_of(2)], [level_of(3, slower=1.5)])
    assert found[8, "mean(ttft)"].best is None
    assert found[8, "accuracy"].best is None


def test_memory_is_shown_and_settles_nothing() -> None:
    choice = rows([level_of(1)], [level_of(2, slower=2)])[8, "peak(gpu_memory)"]
    assert choice.best is None
    assert [curve.estimate for curve in choice.curves if curve] == [9e9, 18e9]


def test_a_level_that_one_run_lacks_is_shown_for_the_others() -> None:
    found = rows([level_of(1), level_of(4, users=64)], [level_of(2)])
    choice = found[64, "mean(ttft)"]
    assert (choice.curves[1], choice.best) == (None, None)


def test_a_single_run_has_figures_and_no_choice() -> None:
    assert {choice.best for choice in rows([level_of(1, n=100)]).values()} == {None}


@pytest.mark.parametrize("seed", range(5))
def test_equal_models_are_seldom_told_apart(seed: int) -> None:
    found = rows([level_of(10 + 2 * seed)], [level_of(11 + 2 * seed)])
    assert all(choice.best is None for choice in found.values())
