"""Answers in the style of DeepSeek-R1 and Llama 3, from the bytes on the wire to their grades."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from loadproof.model.metrics import NO_QUALITIES
from loadproof.tasks.catalog import load_task
from loadproof.tasks.thinking import never_left
from unit.replies import DONE, event, reply_to, texts

RECORDED = Path(__file__).with_name("recorded_answers.toml")
ANSWERS = tomllib.loads(RECORDED.read_text(encoding="utf-8"))["answer"]


def streamed(text: str, size: int = 7) -> list[str]:
    """`text` in tokens of about that many characters."""
    return [text[start : start + size] for start in range(0, len(text), size)]


@pytest.mark.parametrize("recorded", ANSWERS, ids=lambda recorded: recorded["style"])
def test_a_recorded_answer_gets_the_grades_that_it_deserves(recorded: dict[str, Any]) -> None:
    thinking = [event({"reasoning": piece}) for piece in streamed(recorded.get("reasoning", ""))]
    reply = reply_to(
        *thinking,
        texts(*streamed(recorded["content"])),
        event(finish=recorded.get("finish", "stop")),
        DONE,
        opened=recorded.get("opened", False),
    )
    task = recorded["question"].partition("/")[0]
    grades = load_task(task).grade(recorded["question"], reply.answer)
    found = {name: value for name, value in grades.items() if name not in NO_QUALITIES}
    if "f1_between" in recorded:
        low, high = recorded["f1_between"]
        assert low < found.pop("f1") < high
    assert found == recorded["grades"]
    assert never_left(reply.answer) == recorded.get("unfinished", False)
