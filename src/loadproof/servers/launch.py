"""Starting a server, waiting until it is ready, and ending it with all that it started."""

import errno
import os
import socket
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psutil

import loadproof
from loadproof.model.errors import ServerFailedError
from loadproof.model.server import Server
from loadproof.servers.probe import UnreachableError, get
from loadproof.servers.process_tree import end_tree

_LOOK_EVERY_S = 0.2
_SIMULATOR_READY_WITHIN_S = 60.0
_END_WITHIN_S = 15.0
_LOG_LINES_SHOWN = 15
_PROBE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server that answers. `pid` is its process, where we started it."""

    url: str
    pid: int | None
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def alive(self) -> bool:
        """Whether the process that we started still runs; True for a server that we did not."""
        return self._process is None or self._process.poll() is None


@contextmanager
def launched(server: Server, log: Path) -> Iterator[RunningServer]:
    """The server of a server file, running and ready for as long as the context lasts.

    The simulator, or the command of a [start] table, is started as a child with a session of its
    own, its output going to `log`; at the end it is ended with all its descendants. A server with
    neither has to answer already, and is left alone. A simulator whose url has no port gets any
    free one.

    Raises ServerFailedError where it cannot be started, its port is taken, it dies or is not
    ready in time: with the end of its log.
    """
    if server.engine == "simulator":
        with _listening(server) as listening:
            port = listening.getsockname()[1]
            process = _start_simulator(server, listening, log)
        url = f"http://127.0.0.1:{port}"
        ready_within_s = _SIMULATOR_READY_WITHIN_S
    elif server.start is not None:
        _refuse_taken_port(server)
        process = _start_command(server, log)
        url, ready_within_s = server.url, server.start.ready_within
    else:
        _check_answers(server)
        yield RunningServer(server.url, None)
        return
    try:
        _wait_until_ready(server, url, process, log, ready_within_s)
        yield RunningServer(url, process.pid, process)
    finally:
        end_tree(process, _END_WITHIN_S)
        if process.stdin is not None:
            process.stdin.close()


def _listening(server: Server) -> socket.socket:
    """The simulator's socket. It is bound here, so that a taken port shows at once, and handed
    over, so that nobody else can take it in between."""
    port = urlsplit(server.url).port or 0
    try:
        return socket.create_server(("127.0.0.1", port))
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise _port_taken(server, port) from None
        raise ServerFailedError(
            f"{server.name}: cannot listen at port {port}: {error.strerror}"
        ) from None


def _start_simulator(
    server: Server, listening: socket.socket, log: Path
) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-P", "-m", "loadproof.servers.simulator", "-"]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*command, "--fd", str(listening.fileno())],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            pass_fds=[listening.fileno()],
            env=_environment(),
            start_new_session=True,
        )
    # The pipe stays open: when we are gone, however that came about, the simulator goes too.
    # Where it is broken, the simulator has died, which waiting for it finds out.
    settings = server.model_dump_json().encode() + b"\n"
    with suppress(BrokenPipeError):
        os.write(_pipe(process), settings)
    return process


def _pipe(process: subprocess.Popen[bytes]) -> int:
    if process.stdin is None:
        raise ValueError("a process without a pipe to its stdin")
    return process.stdin.fileno()


def _environment() -> dict[str, str]:
    """Our own, with this package on the child's path wherever it was imported from."""
    root = str(Path(loadproof.__file__).parents[1])
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def _start_command(server: Server, log: Path) -> subprocess.Popen[bytes]:
    start = server.start
    if start is None:
        raise ValueError("no start table")
    try:
        with log.open("wb") as output:
            return subprocess.Popen(
                start.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **start.env},
                start_new_session=True,
            )
    except OSError as error:
        raise ServerFailedError(
            f"{server.name}: start.command: {start.command[0]!r} cannot be started: "
            f"{error.strerror}"
        ) from None


def _refuse_taken_port(server: Server) -> None:
    """A server that finds its port taken may say so only after minutes of loading."""
    parts = urlsplit(server.url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        with socket.create_connection((str(parts.hostname), port), timeout=1.0):
            raise _port_taken(server, port)
    except OSError:
        return


def _port_taken(server: Server, port: int) -> ServerFailedError:
    return ServerFailedError(
        f"{server.name}: url: port {port} is taken{_by_whom(port)}; end that, or change the port"
    )


def _by_whom(port: int) -> str:
    """Which of our own processes listens at `port`; of others the system tells nothing."""
    for candidate in psutil.process_iter():
        try:
            for connection in candidate.net_connections("tcp"):
                if connection.status == psutil.CONN_LISTEN and connection.laddr[1] == port:
                    return f" by process {candidate.pid} ({candidate.name()})"
        except psutil.Error:
            continue
    return ""


def _check_answers(server: Server) -> None:
    try:
        get(server.url, "/health", timeout_s=_PROBE_TIMEOUT_S)
    except UnreachableError as error:
        raise ServerFailedError(
            f"{server.name}: nothing answers at {server.url}: {error}; start it first, or add a "
            "[start] table that says how"
        ) from None


def _wait_until_ready(
    server: Server, url: str, process: subprocess.Popen[bytes], log: Path, within_s: float
) -> None:
    deadline_s = time.monotonic() + within_s
    while not _is_ready(url):
        try:
            code = process.wait(_LOOK_EVERY_S)
        except subprocess.TimeoutExpired:
            if time.monotonic() < deadline_s:
                continue
            raise ServerFailedError(
                f"{server.name}: not ready within {within_s:g} s{_end_of(log)}"
            ) from None
        raise ServerFailedError(f"{server.name}: {_ended(code)} before it was ready{_end_of(log)}")
    if process.poll() is not None:
        raise ServerFailedError(
            f"{server.name}: {_ended(process.returncode)} before it was ready{_end_of(log)}"
        )


def _is_ready(url: str) -> bool:
    """Whether /health says so, or the list of models where there is no /health."""
    try:
        status = get(url, "/health", timeout_s=_PROBE_TIMEOUT_S).status
        if status == 404:
            status = get(url, "/v1/models", timeout_s=_PROBE_TIMEOUT_S).status
    except UnreachableError:
        return False
    # A key may be wanted for everything: whoever refuses ours is there.
    return status in (200, 204, 401, 403)


def _ended(code: int) -> str:
    return f"was ended by signal {-code}" if code < 0 else f"ended with exit code {code}"


def _end_of(log: Path) -> str:
    """The last lines of the log, to be added to a message, and where the rest is."""
    with log.open(encoding="utf-8", errors="replace") as lines:
        last = [line.rstrip() for line in deque(lines, _LOG_LINES_SHOWN)]
    shown = "\n".join(f"  | {line}" for line in last)
    return f"; its log is {log}" + (f" and ends so:\n{shown}" if last else ", which is empty")
