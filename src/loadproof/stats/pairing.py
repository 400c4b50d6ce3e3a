"""Whether grades of the same questions differ between two load levels, and by how much.

A pair is one question asked at both levels. Where a question was asked several times, its first
asking at one level is paired with its first at the other, the second with the second, and so on.
Repeated askings of a question may well repeat each other, as they do at temperature 0; so tests
and bounds take the question for the unit, not the asking.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.optimize import brentq
from scipy.stats import binomtest, norm

from loadproof.stats import bootstrap
from loadproof.stats.binomial import MOST_TRIALS
from loadproof.stats.bootstrap import IntArray, Statistic
from loadproof.stats.interval import Interval
from loadproof.stats.percentiles import FloatArray

FEW_QUESTIONS = 30
"""Below this many questions a bootstrap interval is not to be relied on."""

_LARGEST_EXACT = 4_000_000
"""Questions times differences up to which the sign-flip distribution is computed in full."""


@dataclass(frozen=True, slots=True)
class Pairs:
    """Grades from 0 to 1 of the same askings at two levels, and the question of each; all (n,)."""

    question: IntArray
    before: FloatArray
    after: FloatArray

    @property
    def n(self) -> int:
        """Pairs of answers."""
        return len(self.before)

    @property
    def questions(self) -> int:
        """Different questions among them."""
        return len(np.unique(self.question))

    @property
    def drop(self) -> float:
        """How much lower the grade is at the second level, on average over the pairs."""
        return float(np.mean(self.before - self.after)) if self.n else 0.0

    @property
    def binary(self) -> bool:
        """Whether all grades are 0 or 1, as those of a rate are."""
        grades = np.concatenate([self.before, self.after])
        return bool(np.all((grades == 0) | (grades == 1)))

    @property
    def lost(self) -> int:
        """Pairs whose grade is lower at the second level."""
        return int(np.count_nonzero(self.after < self.before))

    @property
    def gained(self) -> int:
        """Pairs whose grade is higher at the second level."""
        return int(np.count_nonzero(self.after > self.before))

    def by_question(self) -> FloatArray:
        """A row a question: the sum of its pairs' drops, and how many pairs it has."""
        _, index = np.unique(self.question, return_inverse=True)
        sums = np.bincount(index, weights=self.before - self.after)
        return np.stack([sums, np.bincount(index)], axis=1).astype(np.float64)


def p_value(pairs: Pairs) -> float:
    """Two-sided p that grades are no different at the two levels: 1 without pairs.

    Of rates McNemar's exact test, of other scores the paired bootstrap over questions.
    """
    if pairs.n == 0:
        return 1.0
    if pairs.binary:
        return mcnemar(np.rint(pairs.by_question()[:, 0]).astype(np.int64))
    kinds, counts = bootstrap.kinds_of(pairs.by_question())
    return bootstrap.achieved_level(bootstrap.replicates(counts, _mean_drop(kinds)))


