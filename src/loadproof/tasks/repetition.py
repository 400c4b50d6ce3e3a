"""Whether an answer has fallen into a loop."""

import re
from collections import Counter

_TAIL = 2400
_LONGEST_UNIT = 400
_SHORTEST_LOOP = 160
"""Characters that a loop takes at least, so that a ruled line or a cheer is none."""
_TIMES = 4
_SENTENCE_TIMES = 6
_SHORTEST_SENTENCE = 8


def loops(text: str) -> bool:
    """Whether `text` ends in one piece said over and over, or mostly consists of one sentence.

    The first: its end repeats with a period of up to 400 characters, at least 4 times and over at
    least 160 characters. The second: one sentence of at least 8 characters stands there 6 times or
    more and makes up half of the text.
    """
    return _ends_in_loop(text[-_TAIL:].rstrip()) or _is_one_sentence(text)


def _ends_in_loop(tail: str) -> bool:
    backwards = tail[::-1]
    for period in range(1, min(_LONGEST_UNIT, len(backwards) // _TIMES) + 1):
        needed = max(_TIMES * period, _SHORTEST_LOOP)
        if len(backwards) >= needed and backwards[: needed - period] == backwards[period:needed]:
            return re.search(r"\w", backwards[:period]) is not None or needed * 2 < len(tail)
    return False


def _is_one_sentence(text: str) -> bool:
    sentences = Counter(
        sentence
        for sentence in (part.strip() for part in re.split(r"[.。!！?？\n]", text))
        if len(sentence) >= _SHORTEST_SENTENCE
    )
    if not sentences:
        return False
    sentence, times = sentences.most_common(1)[0]
    return times >= _SENTENCE_TIMES and 2 * times * len(sentence) >= len(text)
