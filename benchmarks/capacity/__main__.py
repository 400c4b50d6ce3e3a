"""`python -m benchmarks.capacity`: both searches on servers whose true capacity is known.

A search is right where the level that it says holds does, and the level that it says is broken is,
by runs of 60,000 requests a level.
"""

import argparse
from collections.abc import Callable, Sequence
from statistics import fmean

from benchmarks.capacity.searches import Found, fixed, ours
from benchmarks.capacity.shapes import SHAPES, Shape
from benchmarks.capacity.truth import holding_levels
from loadproof.model.scenario import Scenario

Searching = Callable[[Shape, Scenario, int], Found]


def main() -> None:
    """Runs both searches `--runs` times on each shape and prints a row each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity")
    parser.add_argument("--runs", type=int, default=100, help="seeded searches of each kind")
    parser.add_argument("--highest", type=int, default=256, help="users that may be tried")
    options = parser.parse_args()
    print("| server and objectives | truth | search | right | no interval | broken/holds |", end="")
    print(" visits | requests measured | with warm-up | of the fixed one's |")
    print("|---|---|---|--:|--:|--:|--:|--:|--:|--:|")
    for shape in SHAPES:
        show(shape, shape.scenario(options.highest), options.highest, range(options.runs))


def show(shape: Shape, scenario: Scenario, highest: int, seeds: Sequence[int]) -> None:
    """The rows of one shape."""
    assert scenario.search is not None, "the scenario has no steps"
    truth = holding_levels(shape, highest, scenario.search.resolution)
    holds = max((level for level, holding in truth.items() if holding), default=0)
    broken = min((level for level, holding in truth.items() if not holding), default=0)
    searches: tuple[tuple[str, Searching], ...] = (("fixed", fixed), ("capacity", ours))
    base = 0.0
    for name, search in searches:
        found = [search(shape, scenario, seed) for seed in seeds]
        right = sum(is_right(one, truth) for one in found)
        both = [one.broken / one.holds for one in found if one.holds and one.broken]
        requests = fmean(one.requests for one in found)
        base = base or requests
        print(
            f"| {shape.name} | {holds} / {broken} | {name} | {right} of {len(found)} "
            f"| {len(found) - len(both)} | {fmean(both) if both else 0:.2f} "
            f"| {fmean(one.levels for one in found):.1f} | {requests:,.0f} "
            f"| {fmean(one.requests + one.warmup for one in found):,.0f} "
            f"| {100 * requests / base:.0f} % |",
            flush=True,
        )


def is_right(found: Found, truth: dict[int, bool]) -> bool:
    """Whether what is said to hold holds, and what is said to be broken is."""
    held = found.holds is None or truth[found.holds]
    return held and (found.broken is None or not truth[found.broken])


if __name__ == "__main__":
    main()
