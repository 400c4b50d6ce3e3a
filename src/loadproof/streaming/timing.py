"""Latencies of one reply, as the table of metrics in the design defines them.

In plain Python: after some ten milliseconds without it, numpy's code is no longer in the caches,
and a reply of 64 tokens takes 140 µs instead of 12.
"""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, repeat
from operator import sub

from loadproof.streaming.reply import Reply


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds, None where there is none; see `latencies`.

    `itl_us` has a value in microseconds for each token after the first event.
    """

    ttft_ms: float | None
    ttfat_ms: float | None
    itl_us: "array[float]"
    itl_p50_ms: float | None
    itl_p99_ms: float | None
    itl_max_ms: float | None
    tpot_ms: float | None
    e2e_ms: float | None


def latencies(reply: Reply) -> Latencies:
    """The latencies of `reply`, whatever its outcome: whoever asks knows which outcomes count.

    - `ttft`: start to the first token-bearing event; `ttfat`: to the first of the answer proper.
    - `itl`: an event of k tokens after a gap g gives k values g/k, since its tokens cannot be told
      apart. Its percentiles are exact, by nearest rank (the ceil(q n)-th of n sorted values);
      `itl_max_ms` is the largest gap between events as it was, undivided.
    - `tpot`: first to last token-bearing event, over (output tokens - 1). None for an answer of
      one event, which has no duration, even if it bore several tokens.
    - `e2e`: start to the last token-bearing event.
    """
    arrivals = reply.arrivals_ns
    if not arrivals:
        return Latencies(None, None, array("d"), None, None, None, None, None)
    first, last = arrivals[0], arrivals[-1]
    answer = reply.answer_index
    gaps_ns = list(map(sub, arrivals[1:], arrivals))
    itl_us = _itl_us(gaps_ns, reply.tokens[1:])
    ordered = sorted(itl_us)
    output = reply.output_tokens
    return Latencies(
        ttft_ms=_ms(first - reply.start_ns),
        ttfat_ms=None if answer is None else _ms(arrivals[answer] - reply.start_ns),
        itl_us=itl_us,
        itl_p50_ms=_nearest_rank_ms(ordered, 50),
        itl_p99_ms=_nearest_rank_ms(ordered, 99),
        itl_max_ms=_ms(max(gaps_ns)) if gaps_ns else None,
        tpot_ms=_ms((last - first) / (output - 1)) if gaps_ns and output and output > 1 else None,
        e2e_ms=_ms(last - reply.start_ns),
    )


def _itl_us(gaps_ns: Sequence[int], tokens: Sequence[int]) -> "array[float]":
    values = array("d", [gap_ns / 1e3 for gap_ns in gaps_ns])
    if sum(tokens) == len(tokens):
        return values
    pairs = zip(values, tokens, strict=True)
    return array("d", chain.from_iterable(repeat(gap_us / k, k) for gap_us, k in pairs))


def _ms(ns: float) -> float:
    """Milliseconds with microsecond precision."""
    return round(ns / 1e6, 3)


def _nearest_rank_ms(ordered_us: Sequence[float], percent: int) -> float | None:
    n = len(ordered_us)
    if n == 0:
        return None
    rank = -(-percent * n // 100)
    return _ms(ordered_us[rank - 1] * 1e3)
