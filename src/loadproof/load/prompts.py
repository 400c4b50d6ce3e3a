"""Which question is asked next: a seeded sequence, dealt out between workers."""

from bisect import bisect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from itertools import accumulate, islice

from loadproof.model.answer import Answer, Prompt
from loadproof.tasks.task import Conversation, Task


class PromptSource:
    """One worker's share of a load step's questions.

    The k-th request's task and each task's k-th conversation depend on the seed and k alone, and
    worker `index` of `count` takes every count-th of them: the same questions are asked at each
    level, and by any number of workers.
    """

    def __init__(
        self,
        tasks: Mapping[str, Task],
        weights: Mapping[str, float],
        seed: int,
        share: tuple[int, int],
    ) -> None:
        index, count = share
        self._names = list(weights)
        self._bounds = list(accumulate(weights.values()))
        self._seed = seed
        self._next, self._stride = index, count
        self._conversations: dict[str, Iterator[Conversation]] = {
            name: islice(tasks[name].conversations(seed), index, None, count) for name in weights
        }

    def next_task(self) -> str:
        """The name of the task that the next request is of."""
        # A generator seeded anew for each request would cost ten times what this hash does.
        number = blake2b(b"%d/%d" % (self._seed, self._next), digest_size=6).digest()
        self._next += self._stride
        drawn = int.from_bytes(number) / 2**48 * self._bounds[-1]
        return self._names[bisect(self._bounds, drawn)]

    def next_conversation(self, task: str) -> Conversation:
        """The next conversation of `task`."""
        return next(self._conversations[task])


@dataclass(frozen=True, slots=True)
class Talk:
    """Where a conversation stands: the prompt to send next, and the level it began at."""

    prompt: Prompt
    conversation: Conversation
    epoch: int


class Talks:
    """One user's open conversations, at most one a task."""

    def __init__(self) -> None:
        self._open: dict[str, Talk] = {}
        self._unread: dict[str, Callable[[], None]] = {}

    def next(self, source: PromptSource, epoch: int) -> Talk:
        """What the user asks next: the next turn of an open conversation, or a new one.

        Conversations that began before `epoch`, at another load level, are not gone on with.
        """
        task = source.next_task()
        read = self._unread.pop(task, None)
        if read is not None:
            read()
        talk = self._open.pop(task, None)
        if talk is not None and talk.epoch == epoch:
            return talk
        conversation = source.next_conversation(task)
        return Talk(next(conversation), conversation, epoch)

    def wait_for(self, talk: Talk, read: Callable[[], None]) -> None:
        """The answer in `talk` has come but is unread; `read` leads to `answered`."""
        self._unread[talk.prompt.task] = read

    def answered(self, talk: Talk, answer: Answer) -> None:
        """Goes on with a conversation, if it has a further turn."""
        self._unread.pop(talk.prompt.task, None)
        try:
            prompt = talk.conversation.send(answer)
        except StopIteration:
            return
        self._open[talk.prompt.task] = Talk(prompt, talk.conversation, talk.epoch)
