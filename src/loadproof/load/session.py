"""Loadproof within one Locust process: which of Locust's events lead to what."""

import contextlib
import functools
import logging
import signal
import sys
import traceback
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gevent
import locust.stats
from locust import events
from locust.env import Environment
from locust.runners import LocalRunner, MasterRunner, Runner, WorkerRunner

from loadproof.load.conductor import Conductor, asks_of
from loadproof.load.crew import Crew, assign_crew
from loadproof.load.messages import (
    PHASE,
    READY,
    REPORT,
    RUN,
    PhaseMessage,
    Report,
    RunMessage,
    pack,
    unpack,
)
from loadproof.load.response_time import three_digits
from loadproof.load.settings import Settings, add_options, read_settings, refuse
from loadproof.load.shape import ScenarioShape
from loadproof.model.errors import (
    ConfigurationError,
    LoadproofError,
    RunUnwritableError,
    ServerFailedError,
)
from loadproof.model.exit_codes import ExitCode
from loadproof.servers.identity import identify
from loadproof.servers.key import read_key

logger = logging.getLogger(__name__)

Judge = Callable[[Path], int | None]
"""Analyses a run directory and shows what it found; the verdict's exit code, None without one."""


def install(judge: Judge) -> None:
    """Hooks loadproof into Locust: its options, and a Session for the environment to come."""
    # Locust says int and takes any number: it sorts them and shows them.
    locust.stats.bucket_response_time = three_digits  # type: ignore[assignment]
    events.init_command_line_parser.add_listener(add_options)

    def on_init(environment: Environment, runner: Runner, **_: Any) -> None:
        _interrupt_on(signal.SIGINT)
        try:
            settings = read_settings(environment.parsed_options or Namespace())
            Session(environment, runner, settings, judge)
        except ConfigurationError as error:
            refuse(error)
        except ServerFailedError as error:
            print(error, file=sys.stderr)  # noqa: T201 - a user's error, shown like Locust's own
            sys.exit(ExitCode.SERVER_FAILED)

    events.init.add_listener(on_init)


def _interrupt_on(number: signal.Signals) -> Any:
    """Makes a signal an event of the loop, which then raises KeyboardInterrupt in Locust's main.

    Raised by Python itself it may strike within the callback that reads a stream, and break that.
    Returns the watcher, which can be cancelled.
    """
    hub = gevent.get_hub()
    return gevent.signal_handler(
        number, hub.handle_system_error, KeyboardInterrupt, KeyboardInterrupt()
    )


