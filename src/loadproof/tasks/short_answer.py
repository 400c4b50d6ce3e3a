"""Short answers: exact match and F1, as SQuAD and CMRC 2018 define them."""

import re
import string
from collections import Counter
from collections.abc import Sequence

from loadproof.tasks.statement import stated, unmarked

_CMRC_SIGNS = "-:_*^/\\~`+=，。：？！“”；’《》…·、「」（）－～『』"
_WITHOUT_PUNCTUATION = str.maketrans("", "", string.punctuation)
_WITHOUT_CMRC_SIGNS = str.maketrans("", "", _CMRC_SIGNS)
_PUNCTUATION_TO_BLANKS = str.maketrans(dict.fromkeys(string.punctuation, " "))
_HAN = re.compile("[\u4e00-\u9fa5]")
_ARTICLE = re.compile(r"\b(a|an|the)\b")


def prediction(text: str) -> str:
    """What of an answer is compared: what it states as its answer, else its first paragraph.

    SQuAD's and CMRC's models answer with a span; this takes the span out of a chat model's prose.
    """
    said = stated(text)
    return said if said is not None else unmarked(text).partition("\n\n")[0].strip()


def exact_match(said: str, accepted: Sequence[str], language: str) -> float:
    """1 where `said` equals an accepted answer after normalisation, else 0.

    English: SQuAD's `normalize_answer`. Chinese: CMRC 2018's `remove_punctuation`, with ASCII's
    punctuation dropped as its full-width twins are.
    """
    form = cmrc_normal if language == "zh" else squad_normal
    normal = form(said)
    return float(any(normal == form(answer) for answer in accepted))


def f1(said: str, accepted: Sequence[str], language: str) -> float:
    """The best F1 of `said` against an accepted answer, from 0 to 1.

    English: SQuAD's, over tokens. Chinese: CMRC 2018's, over characters.
    """
    score = cmrc_f1 if language == "zh" else squad_f1
    return max(score(said, answer) for answer in accepted)


def squad_normal(text: str) -> str:
    """Lower case, without punctuation, articles and extra blanks.

    Source: `normalize_answer` of the SQuAD v1.1 evaluation script (Rajpurkar et al. 2016, "SQuAD:
    100,000+ Questions for Machine Comprehension of Text").
    """
    bare = text.lower().translate(_WITHOUT_PUNCTUATION)
    return " ".join(_ARTICLE.sub(" ", bare).split())


def squad_f1(said: str, answer: str) -> float:
    """Harmonic mean of precision and recall over the bags of normalised tokens.

    Source: `f1_score` of the SQuAD v1.1 evaluation script.
    """
    found, wanted = squad_normal(said).split(), squad_normal(answer).split()
    shared = sum((Counter(found) & Counter(wanted)).values())
    return _f1(shared, len(found), len(wanted))


def cmrc_f1(said: str, answer: str) -> float:
    """F1 over characters: what both share is their longest common run of segments.

    A segment is a Chinese character or a word of another script; punctuation is dropped. Source:
    `mixed_segmentation`, `find_lcs` and `calc_f1_score` of the CMRC 2018 evaluation script (Cui et
    al. 2019, "A Span-Extraction Dataset for Chinese Machine Reading Comprehension"). It cuts other
    scripts into words with NLTK; here blanks and ASCII punctuation part them.
    """
    found, wanted = _segments(said), _segments(answer)
    return _f1(_longest_common_run(found, wanted), len(found), len(wanted))


def _f1(shared: int, found: int, wanted: int) -> float:
    if shared == 0:
        return 0.0
    precision, recall = shared / found, shared / wanted
    return 2 * precision * recall / (precision + recall)


def cmrc_normal(text: str) -> str:
    """Lower case, without punctuation. Source: `remove_punctuation` of the CMRC 2018 script."""
    return _without_signs(text).translate(_WITHOUT_PUNCTUATION)


def _without_signs(text: str) -> str:
    return text.lower().strip().translate(_WITHOUT_CMRC_SIGNS)


def _segments(text: str) -> list[str]:
    parted = _HAN.sub(lambda match: f" {match[0]} ", _without_signs(text))
    return parted.translate(_PUNCTUATION_TO_BLANKS).split()


def _longest_common_run(left: Sequence[str], right: Sequence[str]) -> int:
    """Length of the longest run of equal segments, by dynamic programming."""
    best = 0
    shared = set(right)
    above = nothing = [0] * (len(right) + 1)
    for segment in left:
        if segment not in shared:
            above = nothing
            continue
        row = [0] * (len(right) + 1)
        for index, other in enumerate(right):
            if segment == other:
                row[index + 1] = above[index] + 1
        best = max(best, *row)
        above = row
    return best
