"""What a comparison takes for equal, and what makes it fail: `--margin` and `--fail-on`."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase

from loadproof.model.comparison import Family
from loadproof.model.errors import ConfigurationError
from loadproof.model.quantity import NUMBER

DEFAULT_MARGINS = {
    Family.LATENCY: 0.05,
    Family.THROUGHPUT: 0.05,
    Family.RATE: 0.01,
    Family.QUALITY: 0.02,
}

WORSE = "worse"
UNDECIDED = "undecided"


@dataclass(frozen=True, slots=True)
class Margin:
    """Differences within `amount` (a fraction) count for nothing, of the metrics that match."""

    text: str
    pattern: str
    amount: float


@dataclass(frozen=True, slots=True)
class FailOn:
    """Fails on metrics that match and are `worse` beyond doubt, or `undecided`.

    Worse means by more than `amount` (a fraction), or, where that is None, that the comparison says
    WORSE.
    """

    text: str
    outcome: str
    pattern: str
    amount: float | None


def parse_margin(text: str) -> Margin:
    """The margin that `text` states.

    Grammar (EBNF; blanks are free around symbols)::

        margin  = pattern , ":" , amount ;
        pattern = a metric's name, such as p99(ttft), throughput(requests), rate(failed) or
                  accuracy(commonsense); or what stands before or within its parentheses, such as
                  p99, ttft, commonsense; or its family: latency, throughput, rate, quality; each
                  with * for any characters ;
        amount  = number , "%" ;

    The amount is relative for latencies and throughput, and in percentage points for rates and
    qualities. Of several margins that match a metric the last one counts.
    Raises ConfigurationError, whose message points at the character.
    """
    parts = _parts(text)
    if len(parts) < 2:
        raise _error("margin", text, len(text), "':' and an amount, as in p99:10%,")
    pattern, amount = parts[0], parts[1]
    if len(parts) > 2:
        raise _error("margin", text, parts[2][1] - 1, "nothing more")
    return Margin(text, _pattern("margin", text, pattern), _amount("margin", text, amount))


def parse_fail_on(text: str) -> FailOn:
    """The rule that `text` states.

    Grammar (EBNF; blanks are free around symbols; `pattern` and `amount` as in `parse_margin`)::

        rule = "worse" , [ ":" , pattern ] , [ ":" , amount ]
             | "undecided" , [ ":" , pattern ] ;

    `worse:5%` fails where a metric is worse by more than 5 % beyond doubt; `worse:p99(ttft):5%`
    asks that of one metric, and `worse` alone fails on each that is called WORSE.
    Raises ConfigurationError, whose message points at the character.
    """
    parts = _parts(text)
    outcome, at = parts[0]
    if outcome not in (WORSE, UNDECIDED):
        raise _error("fail-on", text, at, "worse or undecided")
    rest = parts[1:]
    amount = None
    if rest and _looks_like_amount(rest[-1][0]):
        if outcome == UNDECIDED:
            raise _error("fail-on", text, rest[-1][1], "a metric (undecided takes no amount)")
        amount = _amount("fail-on", text, rest.pop())
    elif len(rest) == 2:
        expected = "an amount such as 5%" if outcome == WORSE else "nothing more"
        raise _error("fail-on", text, rest[1][1], expected)
    if len(rest) > 1:
        raise _error("fail-on", text, rest[1][1], "an amount such as 5%, or nothing more")
    pattern = _pattern("fail-on", text, rest[0]) if rest else "*"
    return FailOn(text, outcome, pattern, amount)


def matches(pattern: str, metric: str, family: Family) -> bool:
    """Whether a pattern means a metric: by its name, a part of it, or its family."""
    head, _, argument = metric.partition("(")
    names = (metric, head, argument.removesuffix(")"), str(family))
    return any(fnmatchcase(name.replace(" ", ""), pattern) for name in names)


def refuse_unused(
    option: str, rules: Iterable[Margin | FailOn], metrics: Iterable[tuple[str, Family]]
) -> None:
    """Raises ConfigurationError for a rule that means none of the metrics."""
    known = list(dict.fromkeys(metrics))
    for rule in rules:
        if rule.pattern != "*" and not any(matches(rule.pattern, *metric) for metric in known):
            compact = [symbol for symbol, _ in _parts(rule.text)]
            index = next(k for k, part in enumerate(compact) if _compact(part) == rule.pattern)
            at = _parts(rule.text)[index][1]
            names = ", ".join(name for name, _ in known) or "none"
            raise _error(option, rule.text, at, f"a metric of this comparison ({names})")


def margin_of(margins: Iterable[Margin], metric: str, family: Family) -> float:
    """The margin that a metric is judged by."""
    found = DEFAULT_MARGINS[family]
    for margin in margins:
        if matches(margin.pattern, metric, family):
            found = margin.amount
    return found


def _parts(text: str) -> list[tuple[str, int]]:
    """What stands between the colons, without blanks around it, and where it begins."""
    parts = []
    for match in re.finditer(r"[^:]*(?::|$)", text):
        content = match[0].removesuffix(":")
        parts.append((content.strip(), match.start() + len(content) - len(content.lstrip())))
        if not match[0].endswith(":"):
            break
    return parts


def _compact(text: str) -> str:
    return "".join(text.split())


def _looks_like_amount(text: str) -> bool:
    return text.endswith("%") or text[:1].isdigit()


def _pattern(option: str, text: str, part: tuple[str, int]) -> str:
    pattern, at = _compact(part[0]), part[1]
    if not pattern or _looks_like_amount(pattern):
        raise _error(option, text, at, "a metric such as p99(ttft) or throughput")
    return pattern


def _amount(option: str, text: str, part: tuple[str, int]) -> float:
    match = re.fullmatch(rf"({NUMBER})\s*%", part[0], re.ASCII)
    if match is None:
        raise _error(option, text, part[1], "a percentage such as 5%")
    return float(match[1]) / 100


def _error(option: str, text: str, at: int, expected: str) -> ConfigurationError:
    rest = text[at:].strip()
    found = f"where {rest!r} stands" if rest else "where it ends"
    return ConfigurationError(
        f"--{option} {text!r}: expected {expected} at character {at + 1}, {found}"
    )
