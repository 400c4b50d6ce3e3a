"""Tasks of a user's own: a Python file with prompts and a grader, named in a scenario.

Such a file defines

- `METRICS`, the names of what its grader gives, such as `METRICS = ("rhymes",)`;
- `prompts()`, which gives all prompts as a list of `Ask`, the same ones in the same order whenever
  it is called: loadproof calls it in each process, and asks them in an order of its own, drawn
  from the scenario's seed;
- `grade(ask, answer)`, which takes one of them and the model's answer and gives a dict from
  metrics to values between 0 and 1; a metric that does not apply is left out;

and may define `MAX_TOKENS`, the longest answer (512), and `THINK_TIME_S`, the mean pause of a user
after an answer (0).
"""

import importlib.util
import math
import re
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from loadproof.model.answer import Answer, Message, Prompt
from loadproof.model.errors import ConfigurationError
from loadproof.model.metrics import COUNTERS, MACRO_F1, NO_QUALITIES
from loadproof.tasks.ask import Ask, shown
from loadproof.tasks.digest import digest_of
from loadproof.tasks.order import endless
from loadproof.tasks.task import Conversation
from loadproof.tasks.thinking import spoken

__all__ = ["Ask", "OwnGraderError", "OwnTask", "load_own_task"]

MAX_TOKENS = 512
MOST_PROMPTS = 1_000_000

_METRIC = re.compile(r"[^\W\d]\w{0,63}")
_TAKEN = (*NO_QUALITIES, MACRO_F1, "goodput", "throughput", "drop", "mean", "rate", "peak", "max")
"""What means something else in records or objectives, as percentiles (p99) do."""


Grader = Callable[[Ask, Answer], dict[str, float]]


class OwnGraderError(RuntimeError):
    """A user's grader raised, or gave what is no grade; the message says which and where."""


class OwnTask:
    """The task that a file holds."""

    def __init__(self, name: str, module: ModuleType, source: str) -> None:
        """Raises ConfigurationError where `module`, read from the file `source`, is no task."""
        self.name = name
        self._source = source
        self.metrics = _metrics(module, source)
        self.think_time_s = _number(module, "THINK_TIME_S", 0.0, source)
        self._max_tokens = int(_number(module, "MAX_TOKENS", MAX_TOKENS, source))
        self._grader: Grader = _function(module, "grade", "grade(ask, answer)", source)
        make = _function(module, "prompts", "prompts()", source)
        self._asks = _asks(name, make, source)
        # Not of `truth`, whose representation may differ from process to process.
        self.digest = digest_of(replace(ask, truth=None) for ask in self._asks.values())

    def conversations(self, seed: int) -> Iterator[Conversation]:
        """See loadproof.tasks.task.Task."""
        for ask in endless(tuple(self._asks.values()), seed):
            yield self._conversation(ask)

    def grade(self, prompt_id: str, answer: Answer) -> dict[str, float]:
        """See loadproof.tasks.task.Task. The grader sees the answer without its thinking.

        Raises OwnGraderError.
        """
        ask = self._asks[prompt_id]
        try:
            grades = self._grader(ask, replace(answer, text=spoken(answer)))
        except Exception as error:
            raise OwnGraderError(
                f"{self._source}: grade raised {_said(error, self._source)} for {prompt_id}"
            ) from error
        problem = _grades_problem(grades, self.metrics)
        if problem:
            raise OwnGraderError(f"{self._source}: grade gave {problem} for {prompt_id}")
        return {metric: float(value) for metric, value in grades.items()}

    def _conversation(self, ask: Ask) -> Conversation:
        system = () if ask.system is None else (Message("system", ask.system),)
        yield Prompt(
            id=ask.id,
            task=self.name,
            language=ask.language,
            messages=(*system, Message("user", ask.text)),
            max_tokens=ask.max_tokens or self._max_tokens,
        )


