"""Starting and stopping the sidecar's process."""

import logging
import os
import subprocess
import sys
from pathlib import Path

import loadproof
from loadproof.model.server import Key

STOP_WITHIN_S = 10.0
"""A last scrape of /metrics takes 2 s at most, on a connection that may have to be made anew."""

logger = logging.getLogger(__name__)


class Sidecar:
    """The process that samples GPU, server and host while a run lasts.

    It writes into the run directory itself and ends by itself when this process ends, killed or
    not: then its standard input closes. It works in a process that gevent has patched.
    """

    def __init__(self, run: Path, url: str, pid: int | None, key: Key | None = None) -> None:
        """`url` is the server's, `pid` its first process where that is known; else it is looked
        for by its port. Of `key` the place alone is handed on, never the key."""
        self._command = [sys.executable, "-P", "-m", "loadproof.telemetry", str(run), url]
        if pid is not None:
            self._command += ["--pid", str(pid)]
        if key is not None and key.env is not None:
            self._command += ["--key-env", key.env]
        if key is not None and key.file is not None:
            self._command += ["--key-file", key.file]
        self._child: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts the process and returns at once; its first sample comes in about half a second.

        Raises OSError where no process can be started.
        """
        if self._child is not None:
            raise RuntimeError("a sidecar is started once")
        self._child = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=_environment(),
            # An interrupt from the terminal is for the run, which then has the sidecar end.
            start_new_session=True,
        )

    def stop(self, within_s: float = STOP_WITHIN_S) -> None:
        """Has it take a last sample and end, and waits for that; kills it after `within_s`.

        A second call does nothing.
        """
        child, self._child = self._child, None
        if child is None:
            return
        if child.stdin is not None:
            child.stdin.close()
        try:
            code = child.wait(within_s)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
            logger.warning("the telemetry sidecar did not end within %g s and was killed", within_s)
            return
        if code != 0:
            logger.warning("the telemetry sidecar ended with exit code %d", code)


def _environment() -> dict[str, str]:
    """This process's own, so that the child imports the same loadproof from wherever it is."""
    package = str(Path(loadproof.__file__).parent.parent)
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
