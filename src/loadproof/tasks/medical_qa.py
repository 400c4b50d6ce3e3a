"""Medical questions: multiple choice, graded by accuracy, and short answers, by match and F1."""

from loadproof.model.answer import Message
from loadproof.tasks.choice import chosen_letter, listed
from loadproof.tasks.questions import Question, load_questions
from loadproof.tasks.short_answer import exact_match, f1, prediction
from loadproof.tasks.single_question import SingleQuestions

MAX_TOKENS = 1024

_SYSTEM = {
    "en": "You are answering the questions of a medical examination.",
    "zh": "你正在回答一份医学考试的题目。",
}
_CHOICE = {
    "en": "Answer with the letter of the one right option.",
    "zh": "请只回答正确选项的字母。",
}
_SHORT = {
    "en": "Answer with the term alone, in as few words as possible.",
    "zh": "请只写出答案本身，尽量简短，不要解释。",
}


def medical_qa() -> SingleQuestions:
    """The task."""
    return SingleQuestions(load_questions("medical_qa"), wording, grade, MAX_TOKENS)


def wording(question: Question) -> tuple[Message, ...]:
    """The messages that ask `question`."""
    language = question.language
    hint = _SHORT[language] if question.options is None else _CHOICE[language]
    return (
        Message("system", _SYSTEM[language]),
        Message("user", f"{listed(question)}\n\n{hint}"),
    )


def grade(question: Question, text: str) -> dict[str, float]:
    """`accuracy` of a choice; `exact_match` and `f1` of a short answer."""
    if question.options is not None:
        return {"accuracy": float(chosen_letter(text, question.options) == question.answer)}
    said = prediction(text)
    return {
        "exact_match": exact_match(said, question.answers, question.language),
        "f1": f1(said, question.answers, question.language),
    }
