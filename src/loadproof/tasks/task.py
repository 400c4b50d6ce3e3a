"""What a task is: a seeded sequence of conversations, and a grader for their answers."""

from collections.abc import Generator, Iterator
from typing import Protocol

from loadproof.model.answer import Answer, Prompt

Conversation = Generator[Prompt, Answer | None, None]
"""One user's questions, in turn: `next()` gives the first prompt, `send(answer)` the next one, and
StopIteration says that there is none. None stands for an answer that never came."""


class Task(Protocol):
    """One kind of traffic."""

    @property
    def name(self) -> str:
        """As scenarios, records and objectives call it."""

    @property
    def metrics(self) -> tuple[str, ...]:
        """What the grader may give."""

    @property
    def digest(self) -> str | None:
        """Of the prompts that a file gave; None where they are loadproof's own."""

    @property
    def think_time_s(self) -> float:
        """Mean pause of a user between an answer and the next turn; 0 where there is none."""

    def conversations(self, seed: int) -> Iterator[Conversation]:
        """Conversations without end. The k-th one depends on `seed` and k alone."""

    def grade(self, prompt_id: str, answer: Answer) -> dict[str, float]:
        """How good `answer` is, metric to value from 0 to 1 (see model.metrics.QUALITIES).

        Metrics that do not apply to this prompt are left out. Raises KeyError for an id that the
        task never gave.
        """
