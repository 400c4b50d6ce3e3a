"""Conversations of several turns, whose history grows with what the model really answered."""

from collections.abc import Iterator

from loadproof.model.answer import Answer, Message, Prompt
from loadproof.model.lengths import Lengths
from loadproof.model.metrics import QUALITIES
from loadproof.tasks.lengths import drawn, fraction
from loadproof.tasks.order import endless
from loadproof.tasks.questions import Question
from loadproof.tasks.repetition import loops
from loadproof.tasks.task import Conversation
from loadproof.tasks.thinking import spoken

MAX_TOKENS = 1024
"""Well above what chats have: of the answers in LMSYS-Chat-1M (Zheng et al. 2023) the mean is 215
tokens."""

THINK_TIME_S = 5.0
"""Mean time in which a user reads an answer and types the next turn."""

_SYSTEM = {"en": "You are a helpful assistant.", "zh": "你是一位乐于助人的助手。"}


class Chat:
    """The task. Turn n (from 0) of the conversation "chat/zh-004" has the id "chat/zh-004#n".

    An answer is as long as the model makes it. With `lengths` it is as long as is drawn from
    there, whatever the model would say: at most, or exactly with `ignore_eos`.
    """

    name = "chat"
    think_time_s = THINK_TIME_S

    def __init__(
        self,
        openings: tuple[Question, ...],
        digest: str | None = None,
        lengths: Lengths | None = None,
        *,
        ignore_eos: bool = False,
    ) -> None:
        """`digest` is of openings that a file gave."""
        self.digest = digest
        self.metrics = QUALITIES[self.name]
        self._openings = openings
        self._ids = {opening.id for opening in openings}
        self._lengths = lengths
        self._ignore_eos = ignore_eos

    def conversations(self, seed: int) -> Iterator[Conversation]:
        """See loadproof.tasks.task.Task."""
        for opening in endless(self._openings, seed):
            yield self._conversation(opening)

    def grade(self, prompt_id: str, answer: Answer) -> dict[str, float]:
        """`answered`: something was said, and it does not end in a loop. `complete`: it was not
        cut off at its longest; left out where the scenario says how long answers are."""
        if prompt_id.rpartition("#")[0] not in self._ids:
            raise KeyError(prompt_id)
        text = spoken(answer)
        grades = {"answered": float(bool(text) and not loops(text))}
        if self._lengths is None:
            grades["complete"] = float(answer.finish_reason != "length")
        return grades

    def _conversation(self, opening: Question) -> Conversation:
        """The turns of one conversation. Thinking is not sent back; no reply ends it."""
        history = [Message("system", _SYSTEM[opening.language])]
        for turn, text in enumerate((opening.question, *opening.follow_ups)):
            history.append(Message("user", text))
            id_ = f"{opening.id}#{turn}"
            answer = yield Prompt(
                id=id_,
                task=opening.task,
                language=opening.language,
                messages=tuple(history),
                max_tokens=self._longest(id_),
                turn=turn,
                ignore_eos=self._ignore_eos,
            )
            reply = "" if answer is None else spoken(answer)
            if not reply:
                return
            history.append(Message("assistant", reply))

    def _longest(self, id_: str) -> int:
        return MAX_TOKENS if self._lengths is None else drawn(self._lengths, fraction(id_))
