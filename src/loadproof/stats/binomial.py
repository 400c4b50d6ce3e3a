"""Exact intervals for a share, and the sample that would settle which side of a limit it is on."""

from typing import Literal

from scipy.stats import beta

from loadproof.stats.interval import Interval

MOST_TRIALS = 10**9
"""Where the search for a sample size gives up: no load test sends more."""


def interval(
    successes: float, n: float, confidence: float, *, sides: Literal[1, 2] = 2
) -> Interval:
    """The Clopper–Pearson interval for the probability behind `successes` of `n` trials.

    With `sides=2` both bounds hold together at `confidence`; with `sides=1` each bound holds at
    `confidence` on its own, which is what a claim in one direction needs. `successes` and `n` may
    be real-valued, as an effective sample size is (Korn and Graubard 1998). Without trials the
    interval is all of [0, 1].

    Source: Clopper and Pearson, "The use of confidence or fiducial limits illustrated in the case
    of the binomial", Biometrika 26 (1934), in its form by quantiles of the beta distribution.

    Raises ValueError for successes outside [0, n] or a confidence outside (0, 1).
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes has to be from 0 to n={n}, not {successes}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence has to be between 0 and 1, not {confidence}")
    miss = (1 - confidence) / sides
    low = float(beta.ppf(miss, successes, n - successes + 1)) if successes > 0 else 0.0
    high = float(beta.ppf(1 - miss, successes + 1, n - successes)) if successes < n else 1.0
    return Interval(low, high)


def trials_to_settle(share: float, limit: float, confidence: float) -> int | None:
    """The smallest n at which a share observed as `share` is told from `limit`, one-sided.

    Below the limit that is when the upper bound has come down to it, above when the lower bound
    has passed it, each with successes = share * n taken as a real number. None where the share is
    the limit itself, or where more than MOST_TRIALS would be needed.

    With share 0 and limit 0.01 at 95 % confidence: 299, from (1 - limit)^n <= 1 - confidence.
    """
    if share == limit:
        return None

    def settled(n: int) -> bool:
        bounds = interval(min(share * n, n), n, confidence, sides=1)
        return bounds.high <= limit if share < limit else bounds.low > limit

    enough = 1
    while not settled(enough):
        enough *= 2
        if enough > MOST_TRIALS:
            return None
    too_few = enough // 2
    while enough - too_few > 1:
        middle = (enough + too_few) // 2
        if settled(middle):
            enough = middle
        else:
            too_few = middle
    return enough
