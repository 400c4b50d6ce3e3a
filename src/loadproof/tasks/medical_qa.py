"""Medical questions: multiple choice, graded by accuracy, and short answers, by match and F1."""

from loadproof.model.answer import Message
from loadproof.tasks.options import graded_choice, listed
from loadproof.tasks.questions import Question
from loadproof.tasks.short_answer import exact_match, f1, prediction
from loadproof.tasks.single_question import Questions, SingleQuestions

MAX_TOKENS = 1024

_SYSTEM = {
    "en": "You are answering the questions of a medical examination.",
    "zh": "你正在回答一份医学考试的题目。",
}
_CHOICE = {
    "en": "Answer with the letter of the one right option.",
    "zh": "请只回答正确选项的字母。",
}
_SEVERAL = {
    "en": "Answer with the letters of all right options; there are several.",
    "zh": "本题有多个正确选项，请只回答所有正确选项的字母。",
}
_SHORT = {
    "en": "Answer with the term alone, in as few words as possible.",
    "zh": "请只写出答案本身，尽量简短，不要解释。",
}


def medical_qa(questions: Questions, digest: str | None = None) -> SingleQuestions:
    """The task that asks `questions`; `digest` is of those that a file gave."""
    return SingleQuestions(questions, wording, grade, MAX_TOKENS, digest)


def wording(question: Question) -> tuple[Message, ...]:
    """The messages that ask `question`."""
    language = question.language
    hints = _SHORT
    if question.options is not None:
        hints = _CHOICE if len(question.answers[0]) == 1 else _SEVERAL
    return (
        Message("system", _SYSTEM[language]),
        Message("user", f"{listed(question)}\n\n{hints[language]}"),
    )


def grade(question: Question, text: str) -> dict[str, float]:
    """`accuracy` of a choice, and which was chosen; `exact_match` and `f1` of a short answer."""
    if question.options is not None:
        return graded_choice(question, text)
    said = prediction(text)
    return {
        "exact_match": exact_match(said, question.answers, question.language),
        "f1": f1(said, question.answers, question.language),
    }
