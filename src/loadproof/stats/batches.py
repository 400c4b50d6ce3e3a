"""Bounds for a rate over time, from the means of batches of that time."""

import math
from dataclasses import dataclass

from scipy.stats import t

from loadproof.stats.correlation import correlation_requests
from loadproof.stats.percentiles import FloatArray

MOST = 16
"""Batches. More of them say little more, and shorter ones depend on each other more: Schmeiser,
"Batch size effects in the analysis of simulation output", Operations Research 30 (1982), advises
10 to 30."""
FEWEST = 8
EVENTS_A_BATCH = 2
"""Fewer completed requests than this in a batch, and its rate says little of the others'."""
FEWEST_EVENTS = FEWEST * EVENTS_A_BATCH
MOST_CORRELATED = 0.9
MOST_TIMES = 1e4
"""Where the search for a longer time gives up: nobody measures for ten thousand times as long."""


@dataclass(frozen=True, slots=True)
class RateBounds:
    """One-sided bounds of a rate, in the unit of the batches; each holds on its own."""

    low: float
    high: float
    mean: float


def number_of(events: int) -> int:
    """Into how many batches a time with `events` completed requests is to be divided; with less
    than FEWEST_EVENTS they are fewer than FEWEST, too few for any claim."""
    return min(max(events // EVENTS_A_BATCH, 1), MOST)


def bounds(rates: FloatArray, confidence: float) -> RateBounds:
    """Of the rate in the long run, from the rates within at least FEWEST batches of equal length.

    Student's t interval of the batch means, widened where neighbouring batches still resemble each
    other: their number is divided by `correlation_requests`, or by what a first-order process with
    their correlation has, if that is more. What changes more slowly than about a tenth of the whole
    time cannot be seen in it.

    Source: batch means as in Law and Kelton, "Simulation Modeling and Analysis", section 9.5.3.
    Raises ValueError for fewer batches.
    """
    n = len(rates)
    if n < FEWEST:
        raise ValueError(f"at least {FEWEST} batches are needed, not {n}")
    per_batch = max(correlation_requests(rates), _first_order(rates))
    effective_n = max(n / per_batch, 2.0)
    mean, error = float(rates.mean()), float(rates.std(ddof=1)) / math.sqrt(effective_n)
    reach = float(t.ppf(confidence, effective_n - 1)) * error
    return RateBounds(mean - reach, mean + reach, mean)


def _first_order(rates: FloatArray) -> float:
    """How many batches weigh as much as one independent one, by the correlation of neighbours.

    (1 + r) / (1 - r) for a first-order process; r of so few batches is too small on average, by
    (1 + 4 r) / n: Marriott and Pope, "Bias in the estimation of autocorrelations", Biometrika 41
    (1954).
    """
    off = rates - rates.mean()
    square = float(off @ off)
    if square == 0:
        return 1.0
    r = float(off[1:] @ off[:-1]) / square
    r = min(max(r + (1 + 4 * r) / len(rates), 0.0), MOST_CORRELATED)
    return (1 + r) / (1 - r)


def more_to_settle(found: RateBounds, limit: float) -> float | None:
    """How many times the time so far it takes on top to tell the rate from `limit`.

    The standard error falls with the square root of the time. None where the rate is the limit, or
    where it would take more than MOST_TIMES.
    """
    distance = abs(found.mean - limit)
    reach = (found.high - found.low) / 2
    more = math.inf if distance == 0 else (reach / distance) ** 2 - 1
    return max(more, 0.0) if more <= MOST_TIMES else None
