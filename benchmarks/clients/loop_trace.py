"""What a gevent loop does between two polls: how long, and with what, without changing its code.

libev calls a check watcher as soon as a poll has returned and a prepare watcher before the next
one: what lies between is a pause, in which nothing else is read. A signal by the wall clock, every
millisecond, notes what the interpreter was at; the time since the last such note (or since the
pause began) goes to it, so that a call that lets no signal through is charged in full.
"""

import gc
import signal
import time
from array import array
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import gevent
import greenlet
import msgspec

from benchmarks.processes import cpu_ns

SAMPLE_EVERY_S = 0.001
DEEPEST = 60
GARBAGE = "garbage collection"
LOOP = "the loop itself, and the end of its last callback"
OWN = ("loadproof", "benchmarks", "locust")
"""Packages whose functions are causes; what they call is charged to them."""


class Pause(msgspec.Struct, frozen=True):
    """One turn of the loop, from the return of a poll to the next poll."""

    begin_ns: int
    wall_ns: int
    cpu_ns: int
    """Of the loop's thread: the rest it waited for the core, or within a system call."""
    children_ns: int
    """CPU time of this process's children meanwhile."""
    garbage_ns: int
    switches: int
    """Between greenlets; a user that starts or ends a request takes about two."""
    causes_ns: dict[str, int]


class Trace(msgspec.Struct, frozen=True):
    """All turns of a loop while it was traced."""

    begin_ns: int
    end_ns: int
    pauses: list[Pause]


class LoopTrace:
    """Traces this process's loop from now on until `write`."""

    def __init__(self, children: Sequence[int]) -> None:
        """`children` are the ids of processes whose CPU time is noted too."""
        self._begin_ns = time.monotonic_ns()
        self._children = children
        self._turns: array[int] = array("q")
        """begin, end, CPU time, the children's, switches of each."""
        self._samples: array[int] = array("q")
        """Moment and number of a stack."""
        self._garbage: array[int] = array("q")
        """Begin and end of each collection."""
        self._stacks: dict[tuple[CodeType, ...], int] = {}
        self._switches = 0
        self._turn_ns = self._turn_cpu_ns = self._turn_children_ns = 0
        loop: Any = gevent.get_hub().loop  # its types know no priorities
        # gevent runs its own callbacks in a prepare watcher: ours comes after that one, and before
        # all others once a poll has returned.
        self._after, self._before = loop.check(ref=False), loop.prepare(ref=False)
        self._after.priority, self._before.priority = loop.MAXPRI, loop.MINPRI
        self._after.start(self._on_polled)
        self._before.start(self._on_poll)
        gc.callbacks.append(self._on_collection)
        greenlet.settrace(self._on_switch)
        signal.signal(signal.SIGALRM, self._on_sample)
        signal.setitimer(signal.ITIMER_REAL, SAMPLE_EVERY_S, SAMPLE_EVERY_S)

    def write(self, path: Path) -> None:
        """Ends tracing and writes the trace as JSON."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        greenlet.settrace(None)
        gc.callbacks.remove(self._on_collection)
        self._after.stop()
        self._before.stop()
        trace = Trace(self._begin_ns, time.monotonic_ns(), self._pauses())
        path.write_bytes(msgspec.json.encode(trace))

    def _on_polled(self) -> None:
        self._turn_ns, self._turn_cpu_ns = time.monotonic_ns(), time.thread_time_ns()
        self._turn_children_ns = self._children_ns()
        self._switches = 0

    def _on_poll(self) -> None:
        if self._turn_ns:
            used_ns = time.thread_time_ns() - self._turn_cpu_ns
            children_ns = self._children_ns() - self._turn_children_ns
            turn = (self._turn_ns, time.monotonic_ns(), used_ns, children_ns, self._switches)
            self._turns.extend(turn)
            self._turn_ns = 0

    def _children_ns(self) -> int:
        return sum(cpu_ns(child) for child in self._children)

    def _on_switch(self, _event: str, _greenlets: object) -> None:
        self._switches += 1

    def _on_collection(self, _phase: str, _info: dict[str, int]) -> None:
        self._garbage.append(time.monotonic_ns())

    def _on_sample(self, _signal: int, frame: FrameType | None) -> None:
        codes: list[CodeType] = []
        while frame is not None and len(codes) < DEEPEST:
            codes.append(frame.f_code)
            frame = frame.f_back
        stack = self._stacks.setdefault(tuple(codes), len(self._stacks))
        self._samples.extend((time.monotonic_ns(), stack))

    def _pauses(self) -> list[Pause]:
        causes = [_cause(codes) for codes in self._stacks]
        samples = list(zip(self._samples[0::2], self._samples[1::2], strict=True))
        # A collection that is under way at the end has begun and not ended.
        garbage = list(zip(self._garbage[0::2], self._garbage[1::2], strict=False))
        pauses = []
        sample = collection = 0
        turns = iter(self._turns)
        for begin_ns, end_ns, used_ns, children_ns, switches in zip(*[turns] * 5, strict=True):
            charged: dict[str, int] = {}
            since_ns = begin_ns
            while sample < len(samples) and samples[sample][0] < end_ns:
                at_ns, stack = samples[sample]
                sample += 1
                if at_ns >= begin_ns:
                    charged[causes[stack]] = charged.get(causes[stack], 0) + at_ns - since_ns
                    since_ns = at_ns
            garbage_ns = 0
            while collection < len(garbage) and garbage[collection][0] < end_ns:
                began_ns, ended_ns = garbage[collection]
                collection += 1
                if began_ns >= begin_ns:
                    garbage_ns += ended_ns - began_ns
            wall_ns = end_ns - begin_ns
            pauses.append(
                Pause(begin_ns, wall_ns, used_ns, children_ns, garbage_ns, switches, charged)
            )
        return pauses


def _cause(codes: tuple[CodeType, ...]) -> str:
    """The outermost and the innermost function of our own that were under way.

    Locust's are named where there is none of loadproof's, as they are what calls ours.
    """
    names = [_name(code) for code in codes]
    if names[0].endswith("._on_collection"):  # what waited for the interpreter until its end
        return GARBAGE
    if names[0].startswith(f"{LoopTrace.__module__}."):
        return LOOP
    for package in OWN:
        of_package = [name for name in names if name.startswith(f"{package}.")]
        if of_package:
            inner, outer = of_package[0], of_package[-1]
            return inner if inner == outer else f"{outer} › {inner}"
    return names[0]


def _name(code: CodeType) -> str:
    """module.qualified_name, the module as far as the file's path tells it."""
    parts = Path(code.co_filename).with_suffix("").parts
    packages = [at for at, part in enumerate(parts) if part in OWN]
    return ".".join([*parts[packages[-1] if packages else -1 :], code.co_qualname])
