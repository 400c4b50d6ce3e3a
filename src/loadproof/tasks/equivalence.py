"""Whether two pieces of LaTeX mean the same, by math-verify."""

import logging
import re
from functools import lru_cache
from typing import Any

_BLANK = re.compile(r"\\[ ,;:!$]|\s|~|\$")
_SIZE = re.compile(r"\\(?:left|right)(?![A-Za-z])")
_FRACTION = re.compile(r"\\[dt]frac(?![A-Za-z])")
_HAN_WORDS = re.compile(r"\\(?:text|mathrm|mbox)\{[^{}]*[㐀-鿿][^{}]*\}|[㐀-鿿°]+$")
_HAN_SIGNS = str.maketrans(
    dict(zip("，：；（）【】－＋＝", ",:;()[]-+=", strict=True))
    | {"｛": r"\{", "｝": r"\}"}
    | {"或": r"\text{ or }", "和": ",", "、": ","}
)


@lru_cache(maxsize=8192)
def equivalent(gold: str, answer: str) -> bool:
    """Whether `answer` (what stood in a box) is mathematically the same as `gold`, both LaTeX.

    Equal writing is recognised at once; the rest is math-verify's (Kydlíček 2024): it parses both
    to sympy and compares numbers, expressions, sets, intervals, equations. Its own timeouts are
    off, as they need signals; the caller has to be a process that may be killed.
    """
    left, right = _writing(gold), _writing(answer)
    if left == right:
        return True
    if not right:
        return False
    from math_verify import verify

    return bool(
        verify(_parsed(left), _parsed(right), timeout_seconds=None, allow_set_relation_comp=True)
    )


def prepare() -> None:
    """Loads sympy and the parser, so that the first comparison does not wait for them."""
    equivalent(r"\frac{1}{2}", "0.5")


def _writing(latex: str) -> str:
    """`latex` without what changes its looks alone, and without Chinese units."""
    text = _HAN_WORDS.sub("", latex.translate(_HAN_SIGNS).strip())
    text = _BLANK.sub(lambda match: " " if match[0].isspace() else "", text)
    text = text.replace(r"\varnothing", r"\emptyset")
    text = _FRACTION.sub(r"\\frac", _SIZE.sub("", text))
    return " ".join(text.split()).rstrip(". ")


@lru_cache(maxsize=4096)
def _parsed(latex: str) -> list[Any]:
    """What math-verify reads in `latex`: a sympy object and the text itself, or nothing."""
    from math_verify import ExprExtractionConfig, LatexExtractionConfig, parse

    logging.getLogger("math_verify").setLevel(logging.ERROR)
    found: list[Any] = parse(
        f"${latex}$",
        extraction_config=[LatexExtractionConfig(), ExprExtractionConfig()],
        parsing_timeout=None,
    )
    return found
