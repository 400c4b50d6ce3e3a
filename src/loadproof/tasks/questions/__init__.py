"""The questions that loadproof ships: one JSONL file a task, with their answers.

A line is an object with `id` ("commonsense/en-017"), `language` ("en" or "zh"), `question`,
`difficulty` ("easy", "medium" or "hard"), and what the question's kind needs besides:

- a multiple choice: `options`, letter to text, and `answer`, the right letter, or all right ones
  in their order ("ACD") where the question asks for several;
- a short answer: `answer`, the text or a list of all texts that are accepted;
- a math question: `answer`, LaTeX;
- a chat opening: `follow_ups`, the later turns of its user, and no answer.
"""

import re
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Literal

import msgspec

from loadproof.model.errors import ConfigurationError
from loadproof.model.metrics import TASKS

Language = Literal["en", "zh"]
Difficulty = Literal["easy", "medium", "hard"]


@dataclass(frozen=True, slots=True)
class Question:
    """One question and what answers it.

    `answer` is a letter where there are `options` (or several: "ACD"), LaTeX in boxed_math, the
    accepted text or texts of a short answer otherwise, and empty for chat, whose user goes on with
    `follow_ups`. `difficulty` is None where a set does not tell it.
    """

    id: str
    task: str
    language: Language
    question: str
    options: dict[str, str] | None
    answer: str | tuple[str, ...]
    difficulty: Difficulty | None = None
    follow_ups: tuple[str, ...] = ()

    @property
    def answers(self) -> tuple[str, ...]:
        """All accepted answers; none for chat."""
        if isinstance(self.answer, str):
            return (self.answer,) if self.answer else ()
        return self.answer


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    language: Language
    question: str
    difficulty: Difficulty
    options: dict[str, str] | None = None
    answer: str | tuple[str, ...] = ""
    follow_ups: tuple[str, ...] = ()


@cache
def load_questions(task: str) -> tuple[Question, ...]:
    """All shipped questions of `task`, in the order of their file.

    Raises ConfigurationError where the task is unknown or a line of its file is no question.
    """
    if task not in TASKS:
        raise ConfigurationError(f"task {task!r}: unknown; expected one of: {', '.join(TASKS)}")
    name = f"{task}.jsonl"
    text = files(__name__).joinpath(name).read_text(encoding="utf-8")
    return parse_questions(task, text, name)


def parse_questions(task: str, text: str, source: str) -> tuple[Question, ...]:
    """The questions in the JSON lines of `text`; `source`, a file name, begins every error.

    Raises ConfigurationError, which names the line and what was expected there.
    """
    questions: dict[str, Question] = {}
    decoder = msgspec.json.Decoder(_Line)
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            found = decoder.decode(line)
        except msgspec.DecodeError as error:
            raise ConfigurationError(f"{source}:{number}: {error}") from None
        question = Question(
            found.id,
            task,
            found.language,
            found.question,
            found.options,
            found.answer,
            found.difficulty,
            found.follow_ups,
        )
        problem = _problem(question)
        if found.id in questions:
            problem = "an id that no other line has"
        if problem:
            raise ConfigurationError(f"{source}:{number}: {found.id}: expected {problem}")
        questions[found.id] = question
    if not questions:
        raise ConfigurationError(f"{source}: no questions; expected one JSON object a line")
    return tuple(questions.values())


def _problem(question: Question) -> str | None:
    """What was expected where `question` cannot be asked or graded."""
    expectations = {
        f"an id such as {question.task}/{question.language}-001": re.fullmatch(
            rf"{question.task}/{question.language}-\d{{3,}}", question.id
        ),
        "a question": question.question.strip(),
        "follow_ups and no answer": question.task != "chat"
        or (question.follow_ups and not question.answers),
        "an answer, or a list of accepted ones": question.task == "chat"
        or (question.answers and all(answer.strip() for answer in question.answers)),
        "options with the letters A, B, C, … in their order, among which the answer is": (
            question.options is None or is_choice(question.options, question.answer)
        ),
    }
    return next((expected for expected, met in expectations.items() if not met), None)


def is_choice(options: dict[str, str], answer: str | tuple[str, ...]) -> bool:
    """Whether `options` go by A, B, C, … in order, and `answer` is one or more of them in order."""
    letters = "".join(options)
    in_order = len(letters) >= 2 and "ABCDEFGH".startswith(letters)
    if not in_order or not isinstance(answer, str) or not answer:
        return False
    return "".join(letter for letter in letters if letter in answer) == answer
