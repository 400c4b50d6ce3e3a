"""One prompt of a user's own task, checked where it is made."""

from dataclasses import dataclass
from typing import Any, Literal

from loadproof.tasks.digest import id_of


@dataclass(frozen=True, slots=True)
class Ask:
    """One prompt of a user's own.

    `truth` is for the grader and never sent. `id` tells prompts apart in the records; without one
    it is made of the prompt's words. `max_tokens` replaces the file's MAX_TOKENS. Raises
    ValueError for what cannot be sent.
    """

    text: str
    truth: Any = None
    language: Literal["en", "zh"] = "en"
    system: str | None = None
    id: str = ""
    max_tokens: int | None = None

    def __post_init__(self) -> None:
        expectations: dict[str, tuple[str, bool]] = {
            "text": ("some text", _is_text(self.text) and bool(self.text.strip())),
            "language": ('"en" or "zh"', self.language in ("en", "zh")),
            "system": ("text, or None", self.system is None or _is_text(self.system)),
            "id": ("text", _is_text(self.id)),
            "max_tokens": ("a number from 1 on, or None", _is_count(self.max_tokens)),
        }
        for name, (expected, met) in expectations.items():
            if not met:
                raise ValueError(f"{name}: got {shown(getattr(self, name))}, expected {expected}")
        if not self.id:
            object.__setattr__(self, "id", id_of(self.system, self.text))


def shown(value: object) -> str:
    """`value` as an error shows it: on a line, and not all of a long one."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return value is None or (isinstance(value, int) and value >= 1)
