"""Multiple choice: which letter an answer means."""

import re
from functools import lru_cache

from loadproof.tasks.boxes import last_box
from loadproof.tasks.statement import LEAD, Phrase, leads, unmarked

CHOSEN = Phrase(
    re.compile(
        LEAD.pattern.pattern
        + r"""
    | (?:\b(?i:it\s+is|it's|it\s+must\s+be|i\s+(?:would\s+)?(?:choose|pick|select)
        |i(?:'d|\s+would|'ll|\s+will)\s+go\s+with|choose|select|go\s+with))\s+
    | (?:应该是|应当是|应是|就是|(?<![不能该可])(?:选择|选))\s*:?\s*
    """,
        re.VERBOSE,
    ),
    (*LEAD.words, "it", "choose", "pick", "select", "go", "应", "就是", "选"),
)
"""The words after which a choice stands, in unmarked text."""

_EXPLAINED = re.compile(r"\s(?:because|since|as|is|and|for|which|due|means|refers)\b")
_LONGEST_LINE = 120


def chosen_letter(text: str, options: dict[str, str]) -> str | None:
    """The letter of the option that `text` means, or None where it means none or several.

    In this order: the last box; the last statement ("the answer is B", "B is correct", "故选B"); a
    text, first paragraph or last line that is one option; an option's own words, named alone; the
    only letter, at the end. Of several statements the last one counts, a hedge ("B or C") states
    nothing.
    """
    reader = _reader(tuple(options.items()))
    box = last_box(text)
    if box is not None:
        letter = reader.at_start(unmarked(box))
        if letter:
            return letter
    plain = unmarked(text)
    return (
        reader.statement(plain) or reader.alone(plain) or reader.named(plain) or reader.only(plain)
    )


