"""Everyday knowledge and short deductions, graded by accuracy."""

from loadproof.model.answer import Message
from loadproof.tasks.deduction import is_deduced
from loadproof.tasks.options import graded_choice, listed
from loadproof.tasks.questions import Question
from loadproof.tasks.single_question import Questions, SingleQuestions

MAX_TOKENS = 1024

_CHOICE = {
    "en": 'Think it over if you need to, then end with a line "Answer: " and the letter of the '
    "one right option.",
    "zh": "可以先思考，最后另起一行写“答案：”和正确选项的字母。",
}
_SHORT = {
    "en": 'Think it over if you need to, then end with a line "Answer: " and the answer alone.',
    "zh": "可以先思考，最后另起一行写“答案：”和答案本身。",
}


def commonsense(questions: Questions, digest: str | None = None) -> SingleQuestions:
    """The task that asks `questions`; `digest` is of those that a file gave."""
    return SingleQuestions(questions, wording, grade, MAX_TOKENS, digest)


def wording(question: Question) -> tuple[Message, ...]:
    """The message that asks `question`."""
    hints = _SHORT if question.options is None else _CHOICE
    return (Message("user", f"{listed(question)}\n\n{hints[question.language]}"),)


def grade(question: Question, text: str) -> dict[str, float]:
    """`accuracy`: whether the right letter was chosen, or the right answer deduced."""
    if question.options is not None:
        return graded_choice(question, text)
    return {"accuracy": float(is_deduced(text, question.answers))}
