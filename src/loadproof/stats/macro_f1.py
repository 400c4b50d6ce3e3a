"""The macro F1 of multiple choice: of each option as the right one, and the mean of those.

An option's F1 is 2 * hits / (times right + times chosen), where a hit is an answer that chose it
and for which it was right. The mean is over the options that are right at least once among the
questions; an answer from which no option could be read chose none. Where several options may be
right each is counted for itself. With one right option a question that is scikit-learn's
f1_score(average="macro") with those options as its labels.

Source: Sokolova and Lapalme, "A systematic analysis of performance measures for classification
tasks", Information Processing and Management 45 (2009).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy.stats import norm

from loadproof.stats import binomial, bootstrap
from loadproof.stats.bootstrap import IntArray, Statistic
from loadproof.stats.interval import Interval
from loadproof.stats.pairing import FEW_QUESTIONS, Pairs
from loadproof.stats.percentiles import FloatArray

_OPTIONS = 26


@dataclass(frozen=True, slots=True)
class ChoicePairs:
    """Options chosen at two levels and right ones, as bits (1 for A, 2 for B, 4 for C …), and the
    question of each pair of answers; all (n,). As `pairing.Pairs` in all else."""

    question: IntArray
    truth: IntArray
    before: IntArray
    after: IntArray

    @property
    def n(self) -> int:
        """Pairs of answers."""
        return len(self.truth)

    @property
    def questions(self) -> int:
        """Different questions among them."""
        return len(np.unique(self.question))

    @property
    def lost(self) -> int:
        """Pairs that were right at the first level alone."""
        return int(np.count_nonzero((self.before == self.truth) & (self.after != self.truth)))

    @property
    def gained(self) -> int:
        """Pairs that are right at the second level alone."""
        return int(np.count_nonzero((self.before != self.truth) & (self.after == self.truth)))

    @property
    def before_value(self) -> float:
        """The macro F1 at the first level."""
        return macro_f1(self.truth, self.before)

    @property
    def after_value(self) -> float:
        """The macro F1 at the second level."""
        return macro_f1(self.truth, self.after)

    @property
    def drop(self) -> float:
        """How much lower it is at the second level."""
        return self.before_value - self.after_value

    def p_value(self) -> float:
        """Two-sided p that it is no different, by the paired bootstrap over questions; of fewer
        than that needs, that of the accuracy."""
        if self.questions < FEW_QUESTIONS:
            return self._accuracy().p_value()
        counts, statistic = self._drop_by_question()
        return bootstrap.achieved_level(bootstrap.replicates(counts, statistic))

    def drop_bounds(self, confidence: float, *, sides: Literal[1, 2] = 2) -> Interval:
        """Bounds of the drop, by the bootstrap over questions.

        From too few, or where no pair differs, which a bootstrap cannot tell from certainty, they
        are those of the accuracy.
        """
        if self.questions < FEW_QUESTIONS or bool(np.all(self.before == self.after)):
            return self._accuracy().drop_bounds(confidence, sides=sides)
        counts, statistic = self._drop_by_question()
        return bootstrap.interval(counts, statistic, confidence, sides=sides)

    def pairs_to_settle(self, limit: float, confidence: float) -> int | None:
        """How many pairs would tell the drop from `limit`, by the bootstrap's spread; None where
        that cannot be said."""
        distance = abs(self.drop - limit)
        if self.n == 0 or distance == 0 or bool(np.all(self.before == self.after)):
            return None
        counts, statistic = self._drop_by_question()
        spread = float(bootstrap.replicates(counts, statistic).std())
        needed = self.n * (float(norm.ppf(confidence)) * spread / distance) ** 2
        return int(np.ceil(needed)) if needed <= binomial.MOST_TRIALS else None

    def _accuracy(self) -> Pairs:
        right = ((chosen == self.truth).astype(float) for chosen in (self.before, self.after))
        return Pairs(self.question, *right)

    def _drop_by_question(self) -> tuple[IntArray, Statistic]:
        """How often each kind of question occurs, and the drop as a statistic of such counts."""
        options = _right_options(self.truth)
        tallies = np.concatenate(
            [_tallies(self.truth, chosen, options) for chosen in (self.before, self.after)], axis=1
        )
        _, index = np.unique(self.question, return_inverse=True)
        by_question = np.zeros((self.questions, tallies.shape[1]))
        np.add.at(by_question, index, tallies)
        kinds, counts = bootstrap.kinds_of(by_question)
        half = kinds.shape[1] // 2

        def drop(drawn: FloatArray) -> FloatArray:
            return _score(drawn @ kinds[:, :half]) - _score(drawn @ kinds[:, half:])

        return counts, drop


def macro_f1(truth: IntArray, chosen: IntArray) -> float:
    """The macro F1 of answers, as bits of the right and the chosen options; 0 without any."""
    if len(truth) == 0:
        return 0.0
    return float(_score(_tallies(truth, chosen, _right_options(truth)).sum(axis=0)[np.newaxis])[0])


def interval(
    truth: IntArray, chosen: IntArray, confidence: float, *, sides: Literal[1, 2] = 2
) -> Interval:
    """The bootstrap interval of the macro F1.

    From fewer answers than FEW_QUESTIONS, or where all are right or all wrong, which a bootstrap
    cannot tell from certainty, it is the exact one of the accuracy.
    """
    right = truth == chosen
    if len(truth) < FEW_QUESTIONS or bool(right.all()) or not bool(np.any(truth & chosen)):
        return binomial.interval(int(right.sum()), len(truth), confidence, sides=sides)
    kinds, counts = bootstrap.kinds_of(_tallies(truth, chosen, _right_options(truth)))

    def score(drawn: FloatArray) -> FloatArray:
        return _score(drawn @ kinds)

    return bootstrap.interval(counts, score, confidence, sides=sides)


def _right_options(truth: IntArray) -> IntArray:
    """The bits of the options that are right at least once."""
    bits = np.int64(1) << np.arange(_OPTIONS, dtype=np.int64)
    return bits[[bool(np.any(truth & bit)) for bit in bits]]


def _tallies(truth: IntArray, chosen: IntArray, options: IntArray) -> FloatArray:
    """A row an answer: of each option whether it was hit, then whether right plus chosen."""
    is_right = (truth[:, np.newaxis] & options) > 0
    is_chosen = (chosen[:, np.newaxis] & options) > 0
    both = is_right.astype(np.float64) + is_chosen
    return np.concatenate([(is_right & is_chosen).astype(np.float64), both], axis=1)


def _score(sums: FloatArray) -> FloatArray:
    """Macro F1 of each row of summed tallies; options that nobody chose or had to are left out."""
    hits, both = np.split(sums, 2, axis=1)
    of_option = np.divide(2 * hits, both, out=np.full_like(hits, np.nan), where=both > 0)
    return np.asarray(np.nanmean(of_option, axis=1))
