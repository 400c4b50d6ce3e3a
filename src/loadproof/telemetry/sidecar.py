"""Starting and stopping the sidecar's process."""

from pathlib import Path

from loadproof.model.server import Key
from loadproof.telemetry.companion import Companion

STOP_WITHIN_S = 10.0
"""A last scrape of /metrics takes 2 s at most, on a connection that may have to be made anew."""


class Sidecar(Companion):
    """The process that samples GPU, server and host while a run lasts.

    It writes into the run directory itself: its first sample comes in about half a second, its
    last when it is stopped.
    """

    def __init__(self, run: Path, url: str, pid: int | None, key: Key | None = None) -> None:
        """`url` is the server's, `pid` its first process where that is known; else it is looked
        for by its port. Of `key` the place alone is handed on, never the key."""
        arguments = [str(run), url]
        if pid is not None:
            arguments += ["--pid", str(pid)]
        if key is not None and key.env is not None:
            arguments += ["--key-env", key.env]
        if key is not None and key.file is not None:
            arguments += ["--key-file", key.file]
        super().__init__("telemetry sidecar", "loadproof.telemetry", arguments)

    def stop(self, within_s: float = STOP_WITHIN_S) -> None:
        """Has it take a last sample and end, as Companion.stop."""
        super().stop(within_s)
