"""One cell of the table: one client path at one number of streams, run once."""

import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from benchmarks.certificate import self_signed
from benchmarks.clients.observation import MARGIN_S, VARIABLE, Order
from benchmarks.compiled import CACHE, ROOT, compiled
from benchmarks.exchanges import Window, joined, parts_of, read_exchanges
from benchmarks.figures import Figures, figures
from benchmarks.paths import OURS, PEERS, PROCESSES, ClientPath
from benchmarks.peers.environments import python_of, tokenizer_by
from benchmarks.peers.peer import Peer, Wish
from benchmarks.peers.sitting import PeerFailedError, peer_figures, run_peer
from benchmarks.self_report import said_of_itself
from benchmarks.truth_server import Truth, TruthServer, running
from loadproof.recording.directory import HEADER

DRAIN_S = 60.0
"""How long beyond its window a client may take in all: imports, drowned users' last requests."""


class CellFailedError(Exception):
    """A client that ended without figures; the message holds the end of what it printed."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """What all cells of one sitting share. A core of -1: not pinned."""

    truth: Truth
    window_s: float
    server_core: int
    client_cores: tuple[int, ...]
    """All others, of which a client of one process has the first. Empty: no core of its own."""
    busy: bool = False
    """Whether another process keeps the client's core busy all the time."""
    at_once: bool = False
    """Whether all streams begin at the same moment, and not spread over one period."""
    trace: Path | None = None
    """Where a Python client is to write a trace of its loop's pauses."""


@dataclass(frozen=True, slots=True)
class Cell:
    """Who reads how many streams."""

    path: ClientPath
    streams: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a cell: its figures, and counts that only some paths have."""

    figures: Figures
    notes: dict[str, int]
    cpu_share: dict[str, float]
    """Of each child program in the CPU time of all."""
    said: str = ""
    """What loadproof's own run says of its generator."""


def run_cell(cell: Cell, conditions: Conditions) -> Outcome:
    """Starts a server and a client of their own, and waits until both have ended.

    The client inherits this process's core. Raises CellFailedError, CompilationError.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as scratch, ExitStack() as ending:
        truth = conditions.truth
        if cell.path is ClientPath.TLS:
            truth = replace(truth, certificate=self_signed(Path(scratch)))
        server = ending.enter_context(running(truth, conditions.server_core))
        if conditions.busy:
            ending.enter_context(_busy_loop())
        peer = PEERS.get(cell.path)
        if peer is not None:
            return _run_peer(peer, cell, conditions, server, ending, Path(scratch))
        order = Order(
            server.url,
            cell.streams,
            truth.period_ms / 1000,
            conditions.window_s,
            str(Path(scratch) / "exchanges"),
            str(conditions.trace) if conditions.trace is not None else None,
            0.0 if conditions.at_once else truth.period_ms / 1000,
            PROCESSES.get(cell.path, 1),
        )
        with _on(conditions.client_cores[: order.processes]):
            output = _run_client(cell, order, server.port, Path(scratch), truth.certificate)
        ending.close()
        parts = parts_of(Path(order.exchanges))
        others = [part.with_name(part.name + ".json").read_bytes() for part in parts[1:]]
        window = joined([msgspec.json.decode(one, type=Window) for one in (output, *others)])
        exchanges = [exchange for part in parts for exchange in read_exchanges(part)]
        said = ""
        if cell.path in OURS:
            (run,) = (path.parent for path in Path(scratch).glob(f"*/{HEADER}"))
            said = said_of_itself(run, exchanges, cell.streams)
    cpu_s = window.cpu_s + sum(window.children_cpu_s.values())
    return Outcome(
        figures(exchanges, window, cell.streams, server.late_p99_ms),
        window.notes,
        {program: used_s / cpu_s for program, used_s in window.children_cpu_s.items()},
        said,
    )


def _run_peer(
    peer: Peer,
    cell: Cell,
    conditions: Conditions,
    server: TruthServer,
    ending: ExitStack,
    scratch: Path,
) -> Outcome:
    period_s = conditions.truth.period_ms / 1000
    folder = scratch / "peer"
    folder.mkdir()
    python = python_of(peer)
    wish = Wish(
        url=server.url,
        streams=cell.streams,
        # A period to begin, the window, and a period to end.
        requests=cell.streams * max(3, round(conditions.window_s / period_s) + 2),
        spread_s=0.0 if conditions.at_once else period_s,
        tokens=conditions.truth.tokens,
        python=python,
        tokenizer=tokenizer_by(python),
        folder=folder,
    )
    try:
        run = run_peer(peer, wish)
    except PeerFailedError as error:
        raise CellFailedError(str(error)) from None
    ending.close()
    return Outcome(peer_figures(peer, run, server.account, period_s), {}, {})


def _run_client(
    cell: Cell, order: Order, port: int, scratch: Path, certificate: Path | None
) -> bytes:
    """The window that the client reports, as JSON."""
    log = scratch / "client.log"
    # A period to begin, the window, and what was in flight at its end.
    within_s = 2 * order.period_s + MARGIN_S + order.window_s + DRAIN_S
    with log.open("wb") as sink:
        client = subprocess.Popen(
            _command(cell, order, port, scratch),
            cwd=ROOT,
            env={
                **os.environ,
                VARIABLE: msgspec.json.encode(order).decode(),
                **({} if certificate is None else {"SSL_CERT_FILE": str(certificate)}),
                "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
            },
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
        try:
            client.wait(within_s)
        except subprocess.TimeoutExpired:
            pass
        finally:
            client.kill()
            client.wait()
    window = Path(order.exchanges + ".json")
    if cell.path is ClientPath.BARE and client.returncode == 0:
        return log.read_bytes()
    if window.exists():
        return window.read_bytes()
    end = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
    raise CellFailedError(
        f"{cell.path} at {cell.streams} streams gave no figures; the end of what it printed:\n{end}"
    )


def _command(cell: Cell, order: Order, port: int, scratch: Path) -> Sequence[str]:
    if cell.path is ClientPath.BARE:
        return [
            str(compiled("bare_reader")),
            *(str(port), str(cell.streams), str(order.spread_s * 1000), str(order.window_s)),
            order.exchanges,
        ]
    if cell.path is ClientPath.READER:
        return [sys.executable, "-m", "benchmarks.clients.reader"]
    locustfile = {ClientPath.FAST_HTTP: "fast_http", ClientPath.OPENAI: "openai"}.get(
        cell.path, "streaming"
    )
    options = ["--runs", str(scratch), "--no-judge"] if cell.path in OURS else []
    if order.processes > 1:
        meeting = str(_free_port())
        options += ["--processes", str(order.processes), "--master-bind-host", "127.0.0.1"]
        options += ["--master-bind-port", meeting, "--master-port", meeting]
    return [
        *(sys.executable, "-m", "locust", "--headless"),
        *("-f", str(ROOT / "benchmarks" / "clients" / f"{locustfile}_locustfile.py")),
        *("-u", str(cell.streams), "-r", str(cell.streams)),
        *("--host", order.url, "--stop-timeout", str(round(order.period_s) + 10)),
        *("--loglevel", "WARNING", "--only-summary"),
        *options,
    ]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _on(cores: Sequence[int]) -> Iterator[None]:
    """Runs this process, and so what it starts, on these cores; none: where it is."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores or before)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


@contextmanager
def _busy_loop() -> Iterator[None]:
    """Keeps a process computing without end on this process's core, which is the client's."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()
