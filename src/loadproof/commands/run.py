"""`loadproof run`: start the server, load it by Locust, judge what was recorded."""

import contextlib
import signal
import socket
import subprocess
import sys
from collections import deque
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console

from loadproof.commands.gate import check_report_url, gate
from loadproof.commands.kit import kit_folder
from loadproof.model.exit_codes import ExitCode
from loadproof.model.scenario import Scenario
from loadproof.model.server import read_server
from loadproof.recording.directory import (
    GENERATOR_LOG,
    HEADER,
    SERVER_LOG,
    create_run_directory,
)
from loadproof.report.progress import Progress
from loadproof.servers.identity import identify
from loadproof.servers.key import read_key
from loadproof.servers.launch import launched
from loadproof.tasks.traffic import load_scenario

LOOK_EVERY_S = 0.5
WIND_UP_WITHIN_S = 120.0
LOG_LINES_SHOWN = 15


def run(
    scenario_path: Path,
    server_path: Path,
    runs: Path,
    processes: int,
    console: Console,
    *,
    report_url: str | None = None,
) -> int:
    """Runs the scenario against the server; returns the exit code.

    The run directory is made under `runs`; `processes` is the number of load generating ones;
    `report_url` as for `gate`. Raises ConfigurationError and ServerFailedError.
    """
    check_report_url(report_url)
    scenario = load_scenario(scenario_path)
    told = ("--scenario", str(scenario_path))
    return load_and_judge(scenario, told, server_path, runs, processes, console, report_url)


def load_and_judge(  # noqa: PLR0913, PLR0917 - what both `run` and `capacity` are told
    scenario: Scenario,
    told: tuple[str, str],
    server_path: Path,
    runs: Path,
    processes: int,
    console: Console,
    report_url: str | None,
) -> int:
    """Has Locust, which is `told` by that option what it is to do, load the server; judges that.

    Returns the exit code. Raises ConfigurationError and ServerFailedError.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing is left behind
    server = read_server(server_path)
    key = read_key(server.key)
    directory = create_run_directory(runs, scenario.name, server.name, datetime.now(UTC))
    console.print(f"Run directory: {directory}", soft_wrap=True, highlight=False)
    with launched(server, directory / SERVER_LOG) as running:
        identify(server, running.url, key)  # what it refuses is said here, in one line
        command = [
            *(sys.executable, "-m", "locust", "-f", str(kit_folder() / "locustfiles/mixed.py")),
            *("--headless", "--only-summary", "--no-judge", "--host", running.url),
            *(*told, "--server", str(server_path)),
            *("--run-directory", str(directory)),
        ]
        if running.pid is not None:
            command += ["--server-pid", str(running.pid)]
        if processes > 1:
            # A port of their own, on this machine alone: several runs can go on side by side.
            port = str(_free_port())
            command += ["--processes", str(processes), "--master-bind-host", "127.0.0.1"]
            command += ["--master-bind-port", port, "--master-port", port]
        code = _load(command, directory, scenario, console)
    if not (directory / HEADER).exists():
        end = _end_of(directory / GENERATOR_LOG)
        console.print(end, markup=False, highlight=False, soft_wrap=True)
        return code or ExitCode.INVALID
    verdict_code = gate(directory, console, report_url)
    if code in (ExitCode.INTERRUPTED, ExitCode.SERVER_FAILED, ExitCode.INVALID):
        return code
    return verdict_code


def _load(command: list[str], directory: Path, scenario: Scenario, console: Console) -> int:
    """Runs Locust to its end and shows how far it is; its exit code."""
    with (directory / GENERATOR_LOG).open("wb") as log:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C reaches it once, from here
        )
        try:
            with Progress(directory, scenario.load_steps(), console) as progress:
                while process.poll() is None:
                    progress.update()
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        process.wait(LOOK_EVERY_S)
                progress.update()
        except KeyboardInterrupt:
            console.print("Interrupted: cutting off what is in flight, and judging the rest")
            _interrupt(process)
            return ExitCode.INTERRUPTED
    return process.returncode


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Has Locust close its books; a second Ctrl-C, or too long a wait, kills it."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(WIND_UP_WITHIN_S)
    except (KeyboardInterrupt, subprocess.TimeoutExpired):
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _end_of(log: Path) -> str:
    with log.open(encoding="utf-8", errors="replace") as lines:
        return "".join(deque(lines, LOG_LINES_SHOWN))
