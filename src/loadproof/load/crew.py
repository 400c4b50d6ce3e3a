"""One worker's side of a run: admits its users' requests, and hands over what came of them."""

import gc
import math
import random
import time
from collections.abc import Callable
from typing import Any, Protocol
from weakref import WeakKeyDictionary

import gevent
from gevent.event import Event
from locust.env import Environment

from loadproof.load.books import Books, Request
from loadproof.load.clock import offset_to_run_ns
from loadproof.load.generator import GeneratorWatch
from loadproof.load.ledger import Assignment
from loadproof.load.messages import PhaseMessage, Report, RunMessage
from loadproof.load.prompts import PromptSource, Talks
from loadproof.load.steps import Phase
from loadproof.model.record import Outcome
from loadproof.model.scenario import Scenario
from loadproof.model.server import Server
from loadproof.servers.key import key_headers
from loadproof.streaming.connection import Connection, Target
from loadproof.streaming.flight import Flight
from loadproof.streaming.reply import Reply
from loadproof.tasks.policy import request_body
from loadproof.tasks.traffic import task_of

REPORT_EVERY_S = 1.0
GRADING_WITHIN_S = 60.0
HURRIED_GRADING_WITHIN_S = 3.0
THINK_SIGMA = 0.5
"""Spread of the think times' logarithms."""

_BEFORE_MEASURING = (Phase.SPAWN, Phase.WARMUP, Phase.OVER)


class Asking(Protocol):
    """A user, as far as a crew knows it."""

    connection: Connection


