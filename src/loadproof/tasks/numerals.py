"""Numbers as people write them in an answer: 1,200, 3/4, 50%, twelve, 十二."""

import re
import unicodedata

_FIGURES = r"-?\d+(?:,\d{3})+(?:\.\d+)?|-?\d+(?:\.\d+)?"
_UP_TO_NINE = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_TEENS = ("ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen")
_SMALL = (*_UP_TO_NINE, *_TEENS, "eighteen", "nineteen")
_TENS = ("twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")
_DIGITS = {sign: value for value, sign in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_UNITS = {"十": 10, "百": 100, "千": 1000, "万": 10_000}
_NUMBER = re.compile(
    rf"(?P<figures>{_FIGURES})(?:\s*/\s*(?P<below>\d+))?(?P<percent>\s*%)?"
    rf"|\b(?P<tens>{'|'.join(_TENS)})(?:[- ](?P<ones>{'|'.join(_SMALL[1:10])}))?\b"
    rf"|\b(?P<small>{'|'.join(_SMALL)})\b"
    rf"|(?P<han>[{''.join(_DIGITS)}{''.join(_UNITS)}]+)",
    re.IGNORECASE,
)


def numbers(text: str) -> list[float]:
    """The numbers in `text`, in order."""
    plain = unicodedata.normalize("NFKC", text)
    return [_value(match) for match in _NUMBER.finditer(plain)]


def _value(match: re.Match[str]) -> float:
    if match["figures"]:
        value = float(match["figures"].replace(",", ""))
        if match["below"] and float(match["below"]):
            value /= float(match["below"])
        return value / 100 if match["percent"] else value
    if match["tens"]:
        ones = _SMALL.index(match["ones"].lower()) if match["ones"] else 0
        return 20.0 + 10 * _TENS.index(match["tens"].lower()) + ones
    if match["small"]:
        return float(_SMALL.index(match["small"].lower()))
    return _han(match["han"])


def _han(text: str) -> float:
    """The value of a Chinese numeral below a hundred million, such as 三百零五."""
    if not any(sign in _UNITS for sign in text):
        return float("".join(str(_DIGITS[sign]) for sign in text))
    total, section, digit = 0, 0, 0
    for sign in text:
        if sign in _DIGITS:
            digit = _DIGITS[sign]
        elif sign == "万":
            total, section, digit = (total + section + digit) * 10_000, 0, 0
        else:
            section += (digit or 1) * _UNITS[sign]
            digit = 0
    return float(total + section + digit)
