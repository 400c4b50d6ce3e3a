"""What the simulated model says: right as often as told, in the right language and length."""

import statistics

import pytest

from loadproof.model.answer import Answer
from loadproof.model.metrics import NO_QUALITIES
from loadproof.model.server import Simulator
from loadproof.servers.simulator.answers import Answers
from loadproof.servers.simulator.pieces import split
from loadproof.tasks.boxes import last_box
from loadproof.tasks.catalog import load_task
from loadproof.tasks.questions import Question, load_questions

SHARES = {"medical_qa": 0.8, "boxed_math": 0.7, "commonsense": 0.6}
SETTINGS = Simulator.model_validate({"accuracy": SHARES, "compliance": 0.9, "answer_tokens": 80})
GRADED = ("medical_qa", "boxed_math", "commonsense")
QUESTIONS = [question for task in GRADED for question in load_questions(task)]
ANSWERS = Answers(SETTINGS, QUESTIONS)


def within(count: float, share: float, questions: int) -> bool:
    """Whether a count is the share of a number of questions, as near as whole ones come."""
    return abs(count - share * questions) <= 0.5


@pytest.mark.parametrize("task", ["medical_qa", "commonsense"])
def test_graders_find_as_many_right_answers_as_the_settings_say(task: str) -> None:
    grader = load_task(task)
    by_metric: dict[str, list[float]] = {}
    for question in load_questions(task):
        said = ANSWERS.say(f"Some template.\n{question.question}\nMore of it.")
        grades = grader.grade(question.id, Answer(said.text, None, True, "stop"))
        for metric in grades.keys() - set(NO_QUALITIES):
            value = grades[metric]
            by_metric.setdefault(f"{metric} {question.options is None}", []).append(value)
    for metric, values in by_metric.items():
        if not metric.startswith("f1"):
            assert within(sum(values), SHARES[task], len(values)), metric


def test_as_many_math_answers_are_boxed_as_the_settings_say() -> None:
    questions = load_questions("boxed_math")
    texts = [ANSWERS.say(question.question).text for question in questions]
    assert within(sum(last_box(text) is not None for text in texts), 0.9, len(questions))


def test_right_math_answers_are_the_shipped_ones_and_wrong_ones_are_not() -> None:
    questions = load_questions("boxed_math")
    right = [question for question in questions if ANSWERS.is_right(question)]
    assert within(len(right), 0.7, len(questions))
    for question in questions:
        box = last_box(ANSWERS.say(question.question).text)
        if box is not None:
            assert (box == question.answers[0]) is ANSWERS.is_right(question)


def test_the_same_question_gets_the_same_answer_whatever_stands_around_it() -> None:
    question = load_questions("commonsense")[0]
    plain = ANSWERS.say(question.question).text
    assert ANSWERS.say(f"\nYou are a tester.\n\n{question.question}\nThink.").text == plain
    assert ANSWERS.say(question.question, seed=9).text == plain
    assert Answers(SETTINGS, QUESTIONS).say(question.question).text == plain


def test_another_seed_makes_other_questions_wrong() -> None:
    other = Answers(SETTINGS.model_copy(update={"seed": 2}), QUESTIONS)
    differing = [q for q in QUESTIONS if ANSWERS.is_right(q) is not other.is_right(q)]
    assert differing


def test_the_longest_known_question_within_a_message_counts() -> None:
    short = Question("t/en-001", "commonsense", "en", "What is it?", None, "a", "easy")
    long = Question("t/en-002", "commonsense", "en", "Well: What is it?", None, "b", "easy")
    answers = Answers(SETTINGS, [short, long])
    assert answers.find("Well: What is it? Now.") == long
    assert answers.find("And: What is it?") == short
    assert answers.find("What") is None


@pytest.mark.parametrize(
    ("message", "chinese"), [("How do I cook rice?", False), ("怎么做米饭才好吃？", True)]
)
def test_prose_is_in_the_language_of_the_message(message: str, chinese: bool) -> None:
    text = ANSWERS.say(message).text
    assert any("\u4e00" <= character <= "\u9fff" for character in text) is chinese


@pytest.mark.parametrize("template", ["Tell me about subject {}.", "请介绍一下第{}个主题。"])
def test_prose_has_the_mean_length_of_the_settings_and_varies(template: str) -> None:
    lengths = [len(split(ANSWERS.say(template.format(k)).text)) for k in range(600)]
    assert statistics.mean(lengths) == pytest.approx(80, rel=0.08)
    assert statistics.stdev(lengths) > 20


def test_prose_depends_on_the_sampling_seed_and_repeats_with_it() -> None:
    assert ANSWERS.say("Hello", seed=1) == ANSWERS.say("Hello", seed=1)
    assert ANSWERS.say("Hello", seed=1) != ANSWERS.say("Hello", seed=2)


def test_long_prose_is_not_graded_as_a_loop() -> None:
    chat = load_task("chat")
    opening = load_questions("chat")[0]
    long_winded = Answers(SETTINGS.model_copy(update={"answer_tokens": 600}), [])
    for seed in range(20):
        answer = Answer(long_winded.say(opening.question, seed).text, None, True, "stop")
        assert chat.grade(f"{opening.id}#0", answer) == {"answered": 1.0, "complete": 1.0}


def test_only_a_thinking_model_thinks() -> None:
    thinker = Answers(SETTINGS.model_copy(update={"thinks": True}), QUESTIONS)
    assert ANSWERS.say("Hello").thinking is None
    assert thinker.say("Hello").thinking
    assert thinker.say(QUESTIONS[0].question).text == ANSWERS.say(QUESTIONS[0].question).text
