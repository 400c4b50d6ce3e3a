"""Short deductions: a weekday, a number or a word that an answer arrives at."""

import re
from collections.abc import Callable, Sequence

from loadproof.tasks.numerals import numbers
from loadproof.tasks.short_answer import squad_normal
from loadproof.tasks.statement import stated, unmarked

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_WEEKDAY = re.compile(rf"\b({'|'.join(_WEEKDAYS)})s?\b|(?:星期|礼拜|周)([一二三四五六日天])", re.I)
_BOLD = re.compile(r"\*\*([^*\n]{1,60})\*\*")
_REASON = re.compile(r"\s*(?:,\s*)?\b(?:because|since)\b[^.\n]*|(?:因为|由于)[^。\n]*", re.I)
_SENTENCE_END = re.compile(r"[。!?;\n]|\.(?:\s|$)")

Values = Callable[[str], Sequence[object]]
"""Reads all values of one kind out of a text, in order."""


def is_deduced(text: str, accepted: Sequence[str]) -> bool:
    """Whether `text` arrives at one of the `accepted` answers.

    Weekdays and numbers are compared by value, in English, Chinese and figures; other words after
    SQuAD's normalisation. What counts is what the text states as its answer (box, "Answer: …"),
    else its last bold words, a first line that is a value alone, or its last sentence.
    """
    values = _reader(accepted)
    wanted = {values(answer)[0] for answer in accepted}
    found = _conclusion(text, values)
    return found is not None and found in wanted


def weekdays(text: str) -> list[int]:
    """The weekdays that `text` names, in order; Monday is 0."""
    return [
        _WEEKDAYS.index(match[1].lower())
        if match[1]
        else min("一二三四五六日天".index(match[2]), 6)
        for match in _WEEKDAY.finditer(text)
    ]


def _reader(accepted: Sequence[str]) -> Values:
    for values in (weekdays, numbers):
        if all(len(values(answer)) == 1 for answer in accepted):
            return values
    return _words


def _words(text: str) -> list[str]:
    normal = squad_normal(text).strip(" 。，！")
    return [normal] if normal else []


def _conclusion(text: str, values: Values) -> object | None:
    """The value that the text arrives at, or None."""
    said = stated(text)
    if said is not None:
        result = said.rpartition("=")[2]
        found = values(result) or values(said)
        if found:
            return found[0]
    for bold in reversed(_BOLD.findall(text)):
        found = values(bold.rpartition("=")[2])
        if found:
            return found[-1]
    plain = unmarked(text)
    first = plain.partition("\n")[0]
    if len(first) <= 24 and len(values(first)) == 1:
        return values(first)[0]
    for sentence in reversed(_SENTENCE_END.split(_REASON.sub("", plain))):
        found = values(sentence)
        if found:
            return found[-1]
    return None
