"""A process of ours that works beside a run and ends when it does."""

import logging
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import loadproof

logger = logging.getLogger(__name__)


class Companion:
    """A Python module as a child process that ends when its standard input closes.

    It therefore ends by itself when this process ends, killed or not. It works in a process that
    gevent has patched.
    """

    def __init__(self, name: str, module: str, arguments: Sequence[str]) -> None:
        """`name` is what warnings call it; it is run as `python -m module arguments`."""
        self._name = name
        self._command = [sys.executable, "-P", "-m", module, *arguments]
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        """Whether it has been started, and neither stopped nor come to an end."""
        return self._child is not None and self._child.poll() is None

    @property
    def pid(self) -> int | None:
        """Its process, while it has not been stopped."""
        return None if self._child is None else self._child.pid

    def start(self) -> None:
        """Starts the process and returns at once. Raises OSError where none can be started."""
        if self.alive:
            raise RuntimeError(f"the {self._name} runs already")
        self._child = subprocess.Popen(
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            env=_environment(),
            # An interrupt from the terminal is for the run, which then has its companions end.
            start_new_session=True,
        )

    def stop(self, within_s: float) -> None:
        """Has it end, and waits for that; kills it after `within_s`.

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
            logger.warning("the %s did not end within %g s and was killed", self._name, within_s)
            return
        if code != 0:
            logger.warning("the %s ended with exit code %d", self._name, code)


def _environment() -> dict[str, str]:
    """This process's own, so that the child imports the same loadproof from wherever it is."""
    package = str(Path(loadproof.__file__).parent.parent)
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
