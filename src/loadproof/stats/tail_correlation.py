"""How requests over a limit follow each other, also where hardly any have been seen."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from loadproof.stats.correlation import correlation_requests
from loadproof.stats.percentiles import FloatArray

SHARES = (0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 0.0005, 0.0002, 0.0001)
"""Thresholds by the share of the requests that is over them."""

ENOUGH_CLUSTERS = 12
"""Of so many clusters on a threshold their size is taken to be known, to within an allowance."""

_LOST_A_LEVEL = 0.3
"""How fast the growth of the correlation from threshold to threshold is taken to die away."""


@dataclass(frozen=True, slots=True)
class Threshold:
    """A share of the requests and how many in a row weigh as one, as seen by who is among it."""

    share: float
    correlation: float
    clusters: float
    """Independent pieces of evidence above the threshold: n * share / correlation."""

    def careful(self, sigmas: float) -> float:
        """The correlation, with an allowance of so many standard errors.

        An estimate from k clusters is off by a factor of about exp(1 / sqrt(k)), and by less
        where hardly anything is correlated.
        """
        error = (1 - 1 / self.correlation) ** 2 / math.sqrt(self.clusters)
        return self.correlation * math.exp(sigmas * error)


@dataclass(frozen=True, slots=True)
class TailCorrelation:
    """The correlation of "is among the slowest" at several thresholds, from the lowest up.

    Thresholds are shares of the series itself, never a fixed limit: a series that by luck has few
    requests over a limit would show little correlation there as well, and be believed too soon.
    """

    thresholds: tuple[Threshold, ...]

    @classmethod
    def of(cls, values: FloatArray, least_share: float) -> Self:
        """From a series in order of start, at thresholds down to about `least_share` of it.

        Thresholds with too few requests above for any use are left out, and so are those that
        ties make the same.
        """
        n = len(values)
        ordered = np.sort(values)
        found: list[Threshold] = []
        for share in SHARES:
            above = round(n * share)
            deep = bool(found) and (found[-1].clusters < ENOUGH_CLUSTERS or share < least_share)
            if deep or not 0 < above < n:
                break
            is_above = values > ordered[n - above - 1]
            actual = float(np.count_nonzero(is_above)) / n
            if actual in (0.0, *(known.share for known in found)):
                continue
            correlation = correlation_requests(is_above.astype(np.float64))
            found.append(Threshold(actual, correlation, n * actual / correlation))
        return cls(tuple(found))

    def base(self, share: float) -> Threshold | None:
        """The threshold to go by for `share`: the highest one with enough clusters.

        It is at `share` or below, the lowest of all where none has enough; None without any.
        """
        chosen = None
        for threshold in self.thresholds:
            if chosen is None or (
                threshold.share >= share * (1 - 1e-9) and threshold.clusters >= ENOUGH_CLUSTERS
            ):
                chosen = threshold
        return chosen

    def estimate(self, share: float) -> float:
        """How many requests weigh as one, for those over a limit that `share` exceeds.

        Without an allowance for the uncertainty of what was measured.
        """
        base = self.base(share)
        return 1.0 if base is None else base.correlation

    def careful(self, share: float, sigmas: float, *, grows: bool) -> float:
        """The same with an allowance for its uncertainty of so many standard errors.

        With `grows`, where the correlation rose towards the last threshold that is known it is
        taken to go on rising beyond, ever more slowly: in a queue clusters are longer the higher
        one looks, though not without end. (In a Gaussian series they become shorter; that is not
        counted on.)
        """
        base = self.base(share)
        if base is None:
            return 1.0
        careful = base.careful(sigmas)
        beyond = self._beyond(base)
        if beyond is not None and base.share > share:
            # Between two thresholds that are both known it changes evenly.
            way = math.log(base.share / share) / math.log(base.share / beyond.share)
            return careful * math.exp(way * math.log(beyond.careful(sigmas) / careful))
        return careful * (self._growth(base, share) if grows else 1.0)

    def _beyond(self, base: Threshold) -> Threshold | None:
        """The next higher threshold, if it has enough clusters as well."""
        index = self.thresholds.index(base) + 1
        if index == len(self.thresholds) or self.thresholds[index].clusters < ENOUGH_CLUSTERS:
            return None
        return self.thresholds[index]

    def _growth(self, base: Threshold, share: float) -> float:
        index = max(self.thresholds.index(base), 1)
        distance = math.log(base.share / share)
        if index >= len(self.thresholds) or distance <= 0:
            return 1.0
        below, above = self.thresholds[index - 1], self.thresholds[index]
        slope = math.log(above.correlation / below.correlation) / math.log(
            below.share / above.share
        )
        return math.exp(max(slope, 0.0) * -math.expm1(-_LOST_A_LEVEL * distance) / _LOST_A_LEVEL)
