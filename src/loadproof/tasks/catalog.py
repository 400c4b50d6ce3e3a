"""The tasks by name."""

from collections.abc import Callable
from functools import cache

from loadproof.model.errors import ConfigurationError
from loadproof.model.traffic import Traffic
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


def task_with(entry: Traffic, questions: tuple[Question, ...] | None) -> Task:
    """The task of a traffic table, with questions out of a file where they are given."""
    digest = None if questions is None else digest_of(questions)
    asked = questions or load_questions(entry.task)
    if entry.task == "chat":
        forced = entry.output_tokens is not None and entry.ignore_eos is not False
        return Chat(asked, digest, entry.output_tokens, ignore_eos=forced)
    return _TASKS[entry.task](asked, digest)