class Crew:
    """The users of one worker process during one run.

    `send` hands a report to the conductor; `fire` is Locust's request event, so that its own
    tables and page show the run too.
    """

    def __init__(
        self,
        message: RunMessage,
        worker_id: str,
        send: Callable[[Report], None],
        fire: Callable[..., Any],
    ) -> None:
        self.run = message.run
        self.scenario = Scenario.model_validate_json(message.scenario)
        self.server = Server.model_validate_json(message.server)
        self._model = message.model
        index = message.worker_ids.index(worker_id)
        self._share = (index, len(message.worker_ids))
        self._worker_id = worker_id
        self._send = send
        self._tasks = {str(entry.task): task_of(entry) for entry in self.scenario.traffic}
        self._traffic = {str(entry.task): entry for entry in self.scenario.traffic}
        self._offset_ns = offset_to_run_ns(message.boot_id, message.wall_minus_monotonic_ns)
        self._headers = key_headers(self.server.key)
        self._watch = GeneratorWatch(f"w{index}", self._offset_ns, lambda: self._books.backlog)
        self._books = Books(f"w{index}", self._offset_ns, self.scenario.traffic, self._watch, fire)
        self._gate = Event()
        self._opened_ns = 0
        self._news = Event()
        self._phase = PhaseMessage(number=0, phase=Phase.OVER, step=0, users=0, open=False)
        self._prompts = self._new_prompts()
        self._epoch = 0
        self._quota: int | None = None
        self._in_flight: set[Asking] = set()
        self._warnings: list[str] = []
        self._finished = False
        self._interval_start_ns = time.monotonic_ns()
        gc.collect()
        gc.freeze()
        self._reporter = gevent.spawn(self._report_until_over)

    @property
    def thinking_opened(self) -> bool:
        """Whether the model's text begins within its thinking."""
        return self.server.policy.opens_thinking

    def connection(self) -> Connection:
        """A connection of one user's own to the server."""
        return Connection(Target(self.server.url, self._headers), self.scenario.timeouts)

    def follow(self, message: PhaseMessage) -> None:
        """Takes up a phase that the conductor announces; what it has taken up it passes over."""
        if message.number <= self._phase.number:
            return
        began_measuring = message.phase is Phase.MEASURE
        if began_measuring or message.step != self._phase.step or message.phase is Phase.SPAWN:
            self._prompts = self._new_prompts()
            self._epoch += 1
        self._phase = message
        self._watch.turn_to(message.step, warmup=message.phase in _BEFORE_MEASURING)
        self._quota = None
        if began_measuring and message.quotas is not None:
            self._quota = message.quotas.get(self._worker_id, 0)
        if message.open and self._quota != 0:
            if not self._gate.is_set():
                self._opened_ns = time.monotonic_ns()
            self._gate.set()
        else:
            self._gate.clear()
        if message.phase is Phase.CUT:
            for user in list(self._in_flight):
                user.connection.cut_off()
        self._news.set()

    def next_request(self, talks: Talks, due_ns: int | None) -> Request:
        """The next request of a user, as soon as it may start one.

        `due_ns` is when the user is to go on, by its last request and the pause after it; None
        for its first one.
        """
        while not self._gate.is_set():  # others that woke with this user may have used it up
            due_ns = due_ns or 0
            self._gate.wait()
        if self._quota is not None:
            self._quota -= 1
            if self._quota == 0:
                self._gate.clear()
                self._news.set()
        intended_ns = None
        if due_ns is not None:  # a pause may end a little early, by the loop's own clock
            intended_ns = min(max(due_ns, self._opened_ns), time.monotonic_ns())
        phase = self._phase
        talk = talks.next(self._prompts, self._epoch)
        assignment = Assignment(
            prompt=talk.prompt,
            step=phase.step,
            users=phase.users,
            warmup=phase.phase is not Phase.MEASURE,
            intended_ns=intended_ns,
        )
        limit = self._traffic[talk.prompt.task].max_tokens
        body = request_body(self.server, self._model, talk.prompt, max_tokens=limit, seed=None)
        return Request(assignment, talk, talks, body)

    def departs(self, user: Asking) -> None:
        """A user sends its request now."""
        self._in_flight.add(user)

    def returns(self, user: Asking, request: Request, flight: Flight) -> Outcome:
        """A user's request has ended, whichever way; see `Books.enter`."""
        self._in_flight.discard(user)
        outcome = self._books.enter(request, flight)
        self._tell_if_idle()
        return outcome

    def breaks_off(self, user: Asking, request: Request, reply: Reply) -> None:
        """A user is stopped, and its request with it."""
        self._in_flight.discard(user)
        self._books.enter_broken_off(request, reply)
        self._tell_if_idle()

    def pause_s(self, task: str, failures_in_row: int) -> float:
        """How long a user waits after a request of `task`.

        The think time is log-normal about its mean. After failures in a row the pauses grow to
        two seconds, so that a dead server is not hammered with connection attempts.
        """
        if failures_in_row:
            return min(0.1 * 2.0 ** (failures_in_row - 1), 2.0)
        mean_s = self._traffic[task].think_time
        if mean_s is None:
            mean_s = self._tasks[task].think_time_s
        if not mean_s:
            return 0.0
        return random.lognormvariate(math.log(mean_s) - THINK_SIGMA**2 / 2, THINK_SIGMA)

    def hand_in(self) -> None:
        """Hands over all there is at once, where Locust ends this process before the run's end."""
        if self._finished:
            return
        self._gate.clear()
        for user in list(self._in_flight):
            user.connection.cut_off()
        gevent.sleep(0.05)
        self._close_books(HURRIED_GRADING_WITHIN_S)
        self._send(self._report(finished=True))

    def close(self) -> None:
        """Ends what runs beside the users."""
        self._reporter.kill()
        self._watch.close()
        self._books.close()
        gc.unfreeze()

    def _new_prompts(self) -> PromptSource:
        weights = {str(entry.task): entry.weight for entry in self.scenario.traffic}
        return PromptSource(self._tasks, weights, self.scenario.seed, self._share)

    def _tell_if_idle(self) -> None:
        if not self._in_flight and not self._gate.is_set():
            self._news.set()

    def _report_until_over(self) -> None:
        while True:
            self._news.wait(timeout=REPORT_EVERY_S)
            self._news.clear()
            self._books.read_in_slices()
            if self._phase.last:
                self._close_books(GRADING_WITHIN_S)
                self._send(self._report(finished=True))
                return
            self._books.grade()
            self._send(self._report(finished=False))

    def _close_books(self, within_s: float) -> None:
        self._finished = True
        missing = self._books.finish(within_s)
        if missing:
            self._warnings.append(f"{missing} answers were not graded within {within_s:g} s")

    def _report(self, *, finished: bool) -> Report:
        records, histograms = self._books.take()
        intervals, of_generator = self._watch.take()
        start_ns, self._interval_start_ns = self._interval_start_ns, time.monotonic_ns()
        warnings, self._warnings = self._warnings, []
        return Report(
            worker=self._worker_id,
            number=self._phase.number,
            in_flight=len(self._in_flight),
            spent=self._quota == 0,
            finished=finished,
            unreachable=self._books.unreachable,
            start_ns=start_ns + self._offset_ns,
            end_ns=self._interval_start_ns + self._offset_ns,
            records=records,
            histograms=histograms | of_generator,
            generator=intervals,
            warnings=warnings,
        )


_CREWS: WeakKeyDictionary[Environment, Crew] = WeakKeyDictionary()
_ASSIGNED = Event()


def assign_crew(environment: Environment, crew: Crew | None) -> None:
    """Says which crew the users of `environment` are to join; None: no run is under way."""
    if crew is None:
        _CREWS.pop(environment, None)
        _ASSIGNED.clear()
    else:
        _CREWS[environment] = crew
        _ASSIGNED.set()


def join_crew(environment: Environment) -> Crew:
    """The crew that a user of `environment` joins, once there is one.

    Locust may start users before the conductor's message has come; a user whose run could not
    begin waits here until Locust stops it.
    """
    while environment not in _CREWS:
        _ASSIGNED.wait()
    return _CREWS[environment]
