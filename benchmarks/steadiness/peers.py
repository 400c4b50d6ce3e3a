"""What others do, to have beside it: MSER-5 by itself, and the Mann–Kendall trend tests."""

import numpy as np
from scipy.stats import kendalltau, norm, rankdata

from loadproof.stats.percentiles import FloatArray
from loadproof.stats.steady_state import BATCH, batch_means, mser

SIGNIFICANT = 0.05


def mser_alone(values: FloatArray) -> int:
    """How many of `values` MSER-5 cuts, on the values themselves, up to half."""
    means = batch_means(values, BATCH)
    return BATCH * mser(means, len(means) // 2)


def mann_kendall(values: FloatArray, *, corrected: bool) -> bool:
    """Whether the Mann–Kendall test finds a trend in the means of five at the 5 % level.

    `corrected`: with the variance of Hamed and Rao, "A modified Mann-Kendall trend test for
    autocorrelated data", Journal of Hydrology 204 (1998): from the autocorrelations of the ranks
    about the trend that are significant at 5 %.
    """
    means = batch_means(values, BATCH)
    n = len(means)
    statistic = float(kendalltau(np.arange(n), means).statistic) * n * (n - 1) / 2
    variance = n * (n - 1) * (2 * n + 5) / 18
    if corrected:
        slope = np.polyfit(np.arange(n), means, 1)
        ranks = rankdata(means - np.polyval(slope, np.arange(n)))
        ranks -= ranks.mean()
        covariances = np.correlate(ranks, ranks, "full")[n - 1 :]
        lags = np.arange(1, n)
        correlations = covariances[1:] / covariances[0]
        correlations[np.abs(correlations) < norm.ppf(1 - SIGNIFICANT / 2) / np.sqrt(n)] = 0.0
        weights = (n - lags) * (n - lags - 1) * (n - lags - 2)
        variance *= max(1 + 2 * float(weights @ correlations) / (n * (n - 1) * (n - 2)), 1e-3)
    return bool(2 * norm.sf(abs(statistic) / np.sqrt(variance)) < SIGNIFICANT)
