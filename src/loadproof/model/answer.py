"""What is asked and what comes back, as plain data that tasks, streaming and load share."""

from dataclasses import dataclass
from typing import Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """One request's worth of asking, before the served model's policy is applied.

    `id` is the same whenever the same thing is asked, in any run. `max_tokens` caps the answer;
    with `ignore_eos` it is its length, where the server can do that. `due_s` is when a trace wants
    it sent, in seconds from its beginning; None for whatever is asked as users come to it.
    `is_last` says that no turn follows, whatever the answer: it need not be read at once.
    """

    id: str
    task: str
    language: Literal["en", "zh"]
    messages: tuple[Message, ...]
    max_tokens: int
    turn: int = 0
    ignore_eos: bool = False
    due_s: float | None = None
    is_last: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A model's answer, split into thinking and answer proper.

    `thinking` is None where the model did not think, `finished_thinking` False where the answer
    ended within its thinking. `finish_reason` is the server's ("stop", "length", …) or None.
    """

    text: str
    thinking: str | None
    finished_thinking: bool
    finish_reason: str | None
