"""How often a throughput at its limit is called HOLDS or BROKEN: each 5 % at most is stated.

    python -m benchmarks.calibration.throughput

Each row is a stream of completed requests whose rate in the long run is known, measured over a
level again and again, and judged by batches of time against just that rate.
"""

import argparse
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from loadproof.stats import batches

FloatArray = NDArray[np.float64]
CONFIDENCE = 0.95
PARTS = 960
"""Into which a level is divided to draw it; 16 divides it."""


def poisson(rng: np.random.Generator, expected: float) -> FloatArray:
    """Requests that complete independently of each other, `expected` in the whole level."""
    return rng.poisson(expected / PARTS, PARTS).astype(np.float64)


def swinging(rng: np.random.Generator, expected: float, share: float) -> FloatArray:
    """The same with a rate that swings by a fifth, and a correlation time of `share` of a level."""
    coefficient = np.exp(-1 / (share * PARTS))
    noise = rng.standard_normal(PARTS)
    noise[1:] *= np.sqrt(1 - coefficient**2)
    swing = np.exp(0.2 * lfilter([1.0], [1.0, -coefficient], noise) - 0.02)
    return rng.poisson(expected / PARTS * swing).astype(np.float64)


def closed_loop(rng: np.random.Generator, users: int, lengths: float) -> FloatArray:
    """`users` whose requests follow each other without pause, `lengths` mean requests long in all;
    each takes a log-normal time."""
    mean = 1 / lengths
    durations = rng.lognormal(-0.125, 0.5, (users, round(4 * lengths) + 40)) * mean
    # Twenty requests of warm-up: all users have begun at once.
    ends = np.cumsum(durations, axis=1) - 20 * mean
    counts, _ = np.histogram(ends, bins=PARTS, range=(0.0, 1.0))
    return counts.astype(np.float64)


STREAMS: dict[str, tuple[float, Callable[[np.random.Generator], FloatArray]]] = {
    "independent, 20 requests": (20, lambda rng: poisson(rng, 20)),
    "independent, 50 requests": (50, lambda rng: poisson(rng, 50)),
    "independent, 1,000 requests": (1000, lambda rng: poisson(rng, 1000)),
    "swinging, 1 % of the level": (3000, lambda rng: swinging(rng, 3000, 0.01)),
    "swinging, 3 % of the level": (3000, lambda rng: swinging(rng, 3000, 0.03)),
    "swinging, 10 % of the level": (3000, lambda rng: swinging(rng, 3000, 0.10)),
    "1 user, 30 requests": (30, lambda rng: closed_loop(rng, 1, 30)),
    "16 users, 6 requests each": (96, lambda rng: closed_loop(rng, 16, 6)),
    "64 users, 30 requests each": (1920, lambda rng: closed_loop(rng, 64, 30)),
}


def judged(counts: FloatArray) -> batches.RateBounds | None:
    """The bounds of one level's stream, as `throughput_objectives` takes them."""
    number = batches.number_of(int(counts.sum()))
    if number < batches.FEWEST:
        return None
    edges = np.linspace(0, PARTS, number + 1)
    until = np.interp(edges, np.arange(PARTS + 1), np.concatenate(([0.0], np.cumsum(counts))))
    return batches.bounds(np.diff(until) * number, CONFIDENCE)


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4000)
    runs = parser.parse_args().runs
    rng = np.random.default_rng(20)
    print(
        f"{'stream':30} {'judged':>7} {'false HOLDS':>12} {'false BROKEN':>13} {'half width':>11}"
    )
    for name, (truth, draw) in STREAMS.items():
        found = [bounds for _ in range(runs) if (bounds := judged(draw(rng))) is not None]
        holds = np.mean([bounds.low >= truth for bounds in found])
        broken = np.mean([bounds.high < truth for bounds in found])
        half = np.median([(bounds.high - bounds.low) / 2 for bounds in found]) / truth
        print(
            f"{name:30} {len(found) / runs:7.0%} {holds:12.1%} {broken:13.1%} {f'± {half:.1%}':>11}"
        )


if __name__ == "__main__":
    main()
