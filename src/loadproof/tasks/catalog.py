"""The tasks by name."""

from collections.abc import Callable
from functools import cache

from loadproof.model.errors import ConfigurationError
from loadproof.tasks.boxed_math import boxed_math
from loadproof.tasks.chat import Chat
from loadproof.tasks.commonsense import commonsense
from loadproof.tasks.digest import digest_of
from loadproof.tasks.medical_qa import medical_qa
from loadproof.tasks.questions import Question, load_questions
from loadproof.tasks.task import Task

_TASKS: dict[str, Callable[[tuple[Question, ...], str | None], Task]] = {
    "chat": Chat,
    "medical_qa": medical_qa,
    "boxed_math": boxed_math,
    "commonsense": commonsense,
}


@cache
def load_task(name: str) -> Task:
    """The task called `name` with the questions that loadproof ships.

    Raises ConfigurationError where there is none.
    """
    if name not in _TASKS:
        raise ConfigurationError(f"task {name!r}: unknown; expected one of: {', '.join(_TASKS)}")
    return _TASKS[name](load_questions(name), None)


def task_with(name: str, questions: tuple[Question, ...]) -> Task:
    """The task called `name` with questions out of a file."""
    return _TASKS[name](questions, digest_of(questions))
