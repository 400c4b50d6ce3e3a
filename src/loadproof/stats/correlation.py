"""How much a series of requests repeats itself: neighbours in a queue see the same queue."""

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft

from loadproof.stats.percentiles import FloatArray


def autocovariances(values: FloatArray) -> FloatArray:
    """The autocovariances of a series at lags 0 to n - 1, each divided by n."""
    n = len(values)
    padded = next_fast_len(2 * n, real=True)
    spectrum = rfft(values - values.mean(), padded)
    covariances: FloatArray = irfft(np.abs(spectrum) ** 2, padded)[:n] / n
    return covariances


def correlation_requests(values: FloatArray) -> float:
    """How many requests weigh as much as one independent one: 1 + 2 * the sum of autocorrelations.

    The variance of the mean of n requests is this times what independent ones would give. Sums of
    neighbouring autocovariances are added up as long as they are positive, and kept from rising
    (the initial monotone sequence). At least 1, and 1 for a series that is constant.

    Source: Geyer, "Practical Markov chain Monte Carlo", Statistical Science 7 (1992), section 3.3.
    """
    if len(values) < 4 or values.min() == values.max():
        return 1.0
    covariances = autocovariances(values)
    even = len(covariances) // 2 * 2
    pairs = covariances[:even:2] + covariances[1:even:2]
    negative = np.flatnonzero(pairs <= 0)
    kept = np.minimum.accumulate(pairs[: negative[0]] if len(negative) else pairs)
    return max(float(2 * kept.sum() / covariances[0] - 1), 1.0)
