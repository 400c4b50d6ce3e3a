"""From a scenario's traffic to its tasks: loaded, and held against what is asked of them."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

from loadproof.model.errors import ConfigurationError
from loadproof.model.scenario import Scenario, read_scenario, read_search
from loadproof.model.toml_file import checked
from loadproof.model.traffic import Traffic
from loadproof.tasks.catalog import load_task, task_with
from loadproof.tasks.own import load_own_task
from loadproof.tasks.public_sets import questions_from
from loadproof.tasks.synthetic import Synthetic
from loadproof.tasks.task import Task
from loadproof.tasks.trace import Trace


@cache
def task_of(entry: Traffic) -> Task:
    """The task that a traffic table asks for, its files read.

    Raises ConfigurationError, which says what is wrong with a file, also where it gives other
    prompts than those that `entry` was resolved with.
    """
    task = _loader(entry)()
    if entry.digest not in (None, task.digest):
        ((key, path),) = entry.paths.items()
        raise ConfigurationError(
            f"{key}: got {path!r}, which gives other prompts here than in the process that leads "
            "the run; expected the same file on every machine, and prompts that never change"
        )
    return task


def wants_calibration(entry: Traffic) -> bool:
    """Whether it makes prompts of given lengths, and nothing tells yet what words cost.

    Raises ConfigurationError.
    """
    task = task_of(entry)
    return entry.tokens is None and isinstance(task, Synthetic | Trace) and task.makes_prompts


def load_scenario(path: Path) -> Scenario:
    """The scenario in the file at `path`, its tasks loaded.

    Its traffic says which metrics they give, and its objectives ask for no others. Raises
    ConfigurationError.
    """
    return resolved(read_scenario(path), str(path))


def load_search(path: Path) -> Scenario:
    """The scenario in the file at `path` as a search for its capacity, its tasks loaded.

    Raises ConfigurationError.
    """
    return resolved(read_search(path), str(path))


def resolved(scenario: Scenario, source: str) -> Scenario:
    """`scenario` with what its own tasks say of themselves; `source` begins every error.

    Raises ConfigurationError.
    """
    if not any(entry.paths for entry in scenario.traffic):
        return scenario
    entries = []
    for index, entry in enumerate(scenario.traffic):
        try:
            task = task_of(entry)
        except ConfigurationError as error:
            raise ConfigurationError(f"{source}: traffic[{index}].{error}") from None
        found = {"metrics": task.metrics, "digest": task.digest} if entry.paths else {}
        entries.append(entry.model_copy(update=found))
    known = scenario.model_copy(update={"traffic": tuple(entries)})
    return checked(known.model_dump(mode="json"), Scenario, source)


def _loader(entry: Traffic) -> Callable[[], Task]:
    if entry.file is not None:
        path = Path(entry.file)
        return lambda: load_own_task(entry.task, path)
    if entry.task == "synthetic":
        return lambda: _at_key("lengths", Synthetic, entry)
    if entry.task == "trace":
        return lambda: _at_key("trace", Trace, entry)
    if entry.questions is not None or entry.output_tokens is not None:
        return lambda: _at_key("questions", _with_questions, entry)
    return lambda: load_task(entry.task)


def _with_questions(entry: Traffic) -> Task:
    questions = None
    if entry.questions is not None:
        questions = questions_from(Path(entry.questions), entry.task, entry.format)
    return task_with(entry, questions)


def _at_key(key: str, load: Callable[[Traffic], Task], entry: Traffic) -> Task:
    """The task, whose errors name the key that holds the file."""
    try:
        return load(entry)
    except ConfigurationError as error:
        raise ConfigurationError(f"{key}: {error}") from None
