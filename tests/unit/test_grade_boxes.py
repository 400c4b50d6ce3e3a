r"""Finding the last good box, and deciding whether it is right."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadproof.model.answer import Answer
from loadproof.tasks.boxes import last_box
from loadproof.tasks.catalog import load_task
from loadproof.tasks.equivalence import equivalent
from loadproof.tasks.questions import load_questions


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (r"so \boxed{42}", "42"),
        (r"\fbox{42}", "42"),
        (r"\boxed {42}", "42"),
        (r"\boxed{\frac{1}{2}}", r"\frac{1}{2}"),
        (r"\boxed{\{1, 2\}}", r"\{1, 2\}"),
        (r"\boxed{1} and then \boxed{2}", "2"),
        (r"\boxed{2} which goes into \boxed{}", "2"),
        (r"\boxed{2} or \boxed{3", "2"),
        (r"\boxed{2} put it in \boxed{...}", "2"),
        (r"\boxed{\boxed{7}}", "7"),
        (r"\boxed{\text{no solution}}", r"\text{no solution}"),
        (r"\boxed{\frac{\sqrt{3}}{\frac{1}{2}}}", r"\frac{\sqrt{3}}{\frac{1}{2}}"),
        (r"\boxed{12\text{ cm}^2}", r"12\text{ cm}^2"),
        (r"\boxed{(-\infty, 2] \cup \{5\}}", r"(-\infty, 2] \cup \{5\}"),
        (r"答案是\boxed{钠}。", "钠"),
        (r"{ open \boxed{5}", "5"),
        (r"} closed \boxed{5} }", "5"),
        ("\\boxed{\n 12 \n}", "12"),
        (r"\boxed{ }", None),
        (r"\boxed{\ \,}", None),
        (r"\boxed{\text{}}", None),
        (r"\boxed{\dots}", None),
        (r"\boxed{5", None),
        (r"\boxed{{5}", None),
        (r"\boxed 5", None),
        (r"boxed{5}", None),
        ("the answer is 42", None),
        ("", None),
    ],
)
def test_the_last_well_formed_box_is_found(text: str, wanted: str | None) -> None:
    assert last_box(text) == wanted


@given(st.lists(st.sampled_from([*"{}\\ $1ax", r"\boxed{", r"\fbox{", r"\{", "钠"])).map("".join))
@settings(max_examples=300, derandomize=True)
def test_extraction_never_raises_and_never_gives_an_empty_box(text: str) -> None:
    box = last_box(text)
    assert box is None or box.strip()


@given(st.text())
@settings(max_examples=200, derandomize=True)
def test_extraction_never_raises_on_arbitrary_text(text: str) -> None:
    last_box(text)
    assert last_box(text + r"\boxed{7}") in ("7", None)


def test_a_hundred_thousand_open_boxes_take_one_pass() -> None:
    assert last_box(r"\boxed{" * 100_000) is None


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("36", "36"),
        ("36", r"36\text{ cm}^2"),
        ("36", "36平方厘米"),
        ("36", r"36\text{平方厘米}"),
        ("36", "x = 36"),
        ("36", "36.0"),
        ("36", r"\$36"),
        ("1275", "1,275"),
        ("30", r"30^\circ"),
        (r"\frac{1}{2}", "0.5"),
        (r"\frac{1}{2}", r"\dfrac12"),
        (r"\frac{1}{2}", r"\frac{2}{4}"),
        (r"\{2, 3\}", r"\{3,2\}"),
        (r"\{2, 3\}", "2, 3"),
        (r"\{2, 3\}", "x=2 或 x=3"),
        (r"\{2, 3\}", r"x_1 = 2, x_2 = 3"),
        (r"[-3, 7]", r"\left[-3, 7\right]"),
        (r"[-3, 7]", r"-3 \le x \le 7"),
        (r"(-\infty, 4)", "x < 4"),
        (r"(4, +\infty)", r"(4, \infty)"),
        (r"(4, +\infty)", r"x \in (4,+\infty)"),
        (r"6\sqrt{2}", r"\sqrt{72}"),
        (r"8\pi", r"8 \cdot \pi"),
        ("x^2 - 2x - 15", "(x-5)(x+3)"),
        ("(7, 3)", r"\left(7,3\right)"),
        (r"\{2,3\}", "｛2，3｝"),
        # as GSM8K's and MATH's answers are written, and as models write them
        ("1212", r"\$1,212.00"),
        ("18", r"18\text{ dollars}"),
        ("70000", "70{,}000"),
        (r"\text{Evelyn}", "Evelyn"),
        (r"\text{(C)}", "C"),
        (r"\left( 3, \frac{\pi}{2} \right)", r"(3,\pi/2)"),
        (r"1 \pm \sqrt{19}", r"1+\sqrt{19}, 1-\sqrt{19}"),
        ("6 - 5i", "6-5i"),
        (r"10\%", r"10"),
    ],
)
def test_the_same_value_in_another_writing_is_right(gold: str, answer: str) -> None:
    assert equivalent(gold, answer)


@pytest.mark.parametrize(
    ("gold", "answer"),
    [
        ("36", "35"),
        ("36", "-36"),
        (r"\frac{1}{3}", "0.333"),
        (r"\{2, 3\}", "2"),
        (r"\{2, 3\}", r"\{2, 3, 4\}"),
        (r"[-3, 7]", "(-3, 7)"),
        ("(7, 3)", "(3, 7)"),
        ("3x^2 - 4", "3x^2 + 4"),
        ("36", r"\text{no solution}"),
        ("36", "%%%"),
        (r"\frac{1}{2}", r"\frac{1}{"),
        ("36", "三十五"),
        (r"\text{even}", "odd"),
        (r"\text{Evelyn}", r"\text{Ann}"),
        (r"1 \pm \sqrt{19}", r"1+\sqrt{19}"),
    ],
)
def test_another_value_is_wrong(gold: str, answer: str) -> None:
    assert not equivalent(gold, answer)


R1_CHINESE = r"""首先，设这个数为 \(x\)。

