"""Locust and loadproof as a user starts them: processes of their own."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from loadproof.recording.reader import RecordedRun, read_run

ROOT = Path(__file__).parents[2]
LOCUSTFILES = ROOT / "locustfiles"
TIMEOUT_S = 120


def environment(**more: str) -> dict[str, str]:
    """The caller's environment, with this checkout's loadproof."""
    return {**os.environ, "PYTHONPATH": str(ROOT / "src"), "NO_COLOR": "1", **more}


def command(module: str, *arguments: str | Path) -> list[str]:
    """`python -m module arguments` with this Python."""
    return [sys.executable, "-m", module, *map(str, arguments)]


def finished(
    module: str, *arguments: str | Path, cwd: Path, **more: str
) -> subprocess.CompletedProcess[str]:
    """A process run to its end, output and errors together."""
    return subprocess.run(
        command(module, *arguments),
        cwd=cwd,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=TIMEOUT_S,
        check=False,
    )


@contextmanager
def running(
    module: str, *arguments: str | Path, cwd: Path, **more: str
) -> Iterator[subprocess.Popen[str]]:
    """A process that is killed at the end if it still runs; output and errors in its stdout."""
    process = subprocess.Popen(
        command(module, *arguments),
        cwd=cwd,
        env=environment(**more),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(what: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    """Waits for something that `process` is to bring about."""
    until_s = time.monotonic() + TIMEOUT_S
    while not what():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < until_s
        time.sleep(0.05)


def has_records(folder: Path, containing: bytes = b"") -> bool:
    """Whether a run under `folder`/runs has a recorded request with these bytes in its line."""
    return any(
        path.stat().st_size > 0 and containing in path.read_bytes()
        for path in (folder / "runs").glob("*/requests.jsonl")
    )


def only_run(folder: Path) -> Path:
    """The one run directory under `folder`/runs."""
    (run,) = (folder / "runs").iterdir()
    return run


def read_only_run(folder: Path) -> RecordedRun:
    """The one run under `folder`/runs, read back."""
    return read_run(only_run(folder))


def processes(count: int) -> tuple[str, ...]:
    """Locust's options for several processes, which meet at a port of their own."""
    port = str(free_port())
    return ("--processes", str(count), "--master-bind-port", port, "--master-port", port)


def free_port() -> int:
    """A port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
