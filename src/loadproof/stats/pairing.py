"""Whether grades of the same questions differ between two load levels, and by how much.

A pair is one question asked at both levels. Where a question was asked several times, its first
asking at one level is paired with its first at the other, the second with the second, and so on.
Repeated askings of a question may well repeat each other, as they do at temperature 0; so tests
and bounds take the question for the unit, not the asking.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from loadproof.stats import bootstrap
from loadproof.stats.binomial import MOST_TRIALS
from loadproof.stats.bootstrap import IntArray, Statistic
from loadproof.stats.interval import Interval
from loadproof.stats.paired_rates import mcnemar, score_bounds, sign_flip
from loadproof.stats.percentiles import FloatArray

FEW_QUESTIONS = 50
"""Below this many questions a bootstrap is not to be relied on: at 30 its one-sided bounds at 95 %
missed in 5 to 8 % of runs, at 60 in 5 to 6 % (`python -m benchmarks.calibration.grades`)."""


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

    @property
    def before_value(self) -> float:
        """The mean grade at the first level."""
        return float(self.before.mean()) if self.n else 0.0

    @property
    def after_value(self) -> float:
        """The mean grade at the second level."""
        return float(self.after.mean()) if self.n else 0.0

    def by_question(self) -> FloatArray:
        """A row a question: the sum of its pairs' drops, and how many pairs it has."""
        _, index = np.unique(self.question, return_inverse=True)
        sums = np.bincount(index, weights=self.before - self.after)
        return np.stack([sums, np.bincount(index)], axis=1).astype(np.float64)

    def p_value(self) -> float:
        """Two-sided p that grades are no different at the two levels: 1 without pairs.

        Of rates McNemar's exact test, of other scores the paired bootstrap over questions; of
        fewer of those than the bootstrap needs, the sign-flip test.
        """
        if self.n == 0:
            return 1.0
        rows = self.by_question()
        if self.binary:
            return mcnemar(np.rint(rows[:, 0]).astype(np.int64))
        if len(rows) < FEW_QUESTIONS:
            return sign_flip(rows[:, 0])
        kinds, counts = bootstrap.kinds_of(rows)
        return bootstrap.achieved_level(bootstrap.replicates(counts, _mean_drop(kinds)))

    def drop_bounds(self, confidence: float, *, sides: Literal[1, 2] = 2) -> Interval:
        """Bounds of the drop from the first level to the second: from -1 to 1, both without pairs.

        With `sides=1` each bound holds at `confidence` on its own. Of rates they are Tango's score
        bounds, with the numbers of pairs divided by `design_effect`. Of other scores they are those
        of the BCa bootstrap over questions; where all differences are the same, or from fewer
        questions than the bootstrap needs, Tango's with each pair's gain and loss as successes,
        as no scores from 0 to 1 vary more than zeros and ones with the same sums do.
        """
        if self.n == 0:
            return Interval(-1.0, 1.0)
        if not self.binary:
            kinds, counts = bootstrap.kinds_of(self.by_question())
            if len(kinds) > 1 and counts.sum() >= FEW_QUESTIONS:
                return bootstrap.interval(counts, _mean_drop(kinds), confidence, sides=sides)
        away = self.before - self.after
        lost, gained = float(away[away > 0].sum()), float(-away[away < 0].sum())
        effect = design_effect(self)
        return score_bounds(
            lost / effect, gained / effect, self.n / effect, confidence, sides=sides
        )

    def pairs_to_settle(self, limit: float, confidence: float) -> int | None:
        """How many pairs would tell the drop from `limit`, one-sided, at what was observed.

        None where the drop is the limit itself, where more than MOST_TRIALS would be needed, or
        without pairs to tell anything from.
        """
        if self.n == 0 or self.drop == limit:
            return None
        growth = 1.0
        away = self.before - self.after
        lost, gained = float(away[away > 0].sum()), float(-away[away < 0].sum())
        effect = design_effect(self)

        def settled(factor: float) -> bool:
            scale = factor / effect
            bounds = score_bounds(lost * scale, gained * scale, self.n * scale, confidence, sides=1)
            return bounds.high <= limit if self.drop < limit else bounds.low > limit

        while not settled(growth):
            growth *= 2
            if growth * self.n > MOST_TRIALS:
                return None
        too_few = growth / 2
        while growth / too_few > 1.001:
            middle = math.sqrt(growth * too_few)
            if settled(middle):
                growth = middle
            else:
                too_few = middle
        return math.ceil(growth * self.n)


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


def _mean_drop(kinds: FloatArray) -> Statistic:
    """The mean drop over pairs, where each kind of question has a sum of drops and pairs."""

    def mean_drop(counts: FloatArray) -> FloatArray:
        return np.asarray((counts @ kinds[:, 0]) / (counts @ kinds[:, 1]))

    return mean_drop
