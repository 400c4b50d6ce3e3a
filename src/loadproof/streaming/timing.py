"""Latencies of one reply, as the table of metrics in the design defines them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from loadproof.streaming.reply import Reply


@dataclass(frozen=True, slots=True)
class Latencies:
    """Milliseconds, None where there is none; see `latencies`.

    `itl_us` has the shape (tokens after the first event,) and is in microseconds.
    """

    ttft_ms: float | None
    ttfat_ms: float | None
    itl_us: NDArray[np.float64]
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
    n = len(reply.arrivals_ns)
    nothing = np.empty(0, dtype=np.float64)
    if n == 0:
        return Latencies(None, None, nothing, None, None, None, None, None)
    first, last = reply.arrivals_ns[0], reply.arrivals_ns[-1]
    answer = reply.answer_index
    itl_us = nothing
    itl_max_ms = tpot_ms = None
    if n > 1:
        gaps_us = np.diff(np.frombuffer(reply.arrivals_ns, dtype=np.int64)) / 1e3
        tokens = np.frombuffer(reply.tokens, dtype=np.int64)[1:]
        itl_us = np.repeat(gaps_us / tokens, tokens)
        itl_max_ms = _ms(float(gaps_us.max()) * 1e3)
        if reply.output_tokens is not None and reply.output_tokens > 1:
            tpot_ms = _ms((last - first) / (reply.output_tokens - 1))
    ordered = np.sort(itl_us)
    return Latencies(
        ttft_ms=_ms(first - reply.start_ns),
        ttfat_ms=None if answer is None else _ms(reply.arrivals_ns[answer] - reply.start_ns),
        itl_us=itl_us,
        itl_p50_ms=_nearest_rank_ms(ordered, 50),
        itl_p99_ms=_nearest_rank_ms(ordered, 99),
        itl_max_ms=itl_max_ms,
        tpot_ms=tpot_ms,
        e2e_ms=_ms(last - reply.start_ns),
    )


def _ms(ns: float) -> float:
    """Milliseconds with microsecond precision."""
    return round(ns / 1e6, 3)


def _nearest_rank_ms(ordered_us: NDArray[np.float64], percent: int) -> float | None:
    n = len(ordered_us)
    if n == 0:
        return None
    rank = -(-percent * n // 100)
    return _ms(float(ordered_us[rank - 1]) * 1e3)
