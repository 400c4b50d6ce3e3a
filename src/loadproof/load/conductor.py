"""The one side of a run that exists once: it leads through the steps and writes the directory."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import gevent
import msgspec
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner

from loadproof.load.clock import boot_id, wall_minus_monotonic_ns
from loadproof.load.header import closing_header, header
from loadproof.load.messages import PHASE, RUN, PhaseMessage, Report, RunMessage, pack
from loadproof.load.referee import Referee
from loadproof.load.roster import Roster, shared_out
from loadproof.load.settings import Settings
from loadproof.load.steps import Phase, Situation, next_phase
from loadproof.model.errors import ServerFailedError
from loadproof.model.scenario import Step
from loadproof.model.search import Search
from loadproof.recording.directory import create_run_directory
from loadproof.recording.writer import RunWriter
from loadproof.servers.calibration import calibrated_scenario
from loadproof.servers.identity import identify
from loadproof.servers.key import read_key
from loadproof.telemetry.sidecar import Sidecar

if TYPE_CHECKING:
    from pathlib import Path

logger = logging.getLogger(__name__)

LOOK_EVERY_S = 0.05
HANDED_IN_WITHIN_S = 90.0
DEFAULT_GRACE_S = 30.0
FREE_STEP = Step(0, 0, None, None, 0.0, DEFAULT_GRACE_S)


class Conductor:
    """Leads one run at a time, from Locust's test_start to its end.

    With a scenario it walks through its steps, or those that the referee of a search decides on,
    and Locust's load shape follows `target_users`. Without one, each change of Locust's own number
    of users is a step.
    """

    def __init__(
        self,
        environment: Environment,
        settings: Settings,
        asks: Sequence[tuple[str, float]],
        on_failure: Callable[[BaseException], None],
    ) -> None:
        """`asks` are the tasks of the locustfile with their weights, for a run without scenario;
        `on_failure` hears of what ended a run that could not be led to its end."""
        self.run: Path | None = None
        """The directory of the present or last run."""
        self.reason: str | None = None
        """Why the last run ended; None while one is under way or before the first."""
        self._environment = environment
        self._settings = settings
        self._asks = asks
        self._on_failure = on_failure
        self._steps: tuple[Step, ...] = (
            settings.scenario.load_steps() if settings.scenario is not None else ()
        )
        self.rearm()

    @property
    def under_way(self) -> bool:
        """Whether a run has begun and not ended."""
        return self.run is not None and self.reason is None

    @property
    def _runner(self) -> LocalRunner | MasterRunner:
        runner = self._environment.runner
        assert isinstance(runner, LocalRunner | MasterRunner)
        return runner

    def rearm(self) -> None:
        """Makes ready for another run."""
        search = self._settings.scenario.search if self._settings.scenario is not None else None
        self.target_users: int | None = None
        if self._steps:
            self.target_users = self._steps[0].users
        elif search is not None:
            self.target_users = search.users[0]

    def begin(self) -> None:
        """Starts a run: identifies the server, makes the directory, starts the sidecar.

        Raises ConfigurationError and ServerFailedError.
        """
        self.run, self.reason = None, None
        scenario = self._settings.scenario_for(self._asks)
        server = self._settings.server_for(self._environment.host)
        key = read_key(server.key)
        identity = identify(server, server.url, key)
        scenario = calibrated_scenario(scenario, server, str(identity["model"]), key)
        now = datetime.now(UTC)
        run = self._settings.run_directory or create_run_directory(
            self._settings.runs, scenario.name, server.name, now
        )
        self._scenario, self._server = scenario, server
        self._writer = RunWriter(run)
        self._header = header(scenario, identity, now)
        self._writer.write_header(self._header)
        self._writer.append_event("run_start")
        self._model = str(identity["model"])
        self._roster = Roster(self._runner)
        self._number = 0
        self._phase = Phase.OVER
        self._step = FREE_STEP
        self._stopping: str | None = None
        self._hurry = False
        self._sidecar = Sidecar(run, server.url, self._settings.server_pid, server.key)
        self._sidecar.start()
        self._referee = Referee(run, self.warn) if scenario.wants_referee() else None
        self.run = run
        self._send(RUN, pack(self._run_message()))
        self._walk = gevent.spawn(self._conduct)
        self._walk.link_exception(self._abandon)

    def end(self, reason: str, *, hurry: bool = False) -> None:
        """Ends the run, if one is under way, and returns when all is written.

        `reason` goes into the run's last event unless its steps are through already; `hurry`
        cuts off the requests in flight at once.
        """
        if not self.under_way:
            return
        self._stopping = self._stopping or reason
        self._hurry = self._hurry or hurry
        self._walk.join()

    def admit_worker(self, worker: str) -> None:
        """A worker listens; if a run is under way, it is told where that stands."""
        if not self.under_way:
            return
        if self._roster.admit(worker):
            self._writer.append_event("worker_joined", worker=worker)
        self._send(RUN, pack(self._run_message()), worker)
        self._send(PHASE, pack(self._phase_message()), worker)

    def take(self, report: Report) -> None:
        """Writes down what a crew has handed over."""
        if not self.under_way:
            logger.warning("A report of worker %s came after the end of its run", report.worker)
            return
        self._roster.enter(report)
        self._writer.append_records(report.records)
        if report.histograms:
            self._writer.append_histograms(report.start_ns, report.end_ns, report.histograms)
        for interval in report.generator:
            self._writer.append_event("generator", **msgspec.structs.asdict(interval))
        for warning in report.warnings:
            self.warn(warning)
        if report.trouble is not None:
            self.warn(report.trouble, invalid=True)
            self._stopping, self._hurry = "worker_failed", True

    def warn(self, message: str, *, invalid: bool = False) -> None:
        """Notes what a reader of the run has to know; `invalid`: no verdict may rest on it."""
        logger.warning("%s", message)
        if self.under_way:
            self._writer.append_event("warning", message=message, invalid=invalid)

    def _conduct(self) -> None:
        if self._steps:
            for step in self._steps:
                if self._stopping is None:
                    self.target_users = step.users
                    self._run_step(step)
        elif self._scenario.search is not None:
            self._search(self._scenario.search)
        else:
            self._follow_locust()
        self._finish()

    def _search(self, search: Search) -> None:
        """Runs one step after the other as the referee decides on them, until it has found out."""
        index = 0
        while (step := self._decided_step(index, search)) is not None:
            self.target_users = step.users
            self._run_step(step)
            index += 1

    def _decided_step(self, index: int, search: Search) -> Step | None:
        """The step `index` of a search, as soon as it is decided; None for the end."""
        referee = self._referee
        assert referee is not None, "a search has a referee"
        while self._stopping is None and not (referee.over or referee.lost):
            decided = referee.next_step(index)
            if decided is not None:
                return Step(
                    index,
                    decided.users,
                    decided.duration_s,
                    decided.requests,
                    search.warmup,
                    search.grace,
                    stop_when_decided=True,
                )
            self._look()
        if referee.lost and self._stopping is None:
            self.warn("the referee failed, and the search ended with it")
        return None

    def _look(self) -> None:
        """Waits a little, and sees what has become of workers, server and referee."""
        gevent.sleep(LOOK_EVERY_S)
        self._look_after_workers()
        self._look_after_server()
        if self._referee is not None:
            self._referee.look()

    def _abandon(self, walk: "gevent.Greenlet[[], None]") -> None:
        """Leaves a run that cannot be led on, on a full disk for one, as a killed one is left."""
        assert walk.exception is not None
        self._sidecar.stop()
        if self._referee is not None:
            self._referee.stop()
        self.target_users = None
        self.reason = "failed"
        self._on_failure(walk.exception)

    def _run_step(self, step: Step) -> None:
        self._enter(Phase.SPAWN, step)
        while self._phase is not Phase.OVER:
            self._look()
            following = next_phase(self._phase, step, self._situation())
            if following is not None:
                self._enter(following, step)

    def _follow_locust(self) -> None:
        """Steps as Locust's number of users changes; the last one ends with Locust's run."""
        grace_s = float(self._environment.stop_timeout or DEFAULT_GRACE_S)
        index = 0
        step = Step(index, self._runner.target_user_count, None, None, 0.0, grace_s)
        self._enter(Phase.SPAWN, step)
        while self._phase is not Phase.OVER:
            self._look()
            users = self._runner.target_user_count
            if users != step.users and self._stopping is None:
                index += 1
                self._writer.append_event("step_end", step=step.index)
                step = Step(index, users, None, None, 0.0, grace_s)
                self._enter(Phase.SPAWN, step)
            following = next_phase(self._phase, step, self._situation())
            if following is not None:
                self._enter(following, step)

    def _enter(self, phase: Phase, step: Step) -> None:
        self._phase, self._step = phase, step
        self._since_s = time.monotonic()
        match phase:
            case Phase.SPAWN:
                self._writer.append_event("step_start", step=step.index, users=step.users)
            case Phase.MEASURE:
                self._writer.append_event("step_measuring", step=step.index)
            case Phase.DRAIN:
                self._writer.append_event("step_draining", step=step.index)
            case Phase.OVER:
                self._writer.append_event("step_end", step=step.index)
        self._announce()

    def _announce(self, *, last: bool = False) -> None:
        self._number += 1
        self._send(PHASE, pack(self._phase_message(last=last)))

    def _situation(self) -> Situation:
        return Situation(
            now_s=time.monotonic(),
            since_s=self._since_s,
            users_ready=self._runner.user_count == self._step.users,
            spent=self._roster.are_spent(self._number),
            decided=self._is_decided(),
            idle=self._roster.are_idle(self._number),
            stopping=self._stopping is not None,
            hurry=self._hurry,
        )

    def _is_decided(self) -> bool:
        step, referee = self._step, self._referee
        return step.stop_when_decided and referee is not None and referee.has_ended(step.index)

    def _look_after_server(self) -> None:
        """Ends the run if no request reaches the server any more, and the conductor neither."""
        if self._stopping is not None or not self._roster.reach_nothing():
            return
        try:
            identify(self._server, self._server.url, read_key(self._server.key))
        except ServerFailedError as error:
            logger.error("The server is gone: %s", error)
            self._writer.append_event("server_note", message=str(error))
            self._stopping, self._hurry = "server_failed", True

    def _finish(self) -> None:
        """Has the last records graded and handed in, and closes the run."""
        self._announce(last=True)
        until_s = time.monotonic() + HANDED_IN_WITHIN_S
        while time.monotonic() < until_s:
            if self._roster.are_finished():
                break
            gevent.sleep(LOOK_EVERY_S)
            self._look_after_workers()
        else:
            self.warn("not all workers handed in their last requests", invalid=True)
        self._sidecar.stop()
        if self._referee is not None:
            self._referee.stop()
        self._writer.write_header(closing_header(self._header))
        reason = self._stopping or "completed"
        self._writer.append_event("run_end", reason=reason)
        self._writer.close()
        self.target_users = None
        self.reason = reason
        if self._settings.scenario is None and reason in ("server_failed", "worker_failed"):
            gevent.spawn(self._runner.quit)  # Locust's own options know of no end for it

    def _look_after_workers(self) -> None:
        for worker in self._roster.newly_lost():
            self._writer.append_event("worker_lost", worker=worker)
            self.warn(f"worker {worker} was lost with what it had measured", invalid=True)

    def _run_message(self) -> RunMessage:
        assert self.run is not None
        return RunMessage(
            run=self.run.name,
            scenario=self._scenario.model_dump_json().encode(),
            server=self._server.model_dump_json().encode(),
            model=self._model,
            worker_ids=self._roster.ids,
            boot_id=boot_id(),
            wall_minus_monotonic_ns=wall_minus_monotonic_ns(),
        )

    def _phase_message(self, *, last: bool = False) -> PhaseMessage:
        step = self._step
        quotas = None
        if step.requests is not None and self._phase is Phase.MEASURE:
            quotas = shared_out(step.requests, self._roster.users())
        return PhaseMessage(
            number=self._number,
            phase=self._phase,
            step=step.index,
            users=step.users,
            open=self._is_open(),
            quotas=quotas,
            last=last,
        )

    def _is_open(self) -> bool:
        if self._phase is Phase.SPAWN:
            return self._step.warmup_s > 0 or not self._steps
        return self._phase in (Phase.WARMUP, Phase.MEASURE)

    def _send(self, kind: str, data: dict[str, bytes], worker: str | None = None) -> None:
        self._runner.send_message(kind, data, worker)


def asks_of(user_classes: Sequence[Any]) -> list[tuple[str, float]]:
    """The (task, weight) pairs of all users of a locustfile, in their order."""
    weights: dict[str, float] = {}
    for user_class in user_classes:
        for name, weight in getattr(user_class, "asks", {}).items():
            weights[name] = weights.get(name, 0.0) + weight * user_class.weight
    return list(weights.items())
