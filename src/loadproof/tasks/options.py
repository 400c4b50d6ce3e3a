"""Options of a question: how they are written out, and how a choice among them is graded."""

from loadproof.tasks.choice import chosen_letter
from loadproof.tasks.questions import Question
from loadproof.tasks.several import chosen_letters


def listed(question: Question) -> str:
    """The question, with its options a line each where it has any."""
    options = question.options or {}
    return "\n".join([question.question, *(f"{key}. {text}" for key, text in options.items())])


def graded_choice(question: Question, text: str) -> dict[str, float]:
    """`accuracy`, 1 where exactly the right option was chosen, and for the macro F1 over options
    `chosen` and `truth` (see `model.metrics.NO_QUALITIES`)."""
    options = question.options or {}
    right = frozenset(question.answers[0])
    if len(right) > 1:
        chosen = chosen_letters(text, options)
    else:
        letter = chosen_letter(text, options)
        chosen = frozenset(letter or "")
    return {
        "accuracy": float(chosen == right),
        "chosen": _as_bits(chosen, options),
        "truth": _as_bits(right, options),
    }


def _as_bits(letters: frozenset[str], options: dict[str, str]) -> float:
    return float(sum(1 << index for index, letter in enumerate(options) if letter in letters))
