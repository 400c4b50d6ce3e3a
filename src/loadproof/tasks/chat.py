"""Conversations of several turns, whose history grows with what the model really answered."""

from collections.abc import Iterator

from loadproof.model.answer import Answer, Message, Prompt
from loadproof.model.metrics import QUALITIES
from loadproof.tasks.order import endless
from loadproof.tasks.questions import Question
from loadproof.tasks.repetition import loops
from loadproof.tasks.task import Conversation
from loadproof.tasks.thinking import spoken

MAX_TOKENS = 512
THINK_TIME_S = 5.0
"""Mean time in which a user reads an answer and types the next turn."""

_SYSTEM = {"en": "You are a helpful assistant.", "zh": "你是一位乐于助人的助手。"}


class Chat:
    """The task. Turn n (from 0) of the conversation "chat/zh-004" has the id "chat/zh-004#n"."""

    name = "chat"
    metrics = QUALITIES["chat"]
    think_time_s = THINK_TIME_S

    def __init__(self, openings: tuple[Question, ...], digest: str | None = None) -> None:
        """`digest` is of openings that a file gave."""
        self.digest = digest
        self._questions = openings
        self._ids = {question.id for question in self._questions}

    def conversations(self, seed: int) -> Iterator[Conversation]:
        """See loadproof.tasks.task.Task."""
        for question in endless(self._questions, seed):
            yield conversation(question)

    def grade(self, prompt_id: str, answer: Answer) -> dict[str, float]:
        """`answered`: something was said, and it does not end in a loop."""
        if prompt_id.rpartition("#")[0] not in self._ids:
            raise KeyError(prompt_id)
        text = spoken(answer)
        return {"answered": float(bool(text) and not loops(text))}


def conversation(opening: Question) -> Conversation:
    """The turns of one conversation. Thinking is not sent back; no reply ends it."""
    history = [Message("system", _SYSTEM[opening.language])]
    for turn, text in enumerate((opening.question, *opening.follow_ups)):
        history.append(Message("user", text))
        answer = yield Prompt(
            id=f"{opening.id}#{turn}",
            task=opening.task,
            language=opening.language,
            messages=tuple(history),
            max_tokens=MAX_TOKENS,
            turn=turn,
        )
        reply = "" if answer is None else spoken(answer)
        if not reply:
            return
        history.append(Message("assistant", reply))
