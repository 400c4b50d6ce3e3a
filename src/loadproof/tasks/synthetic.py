"""Prompts of given lengths that ask nothing, for runs that are about capacity alone."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path

from loadproof.model.answer import Answer, Message, Prompt
from loadproof.model.traffic import Traffic
from loadproof.tasks.digest import digest_of
from loadproof.tasks.filler import filler
from loadproof.tasks.lengths import drawn, fraction, read_lengths
from loadproof.tasks.task import Conversation


class Synthetic:
    """The task. The k-th prompt of a seed has the id "synthetic/<seed>-<k>"."""

    name = "synthetic"
    metrics: tuple[str, ...] = ()
    think_time_s = 0.0
    makes_prompts = True

    def __init__(self, entry: Traffic) -> None:
        """Raises ConfigurationError where the file of lengths cannot be used."""
        self._entry = entry
        self._pairs = () if entry.lengths is None else read_lengths(Path(entry.lengths))
        self.digest = digest_of(self._pairs) if self._pairs else None
        self._filler = filler(entry.tokens)

    def conversations(self, seed: int) -> Iterator[Conversation]:
        """See loadproof.tasks.task.Task."""
        for number, (given, asked) in enumerate(self._lengths(seed)):
            yield self._conversation(f"{seed}-{number}", given, asked)

    def grade(
        self,
        prompt_id: str,  # noqa: ARG002 - as every task has it
        answer: Answer,  # noqa: ARG002 - as every task has it
    ) -> dict[str, float]:
        """Nothing: the answers are not looked at."""
        return {}

    def _lengths(self, seed: int) -> Iterator[tuple[int, int]]:
        """Input and output tokens, without end."""
        if self._pairs:
            for number in count():
                order = sorted(range(len(self._pairs)), key=lambda i: fraction(seed, number, i))
                yield from (self._pairs[index] for index in order)
        given, asked = self._entry.input_tokens, self._entry.output_tokens
        assert given is not None, "a scenario is refused without it"
        assert asked is not None, "a scenario is refused without it"
        for number in count():
            yield (
                drawn(given, fraction(seed, number, "input")),
                drawn(asked, fraction(seed, number, "output")),
            )

    def _conversation(self, key: str, given: int, asked: int) -> Conversation:
        yield Prompt(
            id=f"{self.name}/{key}",
            task=self.name,
            language="en",
            messages=(Message("user", self._text(key, given)),),
            max_tokens=asked,
            ignore_eos=self._entry.ignore_eos is not False,
            is_last=True,
        )

    def _text(self, key: str, tokens: int) -> str:
        words = self._filler.words_for(tokens)
        shared = round(words * (self._entry.shared_prefix or 0.0))
        if shared == 0:
            return self._filler.text(words, key)
        groups = self._entry.prefix_groups or 1
        group = int(fraction(key, "group") * groups)
        parts = [self._filler.text(shared, f"prefix {group}")]
        if words > shared:
            parts.append(self._filler.text(words - shared, key))
        return " ".join(parts)
