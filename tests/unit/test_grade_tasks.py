"""Each task's grader on the shipped questions: which metrics, and right is right."""

import pytest

from loadproof.model.answer import Answer
from loadproof.model.metrics import NO_QUALITIES, QUALITIES
from loadproof.tasks.catalog import load_task
from loadproof.tasks.medical_qa import wording
from loadproof.tasks.options import graded_choice
from loadproof.tasks.questions import Question, load_questions

GRADED = ("medical_qa", "boxed_math", "commonsense")


def answer(text: str, *, finished: bool = True) -> Answer:
    return Answer(text, None, finished_thinking=finished, finish_reason="stop")


def qualities(grades: dict[str, float]) -> dict[str, float]:
    return {metric: value for metric, value in grades.items() if metric not in NO_QUALITIES}


def styles(question: Question) -> list[str]:
    """Right answers in several styles, R1's and Llama's, in the question's language."""
    right = question.answers[0]
    if question.task == "boxed_math":
        return [
            r"**Final Answer**" + "\n\\[\n" + rf"\boxed{{{right}}}" + "\n\\]",
            rf"所以答案是 \(\boxed{{{right}}}\)。",
        ]
    if question.options is None:
        return [right, f"**{right}**", f"Answer: {right}", f"答案：{right}"]
    text = question.options[right]
    return [
        right,
        f"({right})",
        f"{right}. {text}",
        f"**{right}. {text}**",
        f"The answer is {right}.",
        f"The correct answer is ({right}) {text}.",
        f"答案是{right}",
        f"故选{right}。",
        f"答案：{right}. {text}",
        text,
        f"Answer: {text}",
        rf"\boxed{{{right}}}",
    ]


@pytest.mark.parametrize("task", GRADED)
def test_right_answers_are_graded_right_in_every_style(task: str) -> None:
    grader = load_task(task)
    for question in load_questions(task):
        for text in styles(question):
            grades = grader.grade(question.id, answer(text))
            assert set(qualities(grades).values()) == {1.0}, (question.id, text)
            assert set(qualities(grades)) <= set(QUALITIES[task])
            assert grades.get("chosen") == grades.get("truth")


@pytest.mark.parametrize("task", GRADED)
def test_other_options_silence_refusals_and_unfinished_thinking_are_wrong(task: str) -> None:
    grader = load_task(task)
    for question in load_questions(task):
        options = question.options or {}
        wrong = [key for key in options if key != question.answer]
        refusals = ["", "I'm sorry, but I can't help with that.", "抱歉，我不能回答这个问题。"]
        for text in [*wrong, *(options[key] for key in wrong), *refusals]:
            grades = grader.grade(question.id, answer(text))
            assert sum(qualities(grades).values()) < 1, (question.id, text)
        unfinished = grader.grade(question.id, answer(styles(question)[0], finished=False))
        assert set(qualities(unfinished).values()) == {0.0}
        assert unfinished.get("chosen", 0) == 0


def test_a_choice_says_which_option_was_chosen_and_which_is_right() -> None:
    question = Question(
        "q", "commonsense", "en", "Which?", {"A": "x", "B": "y", "C": "z"}, "B", "easy"
    )
    assert graded_choice(question, "B") == {"accuracy": 1.0, "chosen": 2.0, "truth": 2.0}
    assert graded_choice(question, "C") == {"accuracy": 0.0, "chosen": 4.0, "truth": 2.0}
    assert graded_choice(question, "B or C") == {"accuracy": 0.0, "chosen": 0.0, "truth": 2.0}
    both = Question("q", "medical_qa", "zh", "哪些?", question.options, "AC", "easy")
    assert graded_choice(both, "答案：AC") == {"accuracy": 1.0, "chosen": 5.0, "truth": 5.0}
    assert graded_choice(both, "A") == {"accuracy": 0.0, "chosen": 1.0, "truth": 5.0}
    assert "多个正确选项" in wording(both)[-1].content


def test_a_short_answer_is_graded_by_match_and_f1() -> None:
    task = load_task("medical_qa")
    salt = next(
        q for q in load_questions("medical_qa") if q.question.startswith("高血压患者应避免")
    )
    assert task.grade(salt.id, answer("钠")) == {"exact_match": 1.0, "f1": 1.0}
    verbose = task.grade(salt.id, answer("高血压患者应避免摄入钠"))
    assert verbose["exact_match"] == 0.0
    assert 0 < verbose["f1"] < 0.5
