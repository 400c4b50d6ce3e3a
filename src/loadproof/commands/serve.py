"""`loadproof serve`: start a server from its file and keep it until Ctrl-C."""

import signal
import time
from pathlib import Path

from rich.console import Console

from loadproof.model.errors import ConfigurationError, ServerFailedError
from loadproof.model.server import read_server
from loadproof.servers.launch import launched

LOOK_EVERY_S = 0.5


def serve(server_path: Path, log: Path, console: Console) -> None:
    """Serves until it is interrupted; what the server prints goes to `log`.

    Raises ConfigurationError where the file does not say how to start one, and ServerFailedError
    where it does not get ready or dies.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: nothing is left behind
    server = read_server(server_path)
    if server.start is None and server.engine != "simulator":
        raise ConfigurationError(
            f"{server_path}: start: missing; expected a [start] table with the server's command"
        )
    with launched(server, log) as running:
        console.print(
            f"{server.name} serves at {running.url} (process {running.pid}, log {log}). "
            "Ctrl-C ends it.",
            soft_wrap=True,
            highlight=False,
        )
        while running.alive():
            time.sleep(LOOK_EVERY_S)
        raise ServerFailedError(f"{server.name} died; its log is {log}")
