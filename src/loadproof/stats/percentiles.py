"""Percentiles of samples by the nearest rank: always a value that was really measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]

_SLACK = 1e-9
"""What q * n may exceed a whole number by through rounding alone (0.07 * 100 does)."""


def rank(quantile: float, n: int) -> int:
    """The nearest rank of a quantile among `n` sorted samples, from 1: the ceiling of q * n.

    It is the smallest rank that at least a share `quantile` of the samples does not exceed.
    Raises ValueError without samples or for a quantile outside [0, 1].
    """
    if n < 1:
        raise ValueError("no samples, no rank")
    if not 0 <= quantile <= 1:
        raise ValueError(f"a quantile has to be from 0 to 1, not {quantile}")
    return min(max(math.ceil(quantile * n - _SLACK), 1), n)


def exact(values: Sequence[float] | FloatArray, quantiles: Sequence[float]) -> list[float]:
    """The given quantiles (0 to 1) of `values` (any order, any unit), each by its nearest rank.

    Raises ValueError without samples.
    """
    ordered = np.sort(np.asarray(values, dtype=np.float64))
    return [float(ordered[rank(quantile, len(ordered)) - 1]) for quantile in quantiles]


@dataclass(frozen=True, slots=True)
class Exceedance:
    """How many of `n` samples are over a limit."""

    n: int
    over: int

    @property
    def share(self) -> float:
        """From 0 to 1; 0 without samples."""
        return self.over / self.n if self.n else 0.0


def exceedance(values: Sequence[float] | FloatArray, limit: float) -> Exceedance:
    """How many of `values` are over `limit`, both in the same unit.

    `p_q(values) <= limit` by the nearest rank is the same statement as `share <= 1 - q`.
    """
    array = np.asarray(values, dtype=np.float64)
    return Exceedance(len(array), int(np.count_nonzero(array > limit)))
