"""The interval of a rate as tables show it."""

import math

from scipy.stats import norm

from loadproof.stats.interval import Interval


def interval(successes: float, n: float, confidence: float) -> Interval:
    """Wilson's two-sided score interval for the probability behind `successes` of `n` trials.

    It covers the truth at `confidence` on average, now a little more often and now a little less;
    what has to hold in every case is for `binomial.interval`. Both numbers may be real-valued.
    Without trials the interval is all of [0, 1].

    Source: Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22
    (1927).

    Raises ValueError for successes outside [0, n] or a confidence outside (0, 1).
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes has to be from 0 to n={n}, not {successes}")
    if not 0 < confidence < 1:
        raise ValueError(f"confidence has to be between 0 and 1, not {confidence}")
    if n == 0:
        return Interval(0.0, 1.0)
    z = float(norm.ppf(1 - (1 - confidence) / 2))
    share = successes / n
    middle = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    reach = z / (1 + z**2 / n) * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low = 0.0 if successes == 0 else max(middle - reach, 0.0)
    high = 1.0 if successes == n else min(middle + reach, 1.0)
    return Interval(low, high)
