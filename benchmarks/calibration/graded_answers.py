"""Graded answers of known quality: what the simulator says, through the real graders.

A model that answers right with a known chance is one of many seeds of the simulated model, drawn
anew for each asking: each seed has its own right and wrong answers, of which a known share is
right. The truth of a metric is its mean over all questions and seeds.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from loadproof.model.answer import Answer
from loadproof.model.server import Simulator
from loadproof.servers.simulator.answers import Answers
from loadproof.stats.bootstrap import IntArray
from loadproof.stats.percentiles import FloatArray
from loadproof.tasks.catalog import load_task
from loadproof.tasks.order import endless
from loadproof.tasks.questions import Question, load_questions

SEEDS = 64


@dataclass(frozen=True, slots=True)
class Graded:
    """A metric of one task: the grade of each question (row) as each seed (column) answers it."""

    task: str
    metric: str
    questions: tuple[Question, ...]
    grades: FloatArray

    @property
    def truth(self) -> float:
        """Its mean over all answers."""
        return float(self.grades.mean())

    def run(self, rng: np.random.Generator, n: int) -> FloatArray:
        """The grades of `n` answers, in the order in which a run asks its questions."""
        return self.grades[self.asked(rng, n)]

    def asked(self, rng: np.random.Generator, n: int) -> tuple[list[int], IntArray]:
        """Which question and which seed each of `n` answers is of."""
        row = {question.id: index for index, question in enumerate(self.questions)}
        order = endless(self.questions, int(rng.integers(2**31)))
        rows = [row[next(order).id] for _ in range(n)]
        return rows, rng.integers(SEEDS, size=n)


@cache
def graded(task: str, metric: str, *, accuracy: float, compliance: float) -> Graded:
    """All answers of SEEDS simulated models to the questions of `task` that `metric` is of."""
    grader = load_task(task)
    known: dict[tuple[str, str], dict[str, float]] = {}
    questions = [question for question in load_questions(task) if question.answers]
    columns = []
    for seed in range(SEEDS):
        settings = Simulator(
            accuracy={task: accuracy},  # type: ignore[dict-item] # mypy takes a str for any
            compliance=compliance,
            seed=seed,
        )
        answers = Answers(settings, questions)
        column = []
        for question in questions:
            text = answers.say(question.question).text
            if (question.id, text) not in known:
                answer = Answer(text, thinking=None, finished_thinking=True, finish_reason="stop")
                known[question.id, text] = grader.grade(question.id, answer)
            column.append(known[question.id, text].get(metric, np.nan))
        columns.append(column)
    grades = np.array(columns, dtype=np.float64).T
    asked = ~np.isnan(grades[:, 0])
    kept = tuple(question for question, is_asked in zip(questions, asked, strict=True) if is_asked)
    return Graded(task, metric, kept, grades[asked])
