"""The shipped questions: how many, how well formed; and how their loader refuses bad lines."""

from collections import Counter

import pytest

from loadproof.model.errors import ConfigurationError
from loadproof.model.metrics import TASKS
from loadproof.tasks.questions import load_questions, parse_questions

GOOD = (
    '{"id":"commonsense/en-001","language":"en","question":"Which?","difficulty":"easy",'
    '"options":{"A":"x","B":"y"},"answer":"B"}'
)


@pytest.mark.parametrize(
    ("task", "least"),
    [("medical_qa", 120), ("boxed_math", 120), ("commonsense", 120), ("chat", 60)],
)
def test_there_are_enough_questions_half_of_them_chinese(task: str, least: int) -> None:
    questions = load_questions(task)
    assert len(questions) >= least
    languages = Counter(question.language for question in questions)
    assert languages["zh"] == languages["en"]
    assert {question.difficulty for question in questions} == {"easy", "medium", "hard"}


@pytest.mark.parametrize("task", TASKS)
def test_no_question_is_asked_twice(task: str) -> None:
    asked = [question.question for question in load_questions(task)]
    assert len(set(asked)) == len(asked)


@pytest.mark.parametrize("task", ["medical_qa", "commonsense"])
def test_no_letter_is_favoured(task: str) -> None:
    choices = [question for question in load_questions(task) if question.options]
    for letter in "ABCD":
        share = sum(question.answer == letter for question in choices) / len(choices)
        assert 0.1 < share < 0.4


@pytest.mark.parametrize("task", TASKS)
def test_the_language_is_what_it_says(task: str) -> None:
    for question in load_questions(task):
        chinese = any("一" <= sign <= "鿿" for sign in question.question)
        assert chinese == (question.language == "zh"), question.id


def test_options_of_a_question_differ_from_each_other() -> None:
    for question in (*load_questions("medical_qa"), *load_questions("commonsense")):
        options = list((question.options or {}).values())
        assert len(set(options)) == len(options), question.id


def test_chats_go_on_for_two_to_four_turns() -> None:
    assert {len(question.follow_ups) for question in load_questions("chat")} <= {2, 3, 4}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("{", "commonsense.jsonl:2"),
        (GOOD.replace('"B"}', '"C"}'), "among which the answer is"),
        (GOOD.replace('"A":', '"X":'), "letters A, B, C"),
        (GOOD.replace("en-001", "zh-001"), "an id such as commonsense/en-001"),
        (GOOD.replace("Which?", " "), "expected a question"),
        (GOOD.replace(',"options":{"A":"x","B":"y"},"answer":"B"', ""), "expected an answer"),
        (GOOD.replace("easy", "simple"), "difficulty"),
        (GOOD.replace('"answer"', '"anwser"'), "anwser"),
        (GOOD, "an id that no other line has"),
    ],
)
def test_a_bad_line_is_refused_by_number_and_reason(line: str, expected: str) -> None:
    text = f"{GOOD}\n{line}\n" if line == GOOD else f"\n{line}\n"
    with pytest.raises(ConfigurationError, match=r"commonsense\.jsonl:2") as error:
        parse_questions("commonsense", text, "commonsense.jsonl")
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_an_empty_file_and_an_unknown_task_are_refused() -> None:
    with pytest.raises(ConfigurationError, match="no questions"):
        parse_questions("chat", "\n", "chat.jsonl")
    with pytest.raises(ConfigurationError, match="expected one of: chat"):
        load_questions("poetry")


def test_accepted_answers_are_always_a_tuple() -> None:
    question = parse_questions("commonsense", GOOD, "x.jsonl")[0]
    assert question.answers == ("B",)
