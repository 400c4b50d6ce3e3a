"""`python -m benchmarks.calibration.grades`: how often the intervals of answer quality cover the
truth, and how often paired comparisons err, over many runs of answers of known quality."""

import argparse
from dataclasses import dataclass

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.calibration.graded_answers import Graded, graded
from loadproof.analysis.quality import interval_of
from loadproof.stats import macro_f1, wilson
from loadproof.stats.pairing import Pairs
from loadproof.stats.percentiles import FloatArray

CONFIDENCE = 0.95
METRICS = (
    ("commonsense", "accuracy", 0.892),
    ("medical_qa", "accuracy", 0.864),
    ("medical_qa", "f1", 0.864),
    ("boxed_math", "compliance", 0.84),
    ("boxed_math", "correct", 0.84),
)
COMPLIANCE = 0.943
ANSWERS = (25, 60, 120, 480)
PARTS = (0.0, 0.3, 0.5)
"""What a wrong answer scores, where answers are scored."""


@dataclass(frozen=True, slots=True)
class Coverage:
    """Of `runs` intervals: how many held the truth, and how wide they were on average."""

    runs: int
    held: int
    width: float


def coverage(answers: Graded, n: int, runs: int, rng: np.random.Generator) -> Coverage:
    """The intervals of `runs` levels of `n` answers."""
    bounds = [interval_of(answers.run(rng, n), CONFIDENCE) for _ in range(runs)]
    held = sum(found.low <= answers.truth <= found.high for found in bounds)
    width = float(np.mean([found.high - found.low for found in bounds]))
    return Coverage(runs, held, width)


def macro_coverage(n: int, runs: int, rng: np.random.Generator) -> tuple[float, Coverage]:
    """The true macro F1 of medical choices, and the intervals of `runs` levels of `n` of them."""
    chosen, truth = (
        graded("medical_qa", metric, accuracy=0.864, compliance=COMPLIANCE)
        for metric in ("chosen", "truth")
    )
    right, said = (of.grades.astype(np.int64).ravel() for of in (truth, chosen))
    true_value, held, widths = macro_f1.macro_f1(right, said), 0, []
    for _ in range(runs):
        where = chosen.asked(rng, n)
        right, said = (of.grades[where].astype(np.int64) for of in (truth, chosen))
        bounds = macro_f1.interval(right, said, CONFIDENCE)
        held += bounds.low <= true_value <= bounds.high
        widths.append(bounds.high - bounds.low)
    return true_value, Coverage(runs, held, float(np.mean(widths)))


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two levels: how many questions, how often each is asked, and how answers come about.

    A question's chance of a right answer is drawn from a beta distribution, as some are hard and
    some easy; at the second level it is lower by `drop` on average. With `repeats_itself` a level
    answers a question the same way each time, as at temperature 0. `scores` are F1-like: a wrong
    answer gets a part.
    """

    name: str
    questions: int
    askings: int
    drop: float
    repeats_itself: bool = False
    scores: bool = False

    def pairs(self, rng: np.random.Generator) -> Pairs:
        """One run's pairs, of new questions."""
        chance = rng.beta(4, 1, self.questions)
        later = chance * (1 - self.drop / 0.8)  # 0.8 is the mean chance
        question = np.repeat(np.arange(self.questions), self.askings)
        levels = [
            self._level(rng, p)[question] if self.repeats_itself else self._level(rng, p[question])
            for p in (chance, later)
        ]
        return Pairs(question, *levels)

    def _level(self, rng: np.random.Generator, chance: FloatArray) -> FloatArray:
        right = rng.random(len(chance)) < chance
        wrong = rng.choice(PARTS, len(chance)) if self.scores else np.zeros(len(chance))
        return np.where(right, 1.0, wrong)

    @property
    def truth(self) -> float:
        """The drop of the mean grade."""
        return self.drop * (1 - sum(PARTS) / len(PARTS)) if self.scores else self.drop


COMPARISONS = tuple(
    Comparison(f"{kind}{how}", questions, askings, drop, repeats, scores)
    for kind, scores in (("rate", False), ("F1", True))
    for how, questions, askings, repeats in (
        (", each once", 120, 1, False),
        (", 8 times, sampled", 120, 8, False),
        (", 8 times alike", 120, 8, True),
        (", 30 questions", 30, 1, False),
        (", 60 questions", 60, 1, False),
    )
    for drop in (0.0, 0.04)
)


@dataclass(frozen=True, slots=True)
class Errors:
    """Of `runs` comparisons: changes called without one or found where there is one, and bounds
    of the drop on the wrong side of the truth (each one-sided)."""

    runs: int
    called: int
    low_above: int
    high_below: int


def errors(comparison: Comparison, runs: int, rng: np.random.Generator) -> Errors:
    """What goes wrong in `runs` runs."""
    called = low_above = high_below = 0
    for _ in range(runs):
        pairs = comparison.pairs(rng)
        called += pairs.p_value() <= 1 - CONFIDENCE
        bounds = pairs.drop_bounds(CONFIDENCE, sides=1)
        low_above += bounds.low > comparison.truth + 1e-12
        high_below += bounds.high < comparison.truth - 1e-12
    return Errors(runs, called, low_above, high_below)


def main() -> int:
    """Prints both tables; 0."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=2_000, help="runs a row")
    runs = parser.parse_args().runs
    console, rng = Console(width=140, highlight=False), np.random.default_rng(20)
    table = Table("metric", "truth", "answers", "covered", "95 % CI of that", "width, points")
    for task, metric, accuracy in METRICS:
        answers = graded(task, metric, accuracy=accuracy, compliance=COMPLIANCE)
        for n in ANSWERS:
            found = coverage(answers, n, runs, rng)
            table.add_row(
                f"{metric}({task})",
                f"{answers.truth:.3f}",
                str(n),
                *_share(found.held, runs),
                f"{100 * found.width:.1f}",
            )
    for n in ANSWERS:
        true_value, found = macro_coverage(n, runs, rng)
        table.add_row(
            "macro_f1(medical_qa)",
            f"{true_value:.3f}",
            str(n),
            *_share(found.held, runs),
            f"{100 * found.width:.1f}",
        )
    console.print(f"Two-sided intervals at {CONFIDENCE:.0%}, {runs} runs a row", table)
    table = Table(
        "comparison",
        "true drop",
        "called a change",
        "",
        "lower bound above",
        "",
        "upper bound below",
        "",
    )
    for comparison in COMPARISONS:
        wrong = errors(comparison, runs, rng)
        table.add_row(
            comparison.name,
            f"{comparison.truth:.3f}",
            *(
                cell
                for n in (wrong.called, wrong.low_above, wrong.high_below)
                for cell in _share(n, runs)
            ),
        )
    console.print(
        f"Paired comparisons and one-sided bounds at {CONFIDENCE:.0%}, {runs} runs a row", table
    )
    return 0


def _share(hits: int, runs: int) -> tuple[str, str]:
    bounds = wilson.interval(hits, runs, 0.95)
    return f"{100 * hits / runs:.1f} %", f"{100 * bounds.low:.1f}–{100 * bounds.high:.1f}"


if __name__ == "__main__":
    raise SystemExit(main())
