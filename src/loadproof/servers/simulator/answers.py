"""What the simulated model says: right and wrong answers to the shipped questions, else prose."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import blake2b

from loadproof.model.server import Simulator
from loadproof.servers.simulator import prose
from loadproof.servers.simulator.pieces import is_chinese
from loadproof.tasks.questions import Question

_DEFAULT_ACCURACY = 0.9
_LONGEST_ANCHOR = 10
"""How much of a question's beginning is looked up at each place of a message, at most."""

_REASONS = {
    "en": (
        "The other possibilities do not fit what is described.",
        "This follows from what is given in the question.",
        "It is the only answer that agrees with every detail.",
    ),
    "zh": (
        "其他几种可能都与题目的描述不符。",
        "从题目给出的条件可以直接看出来。",
        "只有这一个与所有细节都一致。",
    ),
}
_STEPS = {
    "en": "Let me work through it step by step. First I write down what is given, then I apply "
    "the definition and simplify. Checking the result against the question, it fits.",
    "zh": "我们一步一步来计算。先写出已知条件，再代入公式并化简，"
    "最后把结果代回题目检查，是符合的。",
}


@dataclass(frozen=True, slots=True)
class Said:
    """An answer before it is cut into tokens; `thinking` is None for a model that does not."""

    thinking: str | None
    text: str


class Answers:
    """Answers as the settings want them. The same question gets the same answer, at any load."""

    def __init__(self, settings: Simulator, questions: Iterable[Question]) -> None:
        self._settings = settings
        self._questions = tuple(question for question in questions if question.answers)
        lengths = [len(question.question) for question in self._questions]
        self._anchor = min([*lengths, _LONGEST_ANCHOR])
        self._by_anchor: dict[str, list[Question]] = {}
        for question in self._questions:
            self._by_anchor.setdefault(question.question[: self._anchor], []).append(question)
        self._right = self._chosen("right", lambda question: _accuracy(settings, question.task))
        self._boxed = self._chosen("boxed", lambda _: settings.compliance)

    def say(self, message: str, seed: int | None = None) -> Said:
        """The answer to the user's `message`; `seed` varies prose, never what is right."""
        question = self.find(message)
        language = question.language if question else "zh" if is_chinese(message) else "en"
        chance = random.Random(f"{self._settings.seed} {seed} {message}")
        thinking = None
        if self._settings.thinks:
            length = prose.drawn_length(self._settings.thinking_tokens, chance)
            thinking = prose.thinking(language, length, chance)
        if question is None:
            length = prose.drawn_length(self._settings.answer_tokens, chance)
            return Said(thinking, prose.chat_answer(language, length, chance))
        return Said(thinking, self._answer(question))

    def find(self, message: str) -> Question | None:
        """The question asked within `message`, whatever stands around it; the longest of several,
        None for a message that asks none of the known ones."""
        best: Question | None = None
        for start in range(len(message)):
            for question in self._by_anchor.get(message[start : start + self._anchor], ()):
                if message.startswith(question.question, start) and (
                    best is None or len(question.question) > len(best.question)
                ):
                    best = question
        return best

    def is_right(self, question: Question) -> bool:
        """Whether `question` gets a right answer."""
        return question.id in self._right

    def _chosen(self, what: str, share: Callable[[Question], float]) -> set[str]:
        """Ids of the questions that `what` is true of, a share of those of each task and kind.

        They are those that come first when ordered by their hashes: that makes the share exact to
        one question, where a chance for each would be far off among few. Choices and short
        answers, which are graded by different metrics, each get theirs.
        """
        kinds: dict[tuple[str, bool], list[Question]] = {}
        for question in self._questions:
            kinds.setdefault((question.task, question.options is None), []).append(question)
        chosen: set[str] = set()
        for questions in kinds.values():
            questions.sort(key=lambda question: self._hash(what, question.id))
            first = questions[: round(share(questions[0]) * len(questions))]
            chosen.update(question.id for question in first)
        return chosen

    def _hash(self, what: str, id_: str) -> int:
        text = f"{self._settings.seed} {what} {id_}".encode()
        return int.from_bytes(blake2b(text, digest_size=8).digest(), "big")

    def _answer(self, question: Question) -> str:
        given = question.answers[0] if self.is_right(question) else self._wrong(question)
        chinese = question.language == "zh"
        if question.task == "boxed_math":
            result = f"\\boxed{{{given}}}" if question.id in self._boxed else f"\\({given}\\)"
            ending = f"所以答案是 {result}。" if chinese else f"So the answer is {result}."
            return f"{_STEPS[question.language]}\n\n{ending}"
        number = self._hash("reason", question.id)
        reasons = _REASONS[question.language]
        separator = "" if chinese else " "
        reason = separator.join(random.Random(number).sample(reasons, 1 + number % len(reasons)))
        return f"{reason}\n\n答案：{given}" if chinese else f"{reason}\n\nAnswer: {given}"

    def _wrong(self, question: Question) -> str:
        """A well-formed answer that is none of the accepted ones."""
        number = self._hash("wrong", question.id)
        right = question.answers
        if question.options:
            letters = [letter for letter in question.options if letter not in right]
            return letters[number % len(letters)]
        if right[0].lstrip("-").isdecimal():
            return str(int(right[0]) + 1 + number % 9)
        others = [
            other.answers[0]
            for other in self._questions
            if other.task == question.task
            and other.language == question.language
            and not other.options
            and not any(_overlap(other.answers[0], answer) for answer in right)
        ]
        if others:
            return others[number % len(others)]
        return "不知道" if question.language == "zh" else "unknown"


def _overlap(one: str, other: str) -> bool:
    """Whether one text contains the other, so that a lenient grader might take it for right."""
    a, b = one.casefold(), other.casefold()
    return a in b or b in a


def _accuracy(settings: Simulator, task: str) -> float:
    shares: dict[str, float] = dict(settings.accuracy.items())
    return shares.get(task, _DEFAULT_ACCURACY)
