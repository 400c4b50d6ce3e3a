"""The search for the capacity as a pure policy: what is known goes in, the next visit comes out."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest
from scipy.stats import beta, binom

from loadproof.analysis.capacity.belief import Belief, levels_between
from loadproof.analysis.capacity.policy import (
    SHARES,
    Bracket,
    Finish,
    Move,
    Purpose,
    Visit,
    next_move,
)
from loadproof.analysis.capacity.steering import Leaning
from loadproof.model.search import Search
from loadproof.model.verdict import Ruling

SEARCH = Search(users=(1, 256))
ALLOWED = 0.05
HOLDING, BREAKING, OPEN = Leaning(0.9, 0.9, 0.05), Leaning(0, 0, 1), Leaning(0.5, 0.5, 0.5)
GLANCED = Visit(1, Purpose.GLANCE, 50, HOLDING)


def searched(share_over: Callable[[int], float], seed: int = 0) -> tuple[list[Visit], Finish]:
    """A search on levels where requests are over the limit independently, at a known share."""
    generator = np.random.default_rng(seed)
    visits: list[Visit] = []
    while True:
        move = next_move(SEARCH, 0.95, visits, elapsed_s=0.0)
        if isinstance(move, Finish):
            return visits, move
        visits.append(visited(move, share_over(move.level), generator))


def visited(move: Move, share: float, generator: np.random.Generator) -> Visit:
    n = min(move.requests, 600)
    over = int(generator.binomial(n, share))
    miss = 1 - move.confidence
    ruling = Ruling.INCONCLUSIVE
    if move.purpose.is_claim and binom.cdf(over, n, ALLOWED) <= miss:
        ruling = Ruling.HOLDS
    elif move.purpose.is_claim and binom.sf(over - 1, n, ALLOWED) <= miss:
        ruling = Ruling.BROKEN
    below = [float(beta.cdf(at, over + 0.5, n - over + 0.5)) for at in (ALLOWED, 0.03, 0.08)]
    return Visit(move.level, move.purpose, n, Leaning(below[0], below[1], 1 - below[2]), ruling)


def steep(capacity: int) -> Callable[[int], float]:
    return lambda level: 0.005 if level <= capacity else 0.3


@pytest.mark.parametrize("capacity", [1, 2, 7, 24, 55, 100, 200])
def test_the_capacity_lies_within_the_bracket_that_is_found(capacity: int) -> None:
    visits, finish = searched(steep(capacity))
    bracket = Bracket.of(visits)
    assert bracket.holds is not None
    assert bracket.broken is not None
    assert bracket.holds <= capacity < bracket.broken
    assert bracket.is_narrow(SEARCH.resolution)
    assert "narrow" in finish.why


def test_a_doubtful_region_stays_between_what_holds_and_what_is_broken() -> None:
    def gradual(level: int) -> float:
        return min(0.05 * (level / 50) ** 2, 1.0)

    found = [Bracket.of(searched(gradual, seed)[0]) for seed in range(40)]
    wrong = [b for b in found if (b.holds or 0) > 50 or (b.broken or 256) <= 50]
    assert len(wrong) <= 3
    assert sum(bracket.holds is not None and bracket.broken is not None for bracket in found) > 35


def test_everything_holds_up_to_the_highest_level() -> None:
    visits, finish = searched(lambda level: 0.0)
    assert Bracket.of(visits) == Bracket(256, None)
    assert finish.why == "the highest level holds"
    assert [v.level for v in visits][:4] == [1, 2, 4, 8]


def test_the_lowest_level_is_broken() -> None:
    visits, finish = searched(lambda level: 0.9)
    assert Bracket.of(visits) == Bracket(None, 1)
    assert finish.why == "the lowest level is broken"
    assert {visit.level for visit in visits} == {1}


def test_no_level_is_doubled_past_one_that_is_likely_to_be_broken() -> None:
    visits, _ = searched(steep(20))
    assert max(visit.level for visit in visits) <= 40


def test_all_claims_together_may_be_wrong_no_more_often_than_the_scenario_says() -> None:
    assert sum(share for of_kind in SHARES.values() for share in of_kind) <= 1
    visits = [Visit(1, Purpose.GLANCE, 10, HOLDING), Visit(40, Purpose.GLANCE, 10, BREAKING)]
    spent = []
    while isinstance(move := next_move(SEARCH, 0.95, visits, 0.0), Move):
        if move.purpose.is_claim:
            spent.append(1 - move.confidence)
        visits.append(Visit(move.level, move.purpose, 10, OPEN))
    assert len(spent) == sum(map(len, SHARES.values()))
    assert sum(spent) <= 0.05 + 1e-12


@pytest.mark.parametrize(
    ("search", "visits", "elapsed_s", "why"),
    [
        (
            Search(requests=50),
            [GLANCED],
            0.0,
            "its budget of 50 requests",
        ),
        (Search(duration="60s"), [GLANCED], 60.0, "its time is up"),
        (
            SEARCH,
            [Visit(1, Purpose.GLANCE, 50, OPEN, invalid=True)],
            0.0,
            "the load generator is the bottleneck at the lowest level already",
        ),
        (
            SEARCH,
            [
                Visit(8, Purpose.SHOW_HOLDS, 500, HOLDING, Ruling.HOLDS),
                Visit(9, Purpose.GLANCE, 50, OPEN, invalid=True),
            ],
            0.0,
            "above this the load generator is the bottleneck",
        ),
    ],
)
def test_a_search_ends_with_what_it_has(
    search: Search, visits: list[Visit], elapsed_s: float, why: str
) -> None:
    finish = next_move(search, 0.95, visits, elapsed_s)
    assert isinstance(finish, Finish)
    assert why in finish.why


def test_a_visit_costs_no_more_than_what_is_left_of_the_budget() -> None:
    move = next_move(Search(requests=55, duration="60s"), 0.95, [GLANCED], 55)
    assert isinstance(move, Move)
    assert (move.requests, move.duration_s) == (5, 5)


@pytest.mark.parametrize(("lowest", "highest"), [(1, 1), (1, 512), (7, 9), (100, 4096)])
def test_levels_lie_as_close_as_is_asked_for(lowest: int, highest: int) -> None:
    levels = levels_between(lowest, highest, 0.2)
    assert (levels[0], levels[-1]) == (lowest, highest)
    for below, above in pairwise(levels):
        assert below < above <= max(below + 1, below * 1.1)


def test_belief_moves_to_where_the_visits_say() -> None:
    levels = levels_between(1, 64, 0.2)
    belief = Belief.of(levels, [(8, 0.99), (33, 0.02)])
    assert belief.holds(4) > belief.holds(8) > 0.95
    assert belief.holds(33) < 0.05
    assert 8 < belief.median() < 33
    assert belief.weights.sum() == pytest.approx(1)
