"""What a number of requests can settle, and how many more would settle what is open."""

import math

from scipy.stats import beta, binom

from loadproof.stats import binomial


def settles(
    n: float,
    limit_share: float,
    confidence: float,
    correlation_requests: float = 1.0,
    power: float = 0.9,
) -> tuple[float | None, float | None]:
    """The true shares over the limit that `n` requests settle with probability `power`.

    Below the first one HOLDS is found that often, above the second one BROKEN, where
    `limit_share` is allowed. None where no verdict of that kind is possible with so few.
    """
    effective_n = math.floor(n / correlation_requests)
    if effective_n < 1:
        return None, None
    most = _most_that_holds(effective_n, limit_share, confidence)
    low = None
    if most is not None:
        low = float(beta.ppf(1 - power, most + 1, effective_n - most))
    least = _least_that_breaks(effective_n, limit_share, confidence)
    high = None
    if least is not None:
        high = float(beta.ppf(power, least, effective_n - least + 1))
    return low, high


def requests_to_settle(
    share: float, limit_share: float, confidence: float, correlation_requests: float = 1.0
) -> int | None:
    """The smallest number of requests at which a share observed as `share` is told from the limit.

    None where the share is the limit itself or no test would be long enough.
    """
    trials = binomial.trials_to_settle(share, limit_share, confidence)
    return None if trials is None else math.ceil(trials * correlation_requests)


def _most_that_holds(n: int, limit_share: float, confidence: float) -> int | None:
    """The most of n over the limit with which HOLDS is said; None where not even 0 suffices."""
    most = int(binom.ppf(1 - confidence, n, limit_share))
    while most >= 0 and binom.cdf(most, n, limit_share) > 1 - confidence:
        most -= 1
    return most if most >= 0 else None


def _least_that_breaks(n: int, limit_share: float, confidence: float) -> int | None:
    least = int(binom.isf(1 - confidence, n, limit_share)) + 1
    while least <= n and binom.sf(least - 1, n, limit_share) > 1 - confidence:
        least += 1
    return least if least <= n else None