class Session:
    """What one Locust process contributes: the conductor, a crew, or both of them.

    Raises ConfigurationError and ServerFailedError for what can be known before the run.
    """

    def __init__(
        self, environment: Environment, runner: Runner, settings: Settings, judge: Judge
    ) -> None:
        assert isinstance(runner, LocalRunner | MasterRunner | WorkerRunner)
        self._environment = environment
        self._options: Any = environment.parsed_options
        self._runner = runner
        self._settings = settings
        self._judge = judge
        self._failed = False
        self._termination: Any = None
        self._judged: Path | None = None
        self._judging: gevent.Greenlet[[], None] | None = None
        self._conductor: Conductor | None = None
        self._crew: Crew | None = None
        if not isinstance(runner, MasterRunner):
            runner.register_message(RUN, self._guarded(self._on_run))
            runner.register_message(PHASE, self._guarded(self._on_phase))
        if isinstance(runner, WorkerRunner):
            self._listen(environment.events.test_stop, self._on_worker_stop)
            self._listen(environment.events.quitting, self._on_worker_stop)
            runner.send_message(READY)
        else:
            self._conduct()

    def _conduct(self) -> None:
        environment, settings = self._environment, self._settings
        asks = asks_of(environment.user_classes)
        settings.scenario_for(asks)
        if self._options.headless or self._options.autostart:
            server = settings.server_for(environment.host)
            identify(server, server.url, read_key(server.key))
        if environment.host is None and settings.server is not None:
            environment.host = settings.server.url
        self._conductor = Conductor(environment, settings, asks, self._fail)
        if settings.scenario is not None:
            if self._options.headless:
                # Locust heeds SIGTERM only when its load shape has come to its end.
                self._termination = _interrupt_on(signal.SIGTERM)
            environment.shape_class = ScenarioShape(self._conductor)
            environment.shape_class.runner = self._runner
        self._runner.register_message(REPORT, self._guarded(self._on_report))
        self._runner.register_message(READY, self._guarded(self._on_ready))
        hooks = environment.events
        self._listen(hooks.test_start, self._on_test_start)
        self._listen(hooks.test_stopping, self._on_test_stopping)
        self._listen(hooks.test_stop, self._on_test_stop)
        self._listen(hooks.quitting, self._on_quitting)
        self._listen(hooks.user_error, self._on_user_error)

    def _listen(self, hook: Any, listener: Callable[..., None]) -> None:
        hook.add_listener(self._guarded(listener))

    def _guarded(self, listener: Callable[..., None]) -> Callable[..., None]:
        """Locust logs what a listener raises and goes on; here it makes the run invalid."""

        @functools.wraps(listener)
        def guarded(*args: Any, **kwargs: Any) -> None:
            try:
                listener(*args, **kwargs)
            except Exception as error:  # noqa: BLE001 - whatever it is, the run is invalid
                self._fail(error)

        return guarded

    def _fail(self, error: BaseException) -> None:
        """Ends what cannot go on: the run is invalid, and the process ends with a code for it."""
        message = str(error)
        if not isinstance(error, LoadproofError):
            message = f"loadproof itself failed: {error!r}"
            logger.error("%s", "".join(traceback.format_exception(error)))
        logger.error("%s", message)
        if isinstance(self._runner, WorkerRunner):
            self._send_report(_trouble(self._runner.client_id, message))
            return
        first, self._failed = not self._failed, True
        self._environment.process_exit_code = _exit_code(error)
        if first:
            gevent.spawn(self._end_failed_run, message)

    def _end_failed_run(self, message: str) -> None:
        assert self._conductor is not None
        if self._conductor.under_way:
            with contextlib.suppress(RunUnwritableError):
                self._conductor.warn(message, invalid=True)
        self._stop_locust()

    def _stop_locust(self) -> None:
        if self._environment.web_ui is None:
            self._runner.quit()
        else:
            self._runner.stop()

    # What the conductor's process hears

    def _on_test_start(self, **_: Any) -> None:
        assert self._conductor is not None
        self._conductor.begin()

    def _on_test_stopping(self, **_: Any) -> None:
        assert self._conductor is not None
        through = self._settings.scenario is None
        self._conductor.end("completed" if through else "interrupted", hurry=not through)

    def _on_test_stop(self, **_: Any) -> None:
        assert self._conductor is not None
        self._close_crew()
        if self._termination is not None:
            self._termination.cancel()
        run = self._conductor.run
        if run is not None and run != self._judged:
            self._judged = run
            self._judging = gevent.spawn(
                functools.partial(self._judge_run, run, self._conductor.reason)
            )

    def _judge_run(self, run: Path, reason: str | None) -> None:
        code = self._judge(run) if self._settings.judge else None
        if reason == "interrupted":
            code = ExitCode.INTERRUPTED
        if code is not None and not self._failed:
            self._environment.process_exit_code = code

    def _on_quitting(self, **_: Any) -> None:
        """Locust's process ends: by its own doing, by Ctrl-C, or by a signal."""
        assert self._conductor is not None
        if self._conductor.under_way:
            endless = self._settings.scenario is None and not self._options.run_time
            self._conductor.end("completed" if endless else "interrupted", hurry=True)
            self._runner.stop()
        if self._judging is not None:
            self._judging.join()

    def _on_user_error(self, exception: BaseException, **_: Any) -> None:
        assert self._conductor is not None
        self._conductor.warn(f"a user failed: {exception!r}", invalid=True)

    def _on_ready(self, msg: Any, **_: Any) -> None:
        assert self._conductor is not None
        self._conductor.admit_worker(msg.node_id)

    def _on_report(self, msg: Any, **_: Any) -> None:
        assert self._conductor is not None
        self._conductor.take(unpack(msg.data, Report))

    # What a crew's process hears

    def _on_run(self, msg: Any, **_: Any) -> None:
        assert not isinstance(self._runner, MasterRunner)
        message = unpack(msg.data, RunMessage)
        if self._crew is not None and self._crew.run == message.run:
            return
        self._close_crew()
        self._crew = Crew(
            message,
            self._runner.client_id,
            self._send_report,
            self._environment.events.request.fire,
        )
        assign_crew(self._environment, self._crew)

    def _on_phase(self, msg: Any, **_: Any) -> None:
        if self._crew is not None:
            self._crew.follow(unpack(msg.data, PhaseMessage))

    def _on_worker_stop(self, **_: Any) -> None:
        if self._crew is not None:
            self._crew.hand_in()
        self._close_crew()

    def _send_report(self, report: Report) -> None:
        self._runner.send_message(REPORT, pack(report))

    def _close_crew(self) -> None:
        if self._crew is not None:
            self._crew.close()
            self._crew = None
            assign_crew(self._environment, None)


def _trouble(worker: str, message: str) -> Report:
    return Report(
        worker=worker,
        number=-1,
        in_flight=0,
        spent=True,
        finished=True,
        unreachable=False,
        start_ns=0,
        end_ns=0,
        trouble=message,
    )


def _exit_code(error: BaseException) -> ExitCode:
    if isinstance(error, ServerFailedError):
        return ExitCode.SERVER_FAILED
    if isinstance(error, ConfigurationError):
        return ExitCode.BAD_CONFIGURATION
    return ExitCode.INVALID