class _Reader:
    """Reads option letters and texts out of unmarked text."""

    def __init__(self, options: dict[str, str]) -> None:
        names = "".join(options)
        self.options = options
        self.texts = sorted(
            ((unmarked(text).casefold(), letter) for letter, text in options.items()),
            key=lambda pair: -len(pair[0]),
        )
        self.mentions = [
            (Phrase(_mention(words), (words,)), letter) for words, letter in self.texts if words
        ]
        self.letter = re.compile(
            rf"(?i:(?:the\s+)?(?:option|choice|letter|answer)\s+|选项\s*)?[(\[\"'“「]?"
            rf"(?P<letter>[{names}])(?![A-Za-z0-9+\-]\w?)[)\]\"'”」]?(?:\s*(?:选项|项))?"
        )
        self.hedge = re.compile(
            rf"\s*(?:/|&|、|,?\s*\b(?:and|or)\b|和|与|或者|或|以及)\s*[(\[]?[{names}]"
            rf"(?![A-Za-z0-9])(?!\)?\s+(?:is|are|was|were|would|does)\b)"
        )
        self.right = Phrase(
            re.compile(
                rf"(?<![A-Za-z0-9.\-])[(\[]?(?P<letter>[{names}])[)\]]?(?:\s*(?:选项|项))?"
                rf"(?:\s+(?:is|must\s+be|would\s+be|seems)\s+(?:(?:the|most|likely|single|only)\s+)*"
                rf"(?:correct|right|best|true|answer)\b|\s*(?:是|为)?\s*(?:正确|对的|正解|最佳))"
                rf"(?!吗)"
            ),
            ("correct", "right", "best", "true", "answer", "正确", "对的", "正解", "最佳"),
        )
        self.line = re.compile(
            rf"(?i:option\s+|选项\s*)?[(\[]?(?P<letter>[{names}])(?:[)\].:、,]|\s*$|\s+[-—–])(?P<rest>.*)",
            re.DOTALL,
        )
        self.bare = re.compile(
            rf"(?<![A-Za-z0-9])(?<![Vv]itamin\s)(?P<letter>[{names}])(?![A-Za-z0-9])"
        )
        self.tail = re.compile(rf"(?:[=:>→,，]|[\s(]so)\s*\(?(?P<letter>[{names}])\)?[.。!]?\s*$")

    def at_start(self, plain: str) -> str | None:
        """The option that `plain` begins with, by its words or else by its letter."""
        plain = plain.lstrip()
        folded = plain.casefold()
        for words, letter in self.texts:
            if words and folded.startswith(words) and not _runs_on(folded, len(words)):
                return letter
        match = self.letter.match(plain)
        if match is None or self.hedge.match(plain, match.end()):
            return None
        rest = plain[match.end() :]
        if match["letter"] == "A" and re.match(r"\s+[a-z]", rest) and not _EXPLAINED.match(rest):
            return None  # the article
        if re.match(r"\s*[㐀-鿿]", rest) and self.is_word_with(match["letter"], rest):
            return None
        return match["letter"]

    def is_word_with(self, letter: str, rest: str) -> bool:
        """Whether the letter is the beginning of an option's words, such as C反应蛋白."""
        joined = (letter + rest.lstrip()[:1]).casefold()
        return any(joined in words for words, _ in self.texts)

    def statement(self, plain: str) -> str | None:
        """The last option that is stated to be the answer."""
        found = [(start, self.at_start(plain[start:])) for start in leads(plain, CHOSEN)]
        found += [(match.start(), match["letter"]) for match in self.right.found(plain)]
        kept = [(start, letter) for start, letter in sorted(found) if letter]
        return kept[-1][1] if kept else None

    def alone(self, plain: str) -> str | None:
        """The option that stands alone: as the whole text, its first paragraph or its last line."""
        if re.fullmatch(r"\(?[a-z]\)?\.?", plain):
            return (
                plain.strip("().").upper() if plain.strip("().").upper() in self.options else None
            )
        first = re.split(r"\n\s*\n", plain)[0].strip()
        lines = _lines(plain)
        if letter := self.whole(first):
            return letter
        if lines and not self.is_enumeration(lines) and (letter := self.whole(lines[-1])):
            return letter
        tail = self.tail.search(plain)
        return tail["letter"] if tail else None

    def whole(self, candidate: str) -> str | None:
        """The option that one short line is, by its letter or its words."""
        if "\n" in candidate or len(candidate) > _LONGEST_LINE:
            return None
        folded = candidate.casefold().strip(" .。!,;")
        for words, letter in self.texts:
            if folded == words:
                return letter
        match = self.line.match(candidate)
        if match is None or self.hedge.match(candidate, match.end("letter")):
            return None
        return match["letter"]

    def is_enumeration(self, lines: list[str]) -> bool:
        """Whether the last lines only repeat the options, in their order."""
        if len(lines) < 2:
            return False
        before, last = self.line.match(lines[-2]), self.line.match(lines[-1])
        if before is None or last is None or not last["rest"].strip(" .)"):
            return False
        return before["letter"] < last["letter"]

    def named(self, plain: str) -> str | None:
        """The one option whose words occur in the text, else in its last sentence."""
        folded = plain.casefold()
        parts = [folded]
        if not self.is_enumeration(_lines(plain)):
            parts += [part for part in re.split(r"[。!?\n]|\.\s", folded) if part.strip()][-1:]
        for part in parts:
            letters = self.mentioned(part)
            if len(letters) == 1:
                return letters.pop()
        return None

    def only(self, plain: str) -> str | None:
        """The letter that a text without any option's words ends with, if it names no other."""
        found = list(self.bare.finditer(plain))
        letters = {match["letter"] for match in found}
        if len(letters) != 1 or not re.fullmatch(r"\W*", plain[found[-1].end() :]):
            return None
        if any(CHOSEN.found(plain)):
            return None  # it stated something, in doubt or hedged
        return letters.pop()

    def mentioned(self, folded: str) -> set[str]:
        """The options whose words occur, longer ones first: a word counts for one of them."""
        letters: set[str] = set()
        for mention, letter in self.mentions:
            if any(mention.found(folded)):
                folded = mention.pattern.sub(" ", folded)
                letters.add(letter)
        return letters


@lru_cache(maxsize=1024)
def _reader(options: tuple[tuple[str, str], ...]) -> _Reader:
    """The reader for a question's options; its patterns cost ten times what one answer does."""
    return _Reader(dict(options))


def _mention(words: str) -> re.Pattern[str]:
    """Finds an option's words in folded text, as words of their own where they are English."""
    pattern = re.escape(words)
    return re.compile(rf"(?<![a-z0-9]){pattern}(?![a-z0-9])" if words.isascii() else pattern)


def _lines(plain: str) -> list[str]:
    return [line.strip() for line in plain.splitlines() if line.strip()]


def _runs_on(text: str, end: int) -> bool:
    """Whether the word that ends at `end` goes on there."""
    return (
        text[end - 1].isascii() and text[end : end + 1].isascii() and text[end : end + 1].isalnum()
    )
