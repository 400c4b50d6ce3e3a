"""How work flows through a window of time: rates and numbers in progress, from starts and ends."""

import numpy as np

from loadproof.stats.percentiles import FloatArray


def done_by(
    starts: FloatArray, ends: FloatArray, times: FloatArray, weights: FloatArray | None = None
) -> FloatArray:
    """How much work was done by each of `times`, in the unit of `weights` (1 each by default).

    Each piece of work is spread evenly from its start to its end, so that no bin's share depends
    on which side of its edge an end happens to fall. All times in one unit; ends after starts.
    """
    weights = np.ones(len(starts)) if weights is None else weights
    lengths = np.maximum(ends - starts, 1e-12)
    shares = (np.clip((time - starts) / lengths, 0.0, 1.0) for time in times)
    return np.array([float(share @ weights) for share in shares])


def in_progress(starts: FloatArray, ends: FloatArray, begin: float, end: float) -> float:
    """The mean number in progress between `begin` and `end`: the time integral over the time."""
    overlaps = np.clip(np.minimum(ends, end) - np.maximum(starts, begin), 0.0, None)
    return float(overlaps.sum()) / (end - begin)
