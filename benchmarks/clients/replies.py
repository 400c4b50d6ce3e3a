"""How a reply of loadproof.streaming is kept."""

from benchmarks.clients.observation import Observation
from benchmarks.exchanges import stamps
from loadproof.model.record import Clock, Outcome
from loadproof.streaming.reply import Reply

WRONG_NS = 1_000_000


def keep_reply(seen: Observation, reply: Reply) -> None:
    """Keeps a completed reply, counts any other as failed; counts clocks and shared reads."""
    if reply.outcome is not Outcome.COMPLETED:
        seen.failed += 1
        seen.note(f"failed: {reply.failure}: {reply.failure_detail}")
        return
    seen.note(f"{reply.clock} clock")
    seen.note("coalesced", reply.coalesced)
    read_ns, sent_ns = stamps(reply.answer.text)
    if read_ns - reply.start_ns > WRONG_NS:
        how = "over an open connection" if reply.connected_ns is None else "with connecting"
        seen.note(f"under way to the server for more than a millisecond {how}")
    late_ns = reply.arrivals_ns[0] - sent_ns[0]
    if late_ns > WRONG_NS and not reply.first_token_coalesced and reply.clock is Clock.KERNEL:
        seen.note("first tokens wrong by more than a millisecond and not marked")
    seen.keep(reply.start_ns, reply.answer.text, reply.arrivals_ns)
