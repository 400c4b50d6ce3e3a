"""Reading a one-line sentence symbol by symbol, with errors that point at the character."""

import difflib
import re
from collections.abc import Collection
from dataclasses import dataclass
from decimal import Decimal

from loadproof.model.quantity import NUMBER

_SYMBOL = re.compile(r"\s*([^\W\d][\w.]*|<=|>=|[(){}=<>]|[^\s(){}=<>]+)")
_AMOUNT = re.compile(rf"\s*({NUMBER})\s*(%|(?:/\s*)?[^\W\d_]+|)(?=[\s(){{}}=<>]|$)")
_SHOWN = 30


class ObjectiveError(ValueError):
    """A sentence that is no objective; the message says what was expected and where."""


@dataclass(frozen=True, slots=True)
class Amount:
    """A number with what stands for its unit ("" for none), and where it begins."""

    number: Decimal
    unit: str
    at: int


class Sentence:
    """What is left of a text, read from its beginning. Blanks between symbols are skipped."""

    def __init__(self, text: str) -> None:
        self.text = text
        self._position = 0

    def error(self, expected: str, at: int, *, among: Collection[str] = ()) -> ObjectiveError:
        """What to raise where something else than `expected` stands at index `at`.

        The closest of the names `among` which it could have been is suggested.
        """
        match = _SYMBOL.match(self.text, at)
        where = f"{expected} at character {at + 1}, where"
        if match is None:
            return ObjectiveError(f"{where} it ends")
        found = match[1]
        shown = found if len(found) <= _SHOWN else f"{found[:_SHOWN]}…"
        close = difflib.get_close_matches(found, among, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return ObjectiveError(f"{where} {shown!r} stands{hint}")

    def next(self) -> tuple[str, int]:
        """The next symbol and the index at which it begins; an empty one at the end."""
        match = _SYMBOL.match(self.text, self._position)
        if match is None:
            self._position = len(self.text)
            return "", len(self.text.rstrip())
        self._position = match.end()
        return match[1], match.start(1)

    def follows(self, symbol: str) -> bool:
        """Whether `symbol` comes next; it is read if so, and nothing is if not."""
        before = self._position
        if self.next()[0] == symbol:
            return True
        self._position = before
        return False

    def lookahead(self, pattern: str) -> re.Match[str] | None:
        """What comes next, if it matches `pattern`; it stays to be read."""
        return re.compile(rf"\s*{pattern}").match(self.text, self._position)

    def expect(self, symbol: str, why: str = "") -> None:
        """Reads `symbol`; `why` goes into the error where another stands."""
        found, at = self.next()
        if found != symbol:
            raise self.error(f"{symbol!r}{why}", at)

    def one_of(self, names: Collection[str], what: str) -> str:
        """Reads one of `names`."""
        found, at = self.next()
        if found not in names:
            raise self.error(f"{what} ({', '.join(names)})", at, among=names)
        return found

    def identifier(self, what: str) -> str:
        """Reads a name of letters, digits and underscores, in any script."""
        found, at = self.next()
        if not found.isidentifier():
            raise self.error(f"{what}, a name of letters, digits and underscores,", at)
        return found

    def amount(self, what: str, units: Collection[str]) -> Amount:
        """Reads a number with one of `units`."""
        match = _AMOUNT.match(self.text, self._position)
        unit = "" if match is None else "".join(match[2].split())
        if match is None or unit not in units:
            _, at = self.next()
            raise self.error(what, at)
        self._position = match.end()
        return Amount(Decimal(match[1]), unit, match.start(1))

    def end(self) -> None:
        """Makes sure that nothing is left."""
        found, at = self.next()
        if found:
            raise self.error("nothing more", at)
