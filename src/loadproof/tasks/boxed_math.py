"""Mathematics whose answer has to stand in a box."""

from loadproof.model.answer import Message
from loadproof.tasks.boxes import last_box
from loadproof.tasks.equivalence import equivalent
from loadproof.tasks.questions import Question
from loadproof.tasks.single_question import Questions, SingleQuestions

MAX_TOKENS = 2048


def boxed_math(questions: Questions, digest: str | None = None) -> SingleQuestions:
    """The task that asks `questions`; `digest` is of those that a file gave.

    The request for a box is the served model's policy, not part of the question.
    """
    return SingleQuestions(questions, wording, grade, MAX_TOKENS, digest)


def wording(question: Question) -> tuple[Message, ...]:
    """The message that asks `question`."""
    return (Message("user", question.question),)


def grade(question: Question, text: str) -> dict[str, float]:
    """`compliance`: a well-formed, non-empty box is there. `correct`: the last one is right.

    Loads sympy on first use, which takes about a second: call it in the grading process.
    """
    box = last_box(text)
    if box is None:
        return {"compliance": 0.0, "correct": 0.0}
    right = any(equivalent(answer, box) for answer in question.answers)
    return {"compliance": 1.0, "correct": float(right)}
