"""Whether two pieces of LaTeX mean the same, by math-verify."""

import logging
import re
from fractions import Fraction
from functools import lru_cache
from typing import Any

_BLANK = re.compile(r"\\[ ,;:!$]|\s|~|\$")
_SIZE = re.compile(r"\\(?:left|right)(?![A-Za-z])")
_FRACTION = re.compile(r"\\[dt]frac(?![A-Za-z])")
_RATIONAL = re.compile(
    r"(?P<minus>-)? ?(?:(?P<whole>\d{1,30})"
    r"|\\frac ?\{ ?(?P<above>-?\d{1,30}) ?\} ?\{ ?(?P<below>\d{1,30}) ?\}"
    r"|(?P<over>\d{1,30}) ?/ ?(?P<under>\d{1,30}))",
    re.ASCII,
)
_HAN_WORDS = re.compile(r"\\(?:text|mathrm|mbox)\{[^{}]*[㐀-鿿][^{}]*\}|[㐀-鿿°]+$")
_HAN_SIGNS = str.maketrans(
    dict(zip("，：；（）【】－＋＝−", ",:;()[]-+=-", strict=True))
    | {"｛": r"\{", "｝": r"\}"}
    | {"或": r"\text{ or }", "和": ",", "、": ","}
)


@lru_cache(maxsize=8192)
def equivalent(gold: str, answer: str) -> bool:
    """Whether `answer` (what stood in a box) is mathematically the same as `gold`, both LaTeX.

    Equal writing, whole numbers and plain fractions are compared at once; the rest is
    math-verify's (Kydlíček 2024): it parses both to sympy and compares numbers, expressions, sets,
    intervals, equations. Its own timeouts are off, as they need signals; the caller has to be a
    process that may be killed.
    """
    left, right = _writing(gold), _writing(answer)
    if left == right:
        return True
    if not right:
        return False
    number, other = _rational(left), _rational(right)
    if number is not None and other is not None:
        return number == other
    from math_verify import verify

    return bool(
        verify(_parsed(left), _parsed(right), timeout_seconds=None, allow_set_relation_comp=True)
    )


def prepare() -> None:
    """Loads sympy and the parser, so that the first comparison does not wait for them."""
    equivalent(r"\frac{1}{2}", "0.5")
    equivalent(r"\{1, 2\}", r"\sqrt{2}x")


def _writing(latex: str) -> str:
    """`latex` without what changes its looks alone, and without Chinese units."""
    text = _HAN_WORDS.sub("", latex.translate(_HAN_SIGNS).strip())
    text = _BLANK.sub(lambda match: " " if match[0].isspace() else "", text)
    text = text.replace(r"\varnothing", r"\emptyset")
    text = _FRACTION.sub(r"\\frac", _SIZE.sub("", text))
    return " ".join(text.split()).rstrip(". ")


def _rational(writing: str) -> Fraction | None:
    """The value of a whole number or of a fraction of two, None for anything else."""
    match = _RATIONAL.fullmatch(writing)
    if match is None:
        return None
    above = match["whole"] or match["above"] or match["over"]
    below = int(match["below"] or match["under"] or 1)
    return Fraction(int(above), below) * (-1 if match["minus"] else 1) if below else None


@lru_cache(maxsize=4096)
def _parsed(latex: str) -> list[Any]:
    """What math-verify reads in `latex`: a sympy object, or nothing."""
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse

    logging.getLogger("math_verify").setLevel(logging.ERROR)
    found: list[Any] = parse(
        f"${latex}$",
        extraction_config=[LatexExtractionConfig(), ExprExtractionConfig()],
        fallback_mode="no_fallback",
        parsing_timeout=None,
    )
    return found
