"""How a reply of loadproof.streaming is kept."""

from benchmarks.clients.observation import Observation
from loadproof.model.record import Outcome
from loadproof.streaming.reply import Reply


def keep_reply(seen: Observation, reply: Reply) -> None:
    """Keeps a completed reply, counts any other as failed; counts clocks and shared reads."""
    if reply.outcome is not Outcome.COMPLETED:
        seen.failed += 1
        seen.note(f"failed: {reply.failure}: {reply.failure_detail}")
        return
    seen.note(f"{reply.clock} clock")
    seen.note("coalesced", reply.coalesced)
    seen.keep(reply.start_ns, reply.answer.text, reply.arrivals_ns)
