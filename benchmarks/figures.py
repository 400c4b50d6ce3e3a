"""From stamps to figures: what a path reported, what was true, what it cost. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from statistics import median

import numpy as np

from benchmarks.exchanges import Exchange, Nanoseconds, Window


@dataclass(frozen=True, slots=True)
class Figures:
    """One cell, or the medians of several rounds of it. None where there was nothing to measure.

    An error of an arrival is the client's stamp minus the server's send stamp of the same event;
    a true TTFT is the server's send stamp minus the moment at which it had read the request.
    """

    requests: float
    failed: float
    events_per_s: float
    cpu_us_per_event: float | None
    """User and system time of the process and its children, by events received."""
    ttft_p50_ms: float | None
    ttft_p99_ms: float | None
    first_error_p50_ms: float | None
    """Of arrivals of first tokens."""
    first_error_p99_ms: float | None
    ttft_p99_excess_ms: float | None
    """Reported TTFT P99 minus the true TTFT P99."""
    itl_p50_ms: float | None
    itl_p99_ms: float | None
    error_p99_ms: float | None
    """Of arrivals of all tokens."""
    itl_p99_excess_ms: float | None
    """Reported ITL P99 minus the true ITL P99."""
    rss_mib: float | None
    stream_kib: float | None
    """Growth of resident memory by stream, without what was kept for the comparison."""
    server_late_p99_ms: float


def figures(
    exchanges: Sequence[Exchange], window: Window, streams: int, server_late_p99_ms: float
) -> Figures:
    """The figures of one cell.

    Events count if they arrived within the window, requests if they started in it (the client
    goes on until those have ended). Percentiles are nearest-rank.
    """
    arrivals = _joined([exchange.arrivals_ns for exchange in exchanges])
    events = int(np.count_nonzero((arrivals >= window.open_ns) & (arrivals < window.close_ns)))
    inside = [
        exchange
        for exchange in exchanges
        if window.open_ns <= exchange.start_ns < window.close_ns and len(exchange.arrivals_ns)
    ]
    firsts = _joined([exchange.arrivals_ns[:1] for exchange in inside])
    first_sent = _joined([exchange.sent_ns[:1] for exchange in inside])
    ttft = firsts - np.array([exchange.start_ns for exchange in inside], dtype=np.int64)
    true_ttft = first_sent - np.array([exchange.read_ns for exchange in inside], dtype=np.int64)
    itl = _joined([np.diff(exchange.arrivals_ns) for exchange in inside])
    true_itl = _joined([np.diff(exchange.sent_ns) for exchange in inside])
    errors = _joined([exchange.arrivals_ns - exchange.sent_ns for exchange in inside])
    grown = window.rss_bytes - window.rss_before_bytes - window.kept_bytes
    cpu_s = window.cpu_s + sum(window.children_cpu_s.values())
    return Figures(
        requests=len(inside),
        failed=window.failed,
        events_per_s=events / ((window.close_ns - window.open_ns) / 1e9),
        cpu_us_per_event=cpu_s * 1e6 / events if events else None,
        ttft_p50_ms=_percentile_ms(ttft, 50),
        ttft_p99_ms=_percentile_ms(ttft, 99),
        first_error_p50_ms=_percentile_ms(firsts - first_sent, 50),
        first_error_p99_ms=_percentile_ms(firsts - first_sent, 99),
        ttft_p99_excess_ms=_excess_ms(ttft, true_ttft),
        itl_p50_ms=_percentile_ms(itl, 50),
        itl_p99_ms=_percentile_ms(itl, 99),
        error_p99_ms=_percentile_ms(errors, 99),
        itl_p99_excess_ms=_excess_ms(itl, true_itl),
        rss_mib=window.rss_bytes / 2**20,
        stream_kib=max(0, grown) / 1024 / streams,
        server_late_p99_ms=server_late_p99_ms,
    )


def medians(rounds: Sequence[Figures]) -> Figures:
    """Each figure's median over the rounds that have it."""
    values: dict[str, float | None] = {}
    for name in (field.name for field in fields(Figures)):
        known = [value for one in rounds if (value := getattr(one, name)) is not None]
        values[name] = median(known) if known else None
    return Figures(**values)  # type: ignore[arg-type]  # a field that is never None stays so


def _joined(parts: Sequence[Nanoseconds]) -> Nanoseconds:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)


def _percentile_ms(values_ns: Nanoseconds, percent: float) -> float | None:
    if not len(values_ns):
        return None
    return float(np.percentile(values_ns, percent, method="inverted_cdf")) / 1e6


def _excess_ms(reported_ns: Nanoseconds, true_ns: Nanoseconds) -> float | None:
    reported, true = _percentile_ms(reported_ns, 99), _percentile_ms(true_ns, 99)
    return None if reported is None or true is None else reported - true
