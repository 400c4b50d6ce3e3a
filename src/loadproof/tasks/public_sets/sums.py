"""Public sets of mathematics: GSM8K and MATH-500."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from loadproof.tasks.language import language_of
from loadproof.tasks.public_sets.found import Found
from loadproof.tasks.questions import Difficulty
from loadproof.tasks.rows import Row

_GSM8K_MARK = "####"
_LEVELS: dict[str, Difficulty] = {
    "1": "easy",
    "2": "easy",
    "3": "medium",
    "4": "hard",
    "5": "hard",
}


def gsm8k(rows: Iterable[Row], _: Path) -> Iterator[Found]:
    """GSM8K (Cobbe et al. 2021): `question`, and an `answer` that ends in "#### n"."""
    for row in rows:
        question, answer = row.text("question"), row.text("answer")
        _before, mark, number = answer.rpartition(_GSM8K_MARK)
        number = number.strip().replace(",", "")
        if not mark or not number:
            raise row.problem("answer", answer[-40:], 'a text that ends in "#### " and a number')
        yield Found(
            id=None, language=language_of(question), question=question, options=None, answer=number
        )


def math500(rows: Iterable[Row], _: Path) -> Iterator[Found]:
    """MATH-500 (Lightman et al. 2023, out of Hendrycks et al. 2021): `problem`, `answer` in LaTeX.

    `unique_id` names a problem, `level` goes from 1 to 5.
    """
    for row in rows:
        question = row.text("problem")
        yield Found(
            id=row.optional("unique_id"),
            language=language_of(question),
            question=question,
            options=None,
            answer=row.text("answer"),
            difficulty=_LEVELS.get((row.optional("level") or "").removeprefix("Level ")),
        )
