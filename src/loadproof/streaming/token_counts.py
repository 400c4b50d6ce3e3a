"""How many tokens each token-bearing event bears."""

from array import array
from collections.abc import Sequence
from itertools import chain
from operator import sub


def tokens_by_usage(counts: Sequence[int]) -> "array[int]":
    """Tokens per event from the running totals that `continuous_usage_stats` put on each of them.

    An event's tokens are the difference to the token-bearing event before it, so that tokens which
    decoded to nothing belong to the next event that shows any; at least 1.
    """
    tokens = array("q", map(sub, counts, chain((0,), counts)))
    if min(tokens, default=1) > 0:
        return tokens
    before = 0
    for index, count in enumerate(counts):
        tokens[index] = max(1, count - before)
        before = max(before, count)
    return tokens


def tokens_by_proportion(text_bytes: Sequence[int], total: int) -> "array[int]":
    """`total` tokens shared among events in proportion to the bytes of text of each.

    Each gets 1; what is left is shared by largest remainder (Hamilton), earlier events first
    where remainders are equal. With a total of no more than the number of events, each gets 1.
    """
    n = len(text_bytes)
    tokens = array("q", [1]) * n
    rest = total - n
    if rest <= 0 or n == 0:
        return tokens
    weights = text_bytes if any(text_bytes) else [1] * n
    weight = sum(weights)
    quotas = [divmod(rest * each, weight) for each in weights]
    for index, (whole, _) in enumerate(quotas):
        tokens[index] += whole
    left = rest - sum(whole for whole, _ in quotas)
    for index in sorted(range(n), key=lambda i: -quotas[i][1])[:left]:
        tokens[index] += 1
    return tokens
