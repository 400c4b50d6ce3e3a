"""What every Python path does alike: users take turns to start, a window is measured, stamps kept.

A path is told its cell by the environment variable LOADPROOF_BENCH_CELL, and ends by writing the
file of exchanges named there and one line of JSON, its Window, beside it.
"""

import os
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import gevent
import msgspec
from gevent.event import Event

from benchmarks.clients.loop_trace import LoopTrace
from benchmarks.exchanges import Window, encoded
from benchmarks.processes import cpu_ns, descendants, program

VARIABLE = "LOADPROOF_BENCH_CELL"
MARGIN_S = 0.3
BODY = (
    b'{"model":"truth","messages":[{"role":"user","content":"When?"}],'
    b'"stream":true,"stream_options":{"include_usage":true}}'
)


class Order(msgspec.Struct, frozen=True):
    """One cell, as its client needs to know it."""

    url: str
    streams: int
    period_s: float
    """How long a request takes."""
    window_s: float
    exchanges: str
    """Path of the file to write; the window goes to the same path with .json added."""
    trace: str | None = None
    """Path of the file for a trace of the loop's pauses, if there is to be one."""
    spread_s: float = 0.0
    """What the first requests are spread over; 0: all at once."""
    processes: int = 1
    """Among how many the streams are shared out."""


@dataclass(frozen=True, slots=True)
class Use:
    """What the process and its children have used until a moment."""

    at_ns: int
    cpu_s: float
    children_cpu_s: dict[str, float]
    """By the program that a child runs."""


class Observation:
    """One cell, as seen from within its client process."""

    def __init__(self, order: Order) -> None:
        self.order = order
        self.stopping = False
        """Whether users shall start no more requests."""
        self.failed = 0
        self.notes: dict[str, int] = {}
        self._rss_before_bytes = _memory_bytes("VmRSS")
        self._go = Event()
        self._users = 0
        self._kept: list[tuple[int, str, Sequence[int]]] = []
        self._window: tuple[Use, Use] | None = None

    def wait_for_turn(self) -> None:
        """Holds a new user until all exist, and then for its share of what requests spread over.

        Without that all users would send at the same instant, and go on doing so in a closed loop.
        """
        turn = self._users
        self._users += 1
        self._go.wait()
        share = self.order.streams / self.order.processes
        gevent.sleep(self.order.spread_s * turn / share)

    def keep(self, start_ns: int, text: str, arrivals_ns: Sequence[int]) -> None:
        """Keeps what a completed request showed; it is looked at when all is over."""
        self._kept.append((start_ns, text, arrivals_ns))

    def note(self, name: str, count: int = 1) -> None:
        """Adds to a count of the path's own."""
        self.notes[name] = self.notes.get(name, 0) + count

    def obey(self, word: str) -> None:
        """Lets this process's users go ("go") or start no more requests ("stop")."""
        if word == "go":
            self._go.set()
        else:
            self.stopping = True

    def measure(self, then: Callable[[], None], tell: Callable[[str], None] | None = None) -> None:
        """Lets the users go, measures the window, tells them to stop, and calls `then`.

        `tell` takes both words to the users of other processes.
        """
        tell = tell or self.obey
        _wait_for_quiet_children()
        tell("go")
        gevent.sleep(self.order.period_s + MARGIN_S)
        trace = LoopTrace(descendants(os.getpid())) if self.order.trace is not None else None
        opened = _use()
        gevent.sleep(self.order.window_s)
        closed = _use()
        self._window = (opened, closed)
        if trace is not None and self.order.trace is not None:
            trace.write(Path(self.order.trace))
        tell("stop")
        then()

    def write(self, worker: int | None = None) -> None:
        """Writes what was seen; a worker, whose window another process measures, beside that.

        Raises RuntimeError where no window was measured.
        """
        path = Path(self.order.exchanges)
        if worker is not None:
            path = path.with_name(f"{path.name}.{worker}")
            nothing = Use(0, 0.0, {})
            self._window = (nothing, nothing)
        if self._window is None:
            raise RuntimeError("the client ended before its window was measured")
        opened, closed = self._window
        rss_bytes = _memory_bytes("VmHWM")
        parts = [encoded(*kept) for kept in self._kept]
        path.write_bytes(b"".join(parts))
        window = Window(
            open_ns=opened.at_ns,
            close_ns=closed.at_ns,
            cpu_s=closed.cpu_s - opened.cpu_s,
            children_cpu_s={
                program: cpu_s - opened.children_cpu_s.get(program, 0.0)
                for program, cpu_s in closed.children_cpu_s.items()
            },
            rss_before_bytes=self._rss_before_bytes,
            rss_bytes=rss_bytes,
            kept_bytes=sum(len(text) + 8 * len(arrivals) for _, text, arrivals in self._kept),
            failed=self.failed,
            notes=self.notes,
        )
        path.with_name(path.name + ".json").write_bytes(msgspec.json.encode(window))


def observation() -> Observation:
    """The observation of the cell that this process was started for."""
    return Observation(msgspec.json.decode(os.environ[VARIABLE], type=Order))


def _wait_for_quiet_children() -> None:
    """Until child processes have started up, which is no cost of an event; 15 s at most."""
    for _ in range(60):
        before = sum(_use().children_cpu_s.values())
        gevent.sleep(0.25)
        if sum(_use().children_cpu_s.values()) - before < 0.02:
            return


def _use() -> Use:
    own = resource.getrusage(resource.RUSAGE_SELF)
    children: dict[str, float] = {}
    for child in descendants(os.getpid()):
        name = program(child)
        children[name] = children.get(name, 0.0) + cpu_ns(child) / 1e9
    return Use(time.monotonic_ns(), own.ru_utime + own.ru_stime, children)


def _memory_bytes(field: str) -> int:
    """VmRSS, or VmHWM for the highest so far.

    getrusage's own highest would be that of the process which this one was started from, too.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) * 1024
    raise RuntimeError(f"/proc/self/status has no {field}")