解方程：
\[
3x + 4 = 25 \implies x = \boxed{21}
\]
等等，我需要再除以 3。

**最终答案**
\[
\boxed{7}
\]"""


@pytest.mark.parametrize(
    ("answer", "compliance", "correct"),
    [
        (Answer(R1_CHINESE, "…", finished_thinking=True, finish_reason="stop"), 1, 1),
        (Answer(r"\boxed{7}", None, finished_thinking=True, finish_reason="stop"), 1, 1),
        (Answer("x = 7", None, finished_thinking=True, finish_reason="stop"), 0, 0),
        (Answer(r"\boxed{8}", None, finished_thinking=True, finish_reason="stop"), 1, 0),
        (Answer("", r"\boxed{7}", finished_thinking=False, finish_reason="length"), 0, 0),
        (Answer("7", r"\boxed{7}", finished_thinking=True, finish_reason="stop"), 0, 0),
        (Answer(r"\boxed{7}, that is", "…", finished_thinking=True, finish_reason="length"), 1, 1),
        (
            Answer(r"<think>\boxed{7}</think>It is 7.", None, True, "stop"),
            0,
            0,
        ),
        (Answer(r"hm</think>\boxed{7}", None, finished_thinking=True, finish_reason="stop"), 1, 1),
    ],
)
def test_only_a_box_outside_the_thinking_counts(
    answer: Answer, compliance: float, correct: float
) -> None:
    grades = load_task("boxed_math").grade("boxed_math/zh-002", answer)
    assert grades == {"compliance": compliance, "correct": correct}


@pytest.mark.parametrize("question", load_questions("boxed_math"), ids=lambda q: q.id)
def test_every_shipped_answer_is_right_when_written_with_spaces_and_units(question) -> None:
    assert equivalent(question.answers[0], f"  {question.answers[0]} .")
    assert not equivalent(question.answers[0], "-98765")
