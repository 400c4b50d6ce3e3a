"""Text of a given number of tokens that asks nothing, without a tokenizer.

It is made of short everyday words, which the tokenizers of the models in use (BPE, words with the
blank before them) give one token each. What a model's own tokenizer makes of them is measured
before the load, by `calibrated`.
"""

import random
from collections.abc import Callable, Sequence
from functools import lru_cache

from loadproof.model.traffic import TokenCost

_EVERYDAY = """
the of and to in is was for that on with as it be at by this had not are but from or have an
they which one you were all her she there would their we him been has when who will no more if
out so up said what its about than into them can only other time new some could these two may
first then do any like my now over such our man me even most made after also did many off
before must well back down should each just those how too good way little own men years state
world work life where day might part great year since both use until place last again small
under while house few hand still old long three four five six seven eight nine ten right water
food city land line name side kind head half night light high end far best book body door face
fact form free full game girl group hard help home hope idea job keep law left less level local
lot love main make mind money month move music need news next north note open order paper party
past plan play point power press price public put rate read real red rest road room rule run sea
seat seem sense set short show sign size social son song sort sound south space speak staff
stage stand start stay step stop story street table take talk tax team term test thing third
today town trade train tree true try turn type union unit value view voice vote wait walk wall
war watch week west white whole wide wife wind word write yes yet young
"""

WORDS = tuple(dict.fromkeys(_EVERYDAY.split()))

ESTIMATE = TokenCost(overhead=8, per_word=1.0, exact=False)
"""Where nothing was measured: a chat template's usual few tokens, and a token a word."""

_STOCK = 1 << 15
_MOST_COUNTS = 64
_MIXED = 200


class Filler:
    """Texts of `cost`'s words, each a stretch of one long stock after words of its own."""

    def __init__(self, cost: TokenCost) -> None:
        self._cost = cost
        words = tuple(word for word in WORDS if word not in cost.without)
        self._words = words
        stock = random.Random(20).choices(words, k=_STOCK)
        self._starts: list[int] = []
        at = 0
        for word in stock:
            self._starts.append(at)
            at += len(word) + 1
        self._text = " ".join(stock)

    def words_for(self, tokens: int) -> int:
        """How many words make a prompt of `tokens`, the chat template's included; 1 at least."""
        return max(1, round((tokens - self._cost.overhead) / self._cost.per_word))

    def text(self, words: int, key: str) -> str:
        """`words` words that begin otherwise than those of any other `key`.

        Fewer words of the same key are the beginning of more.
        """
        chance = random.Random(key)
        own = chance.choices(self._words, k=min(words, 8))
        left, pieces = words - len(own), own
        while left > 0:
            at = chance.randrange(_STOCK)
            taken = min(left, _STOCK - at)
            pieces.append(self._stretch(at, taken))
            left -= taken
        return " ".join(pieces)

    def _stretch(self, at: int, words: int) -> str:
        end = at + words
        return self._text[self._starts[at] : self._starts[end] - 1 if end < _STOCK else None]


@lru_cache(maxsize=4)
def filler(cost: TokenCost | None) -> Filler:
    """The filler for what a model's tokenizer makes of words; estimated where None."""
    return Filler(cost or ESTIMATE)


def calibrated(count: Callable[[str], int]) -> TokenCost:
    """What the words cost, by `count`, which gives the tokens of a prompt with a text.

    All words are counted together, after one alone has told the template's share. As each costs
    one token at least, a sum of as many tokens proves that each costs one. Where the sum is more,
    the words that cost more are found by halving, and left out; where too many do, the mean is
    what counts. Calls `count` 70 times at most, 3 times as a rule.
    """
    base = count(WORDS[0])
    calls = [0]

    def cost(words: Sequence[str]) -> int:
        calls[0] += 1
        return count(" ".join((WORDS[0], *words))) - base

    odd = _odd(WORDS[1:], cost, calls)
    without = () if odd is None or len(odd) > len(WORDS) // 2 else tuple(odd)
    kept = [word for word in WORDS if word not in without]
    mixed = random.Random(7).choices(kept, k=_MIXED)
    tokens = cost(mixed)
    return TokenCost(
        overhead=max(base - 1, 0),
        per_word=tokens / _MIXED,
        exact=tokens == _MIXED,
        without=without,
    )


def _odd(
    words: Sequence[str], cost: Callable[[Sequence[str]], int], calls: list[int]
) -> list[str] | None:
    """Those of `words` that cost more than a token; None where it takes too long to tell."""
    if calls[0] >= _MOST_COUNTS:
        return None
    if cost(words) == len(words):
        return []
    if len(words) == 1:
        return list(words)
    middle = len(words) // 2
    left = _odd(words[:middle], cost, calls)
    right = None if left is None else _odd(words[middle:], cost, calls)
    return None if left is None or right is None else left + right
