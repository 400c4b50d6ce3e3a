"""Whether a chat turn was answered at all."""

from itertools import islice

import pytest

from loadproof.model.answer import Answer
from loadproof.model.traffic import Traffic
from loadproof.tasks.catalog import load_task
from loadproof.tasks.repetition import loops
from loadproof.tasks.traffic import task_of

ROWS = "\n".join(f"| row {i} | {i * i} |" for i in range(30))
TABLE = f"| name | value |\n|------|-------|\n{ROWS}"
MULTIPLICATION = "\n".join(f"{i} x 7 = {i * 7}" for i in range(1, 40))
STEPS = "\n".join(f"{i}. Then wait for {i} minutes before you go on." for i in range(1, 30))


@pytest.mark.parametrize(
    "text",
    [
        "Yes.",
        "好的。",
        TABLE,
        MULTIPLICATION,
        STEPS,
        "Ha ha ha ha ha ha!",
        "A title\n" + "=" * 80 + "\nand text, and more text, and still more text to read." * 2,
        "The end of it.\n" + "-" * 200 + "\n" + "A last paragraph that says something new.",
    ],
)
def test_lists_tables_and_rules_are_no_loops(text: str) -> None:
    assert not loops(text)


@pytest.mark.parametrize(
    "text",
    [
        "I think that is right. " * 40,
        "Here is a start. " + "and so on and " * 100,
        "我觉得这个问题很好。" * 30,
        "好" * 400,
        "An introduction of some length, as models write it.\n" + "Wait, let me check that.\n" * 20,
        "\n".join(f"{i}. It is important to stay healthy." for i in range(40)).replace("\n", ". "),
        ("One long sentence that is said again and again, word by word. " * 30)[:-13],
    ],
)
def test_a_text_that_repeats_itself_is_a_loop(text: str) -> None:
    assert loops(text)


@pytest.mark.parametrize(
    ("answer", "answered", "complete"),
    [
        (Answer("你好！", None, finished_thinking=True, finish_reason="stop"), 1.0, 1.0),
        (Answer("Half a sent", None, finished_thinking=True, finish_reason="length"), 1.0, 0.0),
        (Answer("", None, finished_thinking=True, finish_reason="stop"), 0.0, 1.0),
        (Answer(" \n", "hm", finished_thinking=True, finish_reason="stop"), 0.0, 1.0),
        (Answer("", "hm", finished_thinking=False, finish_reason="length"), 0.0, 0.0),
        (Answer("<think>hm", None, finished_thinking=True, finish_reason="length"), 0.0, 0.0),
        (Answer("no " * 300, None, finished_thinking=True, finish_reason="length"), 0.0, 0.0),
    ],
)
def test_a_turn_is_answered_by_something_that_is_no_loop_and_complete_if_not_cut_off(
    answer: Answer, answered: float, complete: float
) -> None:
    grades = load_task("chat").grade("chat/zh-001#0", answer)
    assert grades == {"answered": answered, "complete": complete}


def test_where_the_scenario_says_how_long_answers_are_no_one_is_cut_off() -> None:
    lengths = {"median": 120, "sigma": 0.9, "max": 900}
    task = task_of(Traffic.model_validate({"task": "chat", "output_tokens": lengths}))
    first, again = ([next(talk) for talk in islice(task.conversations(1), 60)] for _ in range(2))
    assert first == again
    limits = sorted(prompt.max_tokens for prompt in first)
    assert limits[0] < 60
    assert 250 < limits[-1] <= 900
    assert all(prompt.ignore_eos for prompt in first)
    cut = Answer("Half a sent", None, finished_thinking=True, finish_reason="length")
    assert task.grade("chat/zh-001#0", cut) == {"answered": 1.0}


def test_an_id_that_was_never_given_is_refused() -> None:
    with pytest.raises(KeyError):
        load_task("chat").grade("chat/zh-999#0", Answer("Yes", None, True, "stop"))
