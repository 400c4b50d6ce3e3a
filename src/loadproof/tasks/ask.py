"""One prompt of a user's own task, checked where it is made."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Literal


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
            words = repr((self.system, self.text)).encode("utf-8", "replace")
            object.__setattr__(self, "id", blake2b(words, digest_size=6).hexdigest())


def digest_of(asks: Iterable[Ask]) -> str:
    """Of all that is sent; what only the grader sees may be of any kind."""
    found = blake2b(digest_size=8)
    for ask in asks:
        sent = repr((ask.id, ask.text, ask.system, ask.language, ask.max_tokens))
        found.update(sent.encode("utf-8", "replace"))
    return found.hexdigest()


def shown(value: object) -> str:
    """`value` as an error shows it: on a line, and not all of a long one."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_count(value: object) -> bool:
    return value is None or (isinstance(value, int) and value >= 1)