def mcnemar(net: IntArray) -> float:
    """Two-sided exact p from each question's net loss: how often its answer got worse, less how
    often it got better.

    Where no level makes a difference, each net loss is as likely as the same gain. Their sum is
    compared with its distribution over all signs. With one asking a question that is McNemar's
    exact test, a binomial one of the discordant pairs; with several it is the same test with the
    question as the unit.

    Source: McNemar, "Note on the sampling error of the difference between correlated proportions
    or percentages", Psychometrika 12 (1947); for several askings the sign-flip permutation test
    of Fisher, The Design of Experiments (1935), section 21.
    """
    sizes = np.abs(net[net != 0])
    if len(sizes) == 0:
        return 1.0
    total = abs(int(net.sum()))
    if sizes.max() == 1:
        return float(binomtest((len(sizes) + total) // 2, len(sizes)).pvalue)
    reach = int(sizes.sum())
    if reach * len(sizes) > _LARGEST_EXACT:  # so many that their sum is normal to all digits shown
        return float(2 * norm.sf((total - 0.5) / math.sqrt(float(np.sum(sizes**2)))))
    chances = np.zeros(2 * reach + 1)
    chances[reach] = 1.0
    for size in sizes.tolist():
        chances = (np.roll(chances, size) + np.roll(chances, -size)) / 2
    return min(2 * float(chances[reach + total :].sum()), 1.0) if total else 1.0


def drop_bounds(pairs: Pairs, confidence: float, *, sides: Literal[1, 2] = 2) -> Interval:
    """Bounds of the drop from the first level to the second: from -1 to 1, both without pairs.

    With `sides=1` each bound holds at `confidence` on its own. Of rates they are Tango's score
    bounds, with the numbers of pairs divided by `design_effect`. Of other scores they are those
    of the BCa bootstrap over questions; where all differences are the same, or from fewer
    questions than the bootstrap needs, Tango's with each pair's gain and loss as successes, as no
    scores from 0 to 1 vary more than zeros and ones with the same sums do.
    """
    if pairs.n == 0:
        return Interval(-1.0, 1.0)
    if not pairs.binary:
        kinds, counts = bootstrap.kinds_of(pairs.by_question())
        if len(kinds) > 1 and counts.sum() >= FEW_QUESTIONS:
            return bootstrap.interval(counts, _mean_drop(kinds), confidence, sides=sides)
    away = pairs.before - pairs.after
    lost, gained = float(away[away > 0].sum()), float(-away[away < 0].sum())
    effect = design_effect(pairs)
    return score_bounds(lost / effect, gained / effect, pairs.n / effect, confidence, sides=sides)


def design_effect(pairs: Pairs) -> float:
    """By how much repeated askings inflate the variance of the drop, at least 1.

    The variance with the question as the unit over that with the pair as the unit. 1 where no
    question was asked twice, and where nothing differs, so that nothing can be seen to repeat.

    Source: Kish, Survey Sampling (1965), section 5.4; for paired proportions Yang, Sun and Hardin,
    "Confidence intervals for the difference of marginal probabilities in clustered matched-pair
    binary data", Pharmaceutical Statistics 11 (2012).
    """
    rows = pairs.by_question()
    if len(rows) in (0, 1, pairs.n):
        return 1.0
    away = pairs.before - pairs.after
    by_pair = float(np.sum((away - away.mean()) ** 2))
    if by_pair == 0:
        return 1.0
    by_question = float(np.sum((rows[:, 0] - rows[:, 1] * away.mean()) ** 2))
    by_question *= len(rows) / (len(rows) - 1)
    return max(by_question / by_pair, 1.0)


def score_bounds(
    lost: float, gained: float, n: float, confidence: float, *, sides: Literal[1, 2] = 2
) -> Interval:
    """Bounds of a drop of a rate, where of `n` pairs `lost` got worse and `gained` got better.

    All three may be real-valued, as an effective sample size is.

    Source: Tango, "Equivalence test and confidence interval for the difference in proportions for
    the paired-sample design", Statistics in Medicine 17 (1998), by the score with the variance at
    the supposed drop.
    """
    z = float(norm.ppf(1 - (1 - confidence) / sides))
    observed = (lost - gained) / n

    def excess(drop: float) -> float:
        """How far the observed drop lies above `drop`, in standard errors."""
        variance = n * (2 * _gain_at(drop, lost, gained, n) + drop * (1 - drop))
        away = lost - gained - n * drop
        if variance > 1e-300:
            return away / math.sqrt(variance)
        return math.copysign(math.inf, away) if away else 0.0

    nearly = 1 - 1e-12
    low = high = observed
    if observed > -nearly:
        low = _crossing(lambda drop: excess(drop) - z, -nearly, observed)
    if observed < nearly:
        high = _crossing(lambda drop: excess(drop) + z, observed, nearly)
    return Interval(low, high)


def pairs_to_settle(pairs: Pairs, limit: float, confidence: float) -> int | None:
    """How many pairs would tell the drop from `limit`, one-sided, at what was observed.

    None where the drop is the limit itself, where more than MOST_TRIALS would be needed, or
    without pairs to tell anything from.
    """
    if pairs.n == 0 or pairs.drop == limit:
        return None
    growth = 1.0
    away = pairs.before - pairs.after
    lost, gained = float(away[away > 0].sum()), float(-away[away < 0].sum())
    effect = design_effect(pairs)

    def settled(factor: float) -> bool:
        scale = factor / effect
        bounds = score_bounds(lost * scale, gained * scale, pairs.n * scale, confidence, sides=1)
        return bounds.high <= limit if pairs.drop < limit else bounds.low > limit

    while not settled(growth):
        growth *= 2
        if growth * pairs.n > MOST_TRIALS:
            return None
    too_few = growth / 2
    while growth / too_few > 1.001:
        middle = math.sqrt(growth * too_few)
        if settled(middle):
            growth = middle
        else:
            too_few = middle
    return math.ceil(growth * pairs.n)


def holm(p_values: list[float]) -> list[float]:
    """Each p adjusted for all of them being looked at, so that none errs more often than it says.

    Source: Holm, "A simple sequentially rejective multiple test procedure", Scandinavian Journal
    of Statistics 6 (1979).
    """
    adjusted = [1.0] * len(p_values)
    worst = 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        worst = max(worst, min((len(p_values) - rank) * p_values[index], 1.0))
        adjusted[index] = worst
    return adjusted


def _mean_drop(kinds: FloatArray) -> Statistic:
    """The mean drop over pairs, where each kind of question has a sum of drops and pairs."""

    def mean_drop(counts: FloatArray) -> FloatArray:
        return np.asarray((counts @ kinds[:, 0]) / (counts @ kinds[:, 1]))

    return mean_drop


def _gain_at(drop: float, lost: float, gained: float, n: float) -> float:
    """The most likely probability of a gain, were the true drop `drop`."""
    a, b, c = 2 * n, -lost - gained + (2 * n - lost + gained) * drop, -gained * drop * (1 - drop)
    return max((math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a), 0.0)


def _crossing(function: Callable[[float], float], low: float, high: float) -> float:
    """Where a falling function crosses 0 between two points; the nearer end where it does not."""
    if function(low) <= 0:
        return low
    if function(high) >= 0:
        return high
    return float(brentq(function, low, high, xtol=1e-9))
