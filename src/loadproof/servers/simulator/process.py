"""The simulator's process: its socket, its event loop, its end."""

import asyncio
import gc
import os
import resource
import signal
import socket
import sys
from collections.abc import Callable

from loadproof.model.metrics import TASKS
from loadproof.model.server import Server, Simulator
from loadproof.servers.simulator.answers import Answers
from loadproof.servers.simulator.application import Application
from loadproof.servers.simulator.connection import Connection
from loadproof.servers.simulator.driver import Driver
from loadproof.servers.simulator.event_loop import new_event_loop
from loadproof.tasks.questions import load_questions

_BACKLOG = 4096


def serve(
    server: Server,
    listening: socket.socket,
    key: str | None,
    *,
    until_stdin_closes: bool,
    announce: Callable[[str], None],
) -> None:
    """Serves on the bound socket until SIGTERM or SIGINT, or until stdin ends where that is asked.

    `announce` gets one line once the server answers.
    """
    _allow_many_connections()
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        runner.run(_serve(server, listening, key, until_stdin_closes, announce))


async def _serve(
    server: Server,
    listening: socket.socket,
    key: str | None,
    until_stdin_closes: bool,  # noqa: FBT001
    announce: Callable[[str], None],
) -> None:
    loop = asyncio.get_running_loop()
    questions = [question for task in TASKS for question in load_questions(task)]
    application = Application(
        server,
        Answers(server.simulator or Simulator(), questions),
        lambda engine, metrics: Driver(engine, metrics, loop),
        key,
    )
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if until_stdin_closes:
        loop.add_reader(sys.stdin, _watch_for_end, stopped)
    connections: set[Connection] = set()
    acceptor = await loop.create_server(
        lambda: Connection(application, connections), sock=listening, backlog=_BACKLOG
    )
    # What is loaded by now lives as long as the process: a collection need not look at it.
    gc.collect()
    gc.freeze()
    host, port = listening.getsockname()[:2]
    announce(f"simulating {application.model} at http://{host}:{port}")
    await stopped.wait()
    acceptor.close()
    for connection in tuple(connections):
        connection.close()


def _watch_for_end(stopped: asyncio.Event) -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        stopped.set()


def _allow_many_connections() -> None:
    """Raises the limit of open files as far as the system lets us."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = hard if hard != resource.RLIM_INFINITY else 65536
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