def load_own_task(name: str, path: Path) -> OwnTask:
    """The task in the Python file at `path`, called `name`.

    Raises ConfigurationError, in one line, for a file that is missing, that cannot be run, or
    that does not define what this module's docstring asks for.
    """
    if not path.is_file():
        raise ConfigurationError(
            f"file: got {str(path)!r}, expected a Python file with METRICS, prompts and grade "
            "(there is none)"
        )
    source = f"file: {path}"
    spec = importlib.util.spec_from_file_location(f"loadproof_own_{name}", path)
    if spec is None or spec.loader is None:
        raise ConfigurationError(f"file: got {str(path)!r}, expected a name that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - as in _asks
        raise ConfigurationError(
            f"{source}: cannot be run: {_said(error, str(path))}; expected a file that defines "
            "METRICS, prompts and grade"
        ) from None
    finally:
        sys.path.remove(str(path.parent))
    return OwnTask(name, module, source)


def _metrics(module: ModuleType, source: str) -> tuple[str, ...]:
    names = getattr(module, "METRICS", None)
    good = isinstance(names, list | tuple) and all(
        isinstance(name, str)
        and _METRIC.fullmatch(name)
        and name not in (*_TAKEN, *COUNTERS)
        and not re.fullmatch(r"p\d+", name)
        for name in names
    )
    if not good:
        found = "is missing" if names is None else f"got {shown(names)}"
        raise ConfigurationError(
            f"{source}: METRICS: {found}; expected the names of what grade gives, such as "
            f'("rhymes",), and none of p99, {", ".join((*_TAKEN, *COUNTERS))}'
        )
    assert names is not None
    return tuple(dict.fromkeys(names))


def _function(module: ModuleType, name: str, shape: str, source: str) -> Callable[..., Any]:
    found = getattr(module, name, None)
    if not callable(found):
        said = "is missing" if found is None else f"got {shown(found)}"
        raise ConfigurationError(f"{source}: {name}: {said}; expected a function {shape}")
    function: Callable[..., Any] = found
    return function


def _number(module: ModuleType, name: str, default: float, source: str) -> float:
    value = getattr(module, name, default)
    whole = isinstance(default, int)
    kinds = int if whole else (int, float)
    least = 1 if whole else 0
    if isinstance(value, bool) or not isinstance(value, kinds) or not value >= least:
        expected = "a whole number from 1 on" if whole else "seconds, 0 or more"
        raise ConfigurationError(f"{source}: {name}: got {shown(value)}, expected {expected}")
    return float(value)


def _asks(name: str, make: Callable[[], Iterable[Any]], source: str) -> dict[str, Ask]:
    """The prompts by their ids."""
    asks: dict[str, Ask] = {}
    try:
        for index, found in enumerate(make()):
            if index >= MOST_PROMPTS or not isinstance(found, Ask):
                expected = "an end" if index >= MOST_PROMPTS else "an Ask"
                raise ConfigurationError(
                    f"{source}: prompts()[{index}]: got {shown(found)}, expected {expected}"
                )
            ask = replace(found, id=f"{name}/{found.id}")
            if ask.id in asks:
                raise ConfigurationError(
                    f"{source}: prompts()[{index}]: got {ask.text[:40]!r} a second time, expected "
                    "prompts that differ, or an id for each"
                )
            asks[ask.id] = ask
    except ConfigurationError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever a user's code raises is shown in a line
        raise ConfigurationError(
            f"{source}: prompts() raised {_said(error, source)}; expected a list of Ask"
        ) from None
    if not asks:
        raise ConfigurationError(f"{source}: prompts() gave none; expected a list of Ask")
    return asks


def _grades_problem(grades: Any, metrics: tuple[str, ...]) -> str | None:
    """What `grades` are, where they are no grades."""
    if not isinstance(grades, dict):
        return f"{shown(grades)}, expected a dict from metrics to values"
    for metric, value in grades.items():
        if metric not in metrics:
            return f"{shown(metric)}, which is not in METRICS ({', '.join(metrics)})"
        try:
            number = float(value)
        except (TypeError, ValueError):
            number = math.nan
        if not 0 <= number <= 1:
            return f"{shown(value)} as {metric}, expected a value from 0 to 1"
    return None


def _said(error: BaseException, source: str) -> str:
    """An error in a line, with the line of the user's file that it comes from."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if source.endswith(frame.filename)
    ]
    if isinstance(error, SyntaxError):
        lines.append(error.lineno)
    where = f" (line {lines[-1]})" if lines else ""
    message = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {message}".rstrip(": ") + where
