"""How much a series of requests repeats itself: neighbours in a queue see the same queue."""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from loadproof.stats.percentiles import FloatArray

_GROUPED = 4
_LEAST_GROUPS = 100
"""Below this many groups of requests their correlation is noise."""


def correlation_requests(values: FloatArray) -> float:
    """How many requests in a row weigh as much as one that depends on no other.

    It is 1 + 2 * the sum of all autocorrelations: the variance of the mean of n requests is this
    many times what n independent ones would give. At least 1, and 1 for a constant series.

    Weak correlation that lasts long, as of bursts, drowns in noise lag by lag. So the same is
    asked of groups of 4, 16, 64 … requests, whose sums show it better, and the largest answer
    counts, each taken at the lower end of its own standard error (sqrt(6 / groups), of Geyer's
    estimate in white noise).
    """
    n = len(values)
    if n == 0 or values.min() == values.max():
        return 1.0
    # Single precision suffices for a sum of which two digits are wanted, and takes half the time.
    sums = (values - values.mean()).astype(np.float32)
    variance = float(sums @ sums) / n
    if variance == 0:  # less than single precision can tell
        return 1.0
    largest = _long_run_variance(sums) / variance
    size = 1
    while len(sums) // _GROUPED >= _LEAST_GROUPS:
        size *= _GROUPED
        groups = len(sums) // _GROUPED
        sums = sums[: groups * _GROUPED].reshape(groups, _GROUPED) @ np.ones(_GROUPED, np.float32)
        careful = groups / (groups - 1) * math.exp(-math.sqrt(6 / groups))
        largest = max(largest, careful * _long_run_variance(sums) / (size * variance))
    return max(largest, 1.0)


def _long_run_variance(values: NDArray[np.float32]) -> float:
    """The sum of the autocovariances over all lags, of both signs.

    Sums of neighbouring autocovariances are added up as long as they are positive, and kept from
    rising (the initial monotone sequence), which a finite series would else let go on in noise.

    Source: Geyer, "Practical Markov chain Monte Carlo", Statistical Science 7 (1992), section 3.3.
    """
    n = len(values)
    padded = next_fast_len(2 * n, real=True)
    spectrum = rfft(values - values.mean(), padded)
    covariances = irfft(spectrum.real**2 + spectrum.imag**2, padded)[:n] / n
    even = n // 2 * 2
    pairs = covariances[:even:2] + covariances[1:even:2]
    negative = np.flatnonzero(pairs <= 0)
    if len(negative):
        pairs = pairs[: negative[0]]
    return max(float(2 * np.minimum.accumulate(pairs).sum() - covariances[0]), 0.0)
