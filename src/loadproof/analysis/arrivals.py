"""By how much each request's latencies may be off through the generator, and what they were then.

An arrival with a kernel stamp of its own is right, however late it was read. One that shared a
read with later ones has the stamp of the last of them, and one by the process's clock is noted
when it was read: the true one lies earlier, by no more than the generator was late then. A request
that had to open a connection was sent when this process found that it stood: as much later than it
might have been, and with it all that came.
"""

from dataclasses import dataclass

import msgspec

from loadproof.analysis.intervals import Lateness
from loadproof.model.record import Clock, RequestRecord

_TURNS_TO_CONNECT = 4
"""Of the loop: the connection stands, two flights of a TLS handshake come, the user goes on."""


@dataclass(frozen=True, slots=True)
class Errors:
    """How much earlier than noted the arrivals of one request may have been, in milliseconds.

    `gaps` is that of any arrival, and `inexact` the number of arrivals that may be off at all.
    `sent` is how much later than it might have been the request was sent.
    """

    sent: float
    first: float
    answer: float
    last: float
    gaps: float
    inexact: int

    @property
    def none(self) -> bool:
        """Whether all arrivals are exact."""
        return not (self.sent or self.first or self.answer or self.last or self.gaps)


def errors_of(record: RequestRecord, lateness: Lateness) -> Errors:
    """The bounds on what the generator added to the arrivals of `record`."""
    by_process = record.clock is Clock.PROCESS
    inexact = record.events if by_process else record.coalesced
    sent = _sent_late_ms(record, lateness)
    if not inexact:
        return Errors(sent, 0.0, 0.0, 0.0, 0.0, 0)
    read_ms = record.read_lateness_max_ms or 0.0

    def bound_ms(after_ms: float | None) -> float:
        if after_ms is None:
            return 0.0
        at_ns = record.start_ns + round(after_ms * 1e6)
        return min(max(lateness.at_ms(record.worker, at_ns), read_ms), after_ms)

    first = bound_ms(record.ttft_ms) if by_process or record.first_token_coalesced else 0.0
    same = record.ttfat_ms == record.ttft_ms
    return Errors(
        sent=sent,
        first=first,
        answer=first if same else bound_ms(record.ttfat_ms),
        last=bound_ms(record.e2e_ms) if by_process else 0.0,
        gaps=max(lateness.worst_ms(record.worker, record.start_ns, record.end_ns), read_ms),
        inexact=inexact,
    )


def earliest(record: RequestRecord, errors: Errors) -> RequestRecord:
    """The record with each latency as low as it can have been."""
    return msgspec.structs.replace(
        record,
        ttft_ms=_less(record.ttft_ms, errors.sent + errors.first),
        ttfat_ms=_less(record.ttfat_ms, errors.sent + errors.answer),
        e2e_ms=_less(record.e2e_ms, errors.sent + errors.last),
        itl_max_ms=_less(record.itl_max_ms, errors.gaps),
        tpot_ms=_less(record.tpot_ms, errors.last / _tokens(record)),
    )


def latest(record: RequestRecord, errors: Errors) -> RequestRecord:
    """The record with each latency as high as it can have been: only TPOT can have been higher,
    which begins at the first token, and a gap, which begins at the token before it."""
    tpot_ms, gap_ms = record.tpot_ms, record.itl_max_ms
    return msgspec.structs.replace(
        record,
        tpot_ms=None if tpot_ms is None else tpot_ms + errors.first / _tokens(record),
        itl_max_ms=None if gap_ms is None else gap_ms + errors.gaps,
    )


def _sent_late_ms(record: RequestRecord, lateness: Lateness) -> float:
    if record.connect_ms is None:
        return 0.0
    connected_ns = record.start_ns + round(record.connect_ms * 1e6)
    late_ms = lateness.at_ms(record.worker, connected_ns)
    return min(_TURNS_TO_CONNECT * late_ms, record.connect_ms)


def _tokens(record: RequestRecord) -> int:
    return max((record.output_tokens or 0) - 1, 1)


def _less(value_ms: float | None, by_ms: float) -> float | None:
    return None if value_ms is None else max(value_ms - by_ms, 0.0)
