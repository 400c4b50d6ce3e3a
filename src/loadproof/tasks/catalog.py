"""The tasks by name."""

from collections.abc import Callable
from functools import cache

from loadproof.model.errors import ConfigurationError
from loadproof.tasks.boxed_math import boxed_math
from loadproof.tasks.chat import Chat
from loadproof.tasks.commonsense import commonsense
from loadproof.tasks.medical_qa import medical_qa
from loadproof.tasks.task import Task

_TASKS: dict[str, Callable[[], Task]] = {
    "chat": Chat,
    "medical_qa": medical_qa,
    "boxed_math": boxed_math,
    "commonsense": commonsense,
}


@cache
def load_task(name: str) -> Task:
    """The task called `name`. Raises ConfigurationError where there is none."""
    if name not in _TASKS:
        raise ConfigurationError(f"task {name!r}: unknown; expected one of: {', '.join(_TASKS)}")
    return _TASKS[name]()
