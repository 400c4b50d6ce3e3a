"""Questions with several right options: which letters an answer means."""

import re
from functools import lru_cache

from loadproof.tasks.boxes import last_box
from loadproof.tasks.choice import CHOSEN
from loadproof.tasks.statement import leads, unmarked

_AND = r"\s*(?:[,;/&+、]|\band\b|[和与及]|以及)*\s*"


def chosen_letters(text: str, options: dict[str, str]) -> frozenset[str]:
    """The letters of the options that `text` takes together; none where it takes none.

    In this order: the last box; what is stated last ("答案：ABD", "the answers are A and C"); a
    text, first paragraph or last line that is letters alone; a text that is nothing but options,
    each on a line with its letter.
    """
    reader = _reader("".join(options))
    box = last_box(text)
    if box is not None:
        return reader.at_start(unmarked(box))
    plain = unmarked(text)
    for start in reversed(leads(plain, CHOSEN)):
        found = reader.at_start(plain[start:])
        if found:
            return found
    lines = [line.strip() for line in plain.splitlines() if line.strip()]
    for candidate in (plain, plain.partition("\n\n")[0], *lines[-1:]):
        if reader.run.fullmatch(candidate.strip(" .。")):
            return reader.at_start(candidate)
    return reader.lines(lines)


class _Reader:
    """Reads runs of option letters out of unmarked text."""

    def __init__(self, names: str) -> None:
        self.letters = re.compile(rf"[{names}]")
        one = rf"[(\[\"'“「]?[{names}](?![a-z])[)\]\"'”」]?"
        self.run = re.compile(
            rf"(?:(?i:options?|choices?|letters?)\s*|选项\s*)?{one}(?:{_AND}{one})*"
        )
        self.marked = re.compile(rf"(?<![A-Za-z])[(\[]?([{names}])\s*[).:、\]]")

    def at_start(self, plain: str) -> frozenset[str]:
        """The letters that `plain` begins with; those that mark options, where it lists them."""
        match = self.run.match(plain.lstrip())
        if match is None:
            return frozenset()
        found = frozenset(
            self.letters.findall(re.sub(r"(?i:options?|choices?|letters?|and)", "", match[0]))
        )
        marked = frozenset(self.marked.findall(plain.partition("\n\n")[0]))
        return marked if len(found) == 1 and found < marked else found

    def lines(self, lines: list[str]) -> frozenset[str]:
        """The options of a text whose every line is one of them; none of one that lists all."""
        marks = [self.marked.match(line) for line in lines]
        found = frozenset(mark[1] for mark in marks if mark)
        return found if lines and all(marks) else frozenset()


@lru_cache(maxsize=64)
def _reader(names: str) -> _Reader:
    return _Reader(names)
