"""Requests as they once came in: a file of arrival times with prompts or lengths, asked again."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

from loadproof.model.answer import Answer, Message, Prompt
from loadproof.model.errors import ConfigurationError
from loadproof.model.traffic import TokenCost, Traffic
from loadproof.tasks.digest import digest_of
from loadproof.tasks.filler import filler
from loadproof.tasks.language import language_of
from loadproof.tasks.lengths import INPUT_KEYS, OUTPUT_KEYS, tokens_in
from loadproof.tasks.rows import Row, read_rows
from loadproof.tasks.task import Conversation

MAX_TOKENS = 512
_ROLES = ("system", "user", "assistant")


@dataclass(frozen=True, slots=True)
class Arrival:
    """One request of a trace: when, `at_s` seconds after the first, and what.

    Without `messages` it is a synthetic prompt of `input_tokens`. Without `output_tokens` the
    answer is as long as the model makes it.
    """

    at_s: float
    messages: tuple[Message, ...]
    input_tokens: int | None
    output_tokens: int | None


class Trace:
    """The task. The prompts come in the trace's order, each with its time in `due_s`.

    After the last one it begins anew, with times that go on: the whole trace takes as long as its
    last arrival and one mean gap. The n-th row (from 1) has the id "trace/<n>", in the p-th
    repetition "trace/<n>~<p>".
    """

    name = "trace"
    metrics: tuple[str, ...] = ()
    think_time_s = 0.0

    def __init__(self, entry: Traffic) -> None:
        """Raises ConfigurationError where the file is no trace."""
        assert entry.trace is not None, "a scenario is refused without it"
        self.arrivals = read_trace(Path(entry.trace))
        self.digest = digest_of(self.arrivals)
        self._ignore_eos = entry.ignore_eos is not False
        self._cost: TokenCost | None = entry.tokens

    @property
    def makes_prompts(self) -> bool:
        """Whether rows have lengths alone, for which prompts are made."""
        return any(not arrival.messages for arrival in self.arrivals)

    @property
    def span_s(self) -> float:
        """How long one pass takes: to the last arrival, and a mean gap."""
        last_s, gaps = self.arrivals[-1].at_s, len(self.arrivals) - 1
        return last_s + (last_s / gaps if gaps else 0.0)

    def conversations(
        self,
        seed: int,  # noqa: ARG002 - as every task has it
    ) -> Iterator[Conversation]:
        """See loadproof.tasks.task.Task. A trace is one sequence: `seed` changes nothing."""
        for passed in count():
            for number, arrival in enumerate(self.arrivals, start=1):
                yield self._conversation(number, passed, arrival)

    def grade(
        self,
        prompt_id: str,  # noqa: ARG002 - as every task has it
        answer: Answer,  # noqa: ARG002 - as every task has it
    ) -> dict[str, float]:
        """Nothing: the answers are not looked at."""
        return {}

    def _conversation(self, number: int, passed: int, arrival: Arrival) -> Conversation:
        key = f"{number}~{passed}" if passed else str(number)
        messages = arrival.messages
        if not messages:
            made = filler(self._cost)
            words = made.words_for(arrival.input_tokens or 1)
            messages = (Message("user", made.text(words, f"trace {key}")),)
        yield Prompt(
            id=f"{self.name}/{key}",
            task=self.name,
            language=language_of(messages[-1].content),
            messages=messages,
            max_tokens=arrival.output_tokens or MAX_TOKENS,
            ignore_eos=self._ignore_eos and arrival.output_tokens is not None,
            due_s=passed * self.span_s + arrival.at_s,
            is_last=True,
        )


def read_trace(path: Path) -> tuple[Arrival, ...]:
    """The requests in a file of JSON lines or CSV, in the order of their arrivals.

    A row has a time (`arrival_s` in seconds; `timestamp` in milliseconds, as Mooncake's traces;
    `TIMESTAMP` as a date, as Azure's), and `prompt`, `messages`, or an input length; an output
    length may stand beside either. Raises ConfigurationError.
    """
    if not path.is_file():
        raise ConfigurationError(
            f"got {str(path)!r}, expected a file of JSON lines with arrival_s, and prompt or "
            "input_tokens and output_tokens (there is none)"
        )
    found = [_arrival(row) for row in read_rows(path)]
    if not found:
        raise ConfigurationError(f"{path}: no requests; expected a row for each")
    found.sort(key=lambda arrival: arrival.at_s)
    first_s = found[0].at_s
    return tuple(
        Arrival(round(each.at_s - first_s, 6), each.messages, each.input_tokens, each.output_tokens)
        for each in found
    )


def _arrival(row: Row) -> Arrival:
    messages = _messages(row)
    given = tokens_in(row, INPUT_KEYS)
    if not messages and given is None:
        raise row.problem("prompt", None, f"it, or messages, or {' or '.join(INPUT_KEYS)}")
    return Arrival(_at_s(row), messages, given, tokens_in(row, OUTPUT_KEYS))


def _at_s(row: Row) -> float:
    """When a request came, in seconds from whenever."""
    for key, unit_s in (("arrival_s", 1.0), ("timestamp", 1e-3)):
        if row.fields.get(key) is None:
            continue
        try:
            at_s = float(row.fields[key]) * unit_s
        except (TypeError, ValueError):
            at_s = -1.0
        if not 0 <= at_s < float("inf"):
            raise row.problem(key, row.fields[key], "a time from 0 on")
        return at_s
    date = row.optional("TIMESTAMP")
    if date is None:
        raise row.problem("arrival_s", None, "seconds, or timestamp (ms), or TIMESTAMP (a date)")
    try:
        return datetime.fromisoformat(_six_digits(date)).timestamp()
    except ValueError:
        raise row.problem("TIMESTAMP", date, "a date such as 2023-11-16 18:17:03.9799600") from None


def _six_digits(date: str) -> str:
    """A date without the digits below a microsecond, which Azure writes and Python refuses."""
    whole, dot, rest = date.partition(".")
    digits = rest[: len(rest) - len(rest.lstrip("0123456789"))]
    return f"{whole}{dot}{digits[:6]}{rest[len(digits) :]}"


def _messages(row: Row) -> tuple[Message, ...]:
    prompt, messages = row.optional("prompt"), row.fields.get("messages")
    if messages is None:
        return () if prompt is None else (Message("user", prompt),)
    turns: Sequence[Any] = messages if isinstance(messages, list) else ()
    good = [
        Message(turn["role"], turn["content"])
        for turn in turns
        if isinstance(turn, dict)
        and turn.get("role") in _ROLES
        and isinstance(turn.get("content"), str)
    ]
    if len(good) < len(turns) or not good or good[-1].role != "user":
        raise row.problem("messages", messages, "turns with role and content, a user's at the end")
    return tuple(good)
