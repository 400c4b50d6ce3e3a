"""What becomes of a worker's ended requests: decoded, recorded, graded, shown to Locust.

Not at once: a user goes on with its next request while several responses are gathered, and then
read one after the other: the second and those after it find the code in the processor's caches.
"""

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.event import Event

from loadproof.load.generator import GeneratorWatch
from loadproof.load.ledger import Assignment, Ledger
from loadproof.load.prompts import Talk, Talks
from loadproof.model.record import Failure, Outcome
from loadproof.model.traffic import Traffic
from loadproof.streaming.flight import Flight
from loadproof.streaming.reply import Reply
from loadproof.streaming.timing import Latencies
from loadproof.tasks.grading import GraderProcess

SETTLE_AFTER_S = 0.1
"""How long ended requests are gathered before they are read."""
SLICE_NS = 500_000
"""How long they are read before others are let go on."""
MOST_UNREAD = 512
"""Above this many each new one has an old one read."""
UNREACHABLE_AFTER_S = 5.0
UNREACHABLE_AFTER_REQUESTS = 10


class RequestFailedError(Exception):
    """What Locust's own tables show of a failed request: its kind and a detail."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a user is to send next, and whose conversation it belongs to."""

    assignment: Assignment
    talk: Talk
    talks: Talks
    body: bytes


class Books:
    """The ended requests of one worker, from their ends to what is handed over of them.

    `fire` is Locust's request event. Times are on the monotonic clock of this machine, to which
    `clock_offset_ns` is added to give the run's.
    """

    def __init__(
        self,
        worker: str,
        clock_offset_ns: int,
        traffic: Sequence[Traffic],
        watch: GeneratorWatch,
        fire: Callable[..., Any],
    ) -> None:
        self._grader = GraderProcess(tasks=traffic)
        self._ledger = Ledger(worker, clock_offset_ns, self._grader.submit)
        self._watch = watch
        self._fire = fire
        self._unread: deque[tuple[Request, Flight]] = deque()
        self._came = Event()
        self._refused = 0
        self._refused_since_s = 0.0
        self._reader = gevent.spawn(self._read_as_they_come)

    @property
    def backlog(self) -> int:
        """Ended requests that are not handed over yet."""
        return len(self._unread) + self._ledger.backlog

    @property
    def unreachable(self) -> bool:
        """Whether the server has not been found for some seconds and requests."""
        lasted_s = time.monotonic() - self._refused_since_s
        return self._refused >= UNREACHABLE_AFTER_REQUESTS and lasted_s >= UNREACHABLE_AFTER_S

    def enter(self, request: Request, flight: Flight) -> Outcome:
        """Notes a request that has ended; returns how, or COMPLETED where that is still unread and
        all speaks for it."""
        if not flight.is_plainly_whole:
            return self._settle(request, flight.reply())
        if not request.talk.prompt.is_last:
            request.talks.wait_for(request.talk, self.read_all)
        self._unread.append((request, flight))
        self._came.set()
        if len(self._unread) > MOST_UNREAD:
            self._settle_oldest()
        return Outcome.COMPLETED

    def enter_broken_off(self, request: Request, reply: Reply) -> None:
        """Notes a request whose user was stopped."""
        self._settle(request, reply)

    def read_all(self) -> None:
        """Reads all that is unread, without letting anybody else go on."""
        while self._unread:
            self._settle_oldest()

    def read_in_slices(self) -> None:
        """Reads all that is unread, and lets others go on meanwhile."""
        while self._unread:
            until_ns = time.monotonic_ns() + SLICE_NS
            while self._unread and time.monotonic_ns() < until_ns:
                self._settle_oldest()
            if self._unread:
                gevent.sleep(0)

    def grade(self) -> None:
        """Sends off what waits to be graded, and enters the grades that have come."""
        self._ledger.grade(self._grader.results())

    def finish(self, within_s: float) -> int:
        """Reads the rest and waits for the grades; returns how many did not come in time."""
        self.read_all()
        self._ledger.grade(self._grader.drain(within_s))
        return self._ledger.give_up_grading()

    def take(self) -> tuple[list[bytes], dict[str, bytes]]:
        """What is to be handed over now: encoded records and histograms. Each is given once."""
        return self._ledger.take()

    def close(self) -> None:
        """Ends what runs beside."""
        self._reader.kill()
        self._grader.close()

    def _read_as_they_come(self) -> None:
        while True:
            self._came.wait()
            gevent.sleep(SETTLE_AFTER_S)
            self._came.clear()
            self.read_in_slices()

    def _settle_oldest(self) -> None:
        request, flight = self._unread.popleft()
        self._settle(request, flight.reply())

    def _settle(self, request: Request, reply: Reply) -> Outcome:
        assignment = request.assignment
        taken = self._ledger.enter(assignment, reply)
        self._watch.note_reads(assignment.step, reply, warmup=assignment.warmup)
        self._tell_locust(assignment.prompt.task, reply, taken)
        self._note_reach(reply)
        if reply.outcome is Outcome.COMPLETED:
            request.talks.answered(request.talk, reply.answer)
        return reply.outcome

    def _tell_locust(self, task: str, reply: Reply, taken: Latencies) -> None:
        if reply.outcome is Outcome.CUT_OFF:
            return
        problem = None
        if reply.outcome is Outcome.FAILED:
            problem = RequestFailedError(f"{reply.failure}: {reply.failure_detail}")
        elif taken.ttft_ms is not None:
            self._fire(
                request_type="TTFT",
                name=task,
                response_time=taken.ttft_ms,
                response_length=0,
                exception=None,
                context={},
            )
        self._fire(
            request_type="E2E",
            name=task,
            response_time=taken.e2e_ms or (reply.end_ns - reply.start_ns) / 1e6,
            response_length=reply.output_tokens or 0,
            exception=problem,
            context={},
        )

    def _note_reach(self, reply: Reply) -> None:
        """Keeps count of requests that found no server at all."""
        if reply.failure not in (Failure.CONNECT, Failure.TIMEOUT_CONNECT):
            self._refused = 0
            return
        if self._refused == 0:
            self._refused_since_s = time.monotonic()
        self._refused += 1
