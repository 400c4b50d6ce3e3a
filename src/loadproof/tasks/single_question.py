"""A task of single questions: each conversation is one question and its answer."""

from collections.abc import Callable, Iterator

from loadproof.model.answer import Answer, Message, Prompt
from loadproof.model.metrics import QUALITIES
from loadproof.tasks.order import endless
from loadproof.tasks.questions import Question
from loadproof.tasks.task import Conversation
from loadproof.tasks.thinking import spoken

Questions = tuple[Question, ...]


class SingleQuestions:
    """Questions without follow-ups.

    `wording` turns a question into messages. `grader` grades the answer proper; the empty text,
    of an answer that never left its thinking, has to be wrong. `max_tokens` caps an answer, its
    thinking included, where the scenario does not say otherwise. `digest` is of questions that a
    file gave.
    """

    think_time_s = 0.0

    def __init__(
        self,
        questions: tuple[Question, ...],
        wording: Callable[[Question], tuple[Message, ...]],
        grader: Callable[[Question, str], dict[str, float]],
        max_tokens: int,
        digest: str | None = None,
    ) -> None:
        self.name = questions[0].task
        self.metrics = QUALITIES[self.name]
        self.digest = digest
        self._questions = {question.id: question for question in questions}
        self._wording = wording
        self._grader = grader
        self._max_tokens = max_tokens

    def conversations(self, seed: int) -> Iterator[Conversation]:
        """See loadproof.tasks.task.Task."""
        for question in endless(tuple(self._questions.values()), seed):
            yield self._conversation(question)

    def grade(self, prompt_id: str, answer: Answer) -> dict[str, float]:
        """See loadproof.tasks.task.Task."""
        return self._grader(self._questions[prompt_id], spoken(answer))

    def _conversation(self, question: Question) -> Conversation:
        yield Prompt(
            id=question.id,
            task=self.name,
            language=question.language,
            messages=self._wording(question),
            max_tokens=self._max_tokens,
            is_last=True,
        )
