"""A question as a public set has it, before it gets its id in loadproof."""

from dataclasses import dataclass

from loadproof.tasks.questions import Difficulty, Language


@dataclass(frozen=True, slots=True)
class Found:
    """The fields of loadproof.tasks.questions.Question; `id` is the set's own, None without one."""

    id: str | None
    language: Language
    question: str
    options: dict[str, str] | None
    answer: str
    difficulty: Difficulty | None = None
    follow_ups: tuple[str, ...] = ()
