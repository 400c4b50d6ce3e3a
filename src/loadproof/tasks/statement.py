"""What a text states as its answer, by the words that lead up to it."""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from loadproof.tasks.boxes import last_box

_LATEX_WRAPPER = re.compile(r"\\(?:text|mathrm|mathbf|textbf|mbox|operatorname)\s*\{([^{}]*)\}")
_MARKS = re.compile(r"\*+|`+|\\[()\[\]]|\$|(?<!\w)_+|_+(?!\w)|^\s*(?:#+|>)\s*", re.MULTILINE)
_MARK = re.compile(r"[*`\\$_#>]")
"""What every match of `_MARKS` has in it."""
_TAG = re.compile(r"</?(?:b|i|strong|em|p|br|code)\s*/?>", re.IGNORECASE)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A pattern, and words of which each of its matches has one, in lower case: to look for these
    first takes little time, and most texts hold none of most phrases."""

    pattern: re.Pattern[str]
    words: tuple[str, ...]

    def found(self, plain: str) -> Iterator[re.Match[str]]:
        """All matches in `plain`."""
        lower = plain.lower()
        if any(word in lower for word in self.words):
            yield from self.pattern.finditer(plain)


LEAD = Phrase(
    re.compile(
        r"""
    (?:\b(?i:answer|option|choice|solution|conclusion)
        (?:\s+(?i:to|for)\s+[^.:\n]{1,60}?)?
        (?:\s+(?i:is|would\s+be|should\s+be|must\s+be|will\s+be)(?![A-Za-z])\s*:?|\s*[:=]|\s*\n)
     | (?:答案|正确选项|结论)\s*(?:应该|应当|应|就|只能)?\s*(?:(?:[是为:=]|选(?!项))+|\n)
    )\s*
    """,
        re.VERBOSE,
    ),
    ("answer", "option", "choice", "solution", "conclusion", "答案", "正确选项", "结论"),
)
"""The words after which an answer stands, in text that `unmarked` has been over."""

_DOUBT = re.compile(
    r"(?:\b(?i:not|cannot|never|whether|unless)|n't|\b(?i:if))\s+(?:[\w']+\s+){0,3}$"
    r"|(?:不认为|不觉得|是否|如果|若)[^。,\n]{0,6}$"
)


def unmarked(text: str) -> str:
    r"""`text` without Markdown's and LaTeX's dress, full-width letters and signs made plain."""
    plain = unicodedata.normalize("NFKC", text)
    if "\\" in plain:
        plain = _LATEX_WRAPPER.sub(r"\1", plain)
        plain = _BOX.sub(r" \1 ", plain)
    if "<" in plain:
        plain = _TAG.sub("", plain)
    if _MARK.search(plain):
        plain = _MARKS.sub("", plain)
    return plain.strip()


def leads(plain: str, lead: Phrase = LEAD) -> list[int]:
    """Where, in unmarked text, answers begin that are stated without doubt, in order."""
    return [
        match.end()
        for match in lead.found(plain)
        if not _DOUBT.search(plain[max(0, match.start() - 40) : match.start()])
    ]


def stated(text: str) -> str | None:
    """What `text` says that its answer is: its last box, or the line after its last lead.

    None where it states no answer. Unmarked.
    """
    box = last_box(text)
    if box is not None:
        return unmarked(box)
    plain = unmarked(text)
    for start in reversed(leads(plain)):
        line = plain[start:].partition("\n")[0].strip()
        if line:
            return line
    return None
