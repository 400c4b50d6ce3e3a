"""From an ended request to its record: what a crew has to hand over, until it is handed over."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import msgspec

from loadproof.load.generator import read_lateness_max_ms
from loadproof.model.answer import Answer, Prompt
from loadproof.model.record import Outcome, RequestRecord
from loadproof.recording.hdr import IntervalHistograms
from loadproof.recording.records import encode_record
from loadproof.streaming.reply import Reply
from loadproof.streaming.timing import Latencies, latencies

Submit = Callable[[int, str, str, Answer], None]
"""Sends an answer off to be graded: key, task, prompt id, answer."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A request as it was given to a user: what is asked, and in which step."""

    prompt: Prompt
    step: int
    users: int
    warmup: bool
    intended_ns: int | None = None
    """When it was to start, by this machine's monotonic clock, where that is known."""


class Ledger:
    """The ended requests of one worker since the last hand-over, and those still being graded.

    `clock_offset_ns` is added to this machine's monotonic clock to give the run's.
    """

    def __init__(self, worker: str, clock_offset_ns: int, submit: Submit) -> None:
        self._worker = worker
        self._offset_ns = clock_offset_ns
        self._submit = submit
        self._histograms = IntervalHistograms()
        self._count = 0
        self._being_graded: dict[int, RequestRecord] = {}
        self._done: list[RequestRecord] = []

    @property
    def backlog(self) -> int:
        """Ended requests that are not handed over yet."""
        return len(self._being_graded) + len(self._done)

    def enter(self, assignment: Assignment, reply: Reply) -> Latencies:
        """Notes an ended request, and returns its latencies."""
        taken = latencies(reply)
        record = self._record(assignment, reply, taken)
        if record.outcome is Outcome.COMPLETED and not record.warmup:
            self._note_values(record, taken)
            self._being_graded[self._count] = record
            self._submit(self._count, record.task, record.prompt_id, reply.answer)
        else:
            self._done.append(record)
        self._count += 1
        return taken

    def grade(self, graded: Iterable[tuple[int, dict[str, float]]]) -> None:
        """Enters the grades that have come back."""
        for key, grades in graded:
            record = self._being_graded.pop(key)
            self._done.append(msgspec.structs.replace(record, grades=grades))

    def give_up_grading(self) -> int:
        """Closes the records whose grades never came; how many those are."""
        missing = list(self._being_graded)
        self.grade((key, {"grade_failed": 1.0}) for key in missing)
        return len(missing)

    def take(self) -> tuple[list[bytes], dict[str, bytes]]:
        """What is to be handed over now: encoded records and histograms. Each is given once."""
        done, self._done = self._done, []
        return [encode_record(record) for record in done], self._histograms.take()

    def _record(self, assignment: Assignment, reply: Reply, taken: Latencies) -> RequestRecord:
        prompt = assignment.prompt
        offset_ns = self._offset_ns
        return RequestRecord(
            id=f"{self._worker}-{self._count}",
            step=assignment.step,
            users=assignment.users,
            task=prompt.task,
            prompt_id=prompt.id,
            turn=prompt.turn,
            worker=self._worker,
            intended_ns=(
                None if assignment.intended_ns is None else assignment.intended_ns + offset_ns
            ),
            start_ns=reply.start_ns + offset_ns,
            first_byte_ns=None if reply.first_byte_ns is None else reply.first_byte_ns + offset_ns,
            end_ns=reply.end_ns + offset_ns,
            connect_ms=_connect_ms(reply),
            ttft_ms=taken.ttft_ms,
            ttfat_ms=taken.ttfat_ms,
            itl_p50_ms=taken.itl_p50_ms,
            itl_p99_ms=taken.itl_p99_ms,
            itl_max_ms=taken.itl_max_ms,
            tpot_ms=taken.tpot_ms,
            e2e_ms=taken.e2e_ms,
            clock=reply.clock,
            coalesced=reply.coalesced,
            first_token_coalesced=reply.first_token_coalesced,
            read_lateness_max_ms=read_lateness_max_ms(reply),
            events=len(reply.arrivals_ns),
            multi_token_events=reply.multi_token_events,
            prompt_tokens=reply.prompt_tokens,
            output_tokens=reply.output_tokens,
            thinking_tokens=reply.thinking_tokens,
            outcome=reply.outcome,
            failure=reply.failure,
            failure_detail=reply.failure_detail,
            http_status=reply.http_status,
            finish_reason=reply.finish_reason,
            warmup=assignment.warmup,
            grades={},
        )

    def _note_values(self, record: RequestRecord, taken: Latencies) -> None:
        tag = f"{record.step}/{record.task}"
        for metric, value_ms in (
            ("ttft", taken.ttft_ms),
            ("ttfat", taken.ttfat_ms),
            ("tpot", taken.tpot_ms),
            ("e2e", taken.e2e_ms),
            ("start_delay", _start_delay_ms(record)),
        ):
            if value_ms is not None:
                self._histograms.record(f"{tag}/{metric}", value_ms * 1e3)
        if taken.itl_us:
            self._histograms.record(f"{tag}/itl", taken.itl_us)


def _connect_ms(reply: Reply) -> float | None:
    if reply.connected_ns is None:
        return None
    return (reply.connected_ns - reply.start_ns) // 1000 / 1e3


def _start_delay_ms(record: RequestRecord) -> float | None:
    intended_ns = record.intended_ns
    return None if intended_ns is None else (record.start_ns - intended_ns) / 1e6
