"""What a crew's process measures of itself: how late it was, and what it used meanwhile."""

import gc
import os
import time
from array import array
from collections.abc import Callable

import gevent
import numpy as np

from loadproof.load.messages import GeneratorInterval
from loadproof.model.metrics import GENERATOR, LOOP_LATENESS, READ_LATENESS
from loadproof.model.record import Clock
from loadproof.recording.hdr import IntervalHistograms
from loadproof.streaming.clock import PROCESS_CLOCK
from loadproof.streaming.reply import Reply

TICK_NS = 10_000_000
LONG_GC_NS = 1_000_000
"""A garbage collection that lasts longer is counted."""
_EARLY_NS = 100_000
_HELD_READS = 4_096
"""Reads whose lateness is recorded together: some 0.15 ms of work."""


class LoopProbe:
    """A timer of this process's loop that is to fire every 10 ms, and how late it did.

    `lateness_ns` has a value a tick; the ticks that a long pause swallowed count as well, each as
    late as it was when the pause ended. libev waits in whole milliseconds, so that up to 1.1 ms
    are found in a loop that has nothing to do.
    """

    def __init__(self) -> None:
        self.lateness_ns: array[int] = array("q")
        tick_s = TICK_NS / 1e9
        self._timer = gevent.get_hub().loop.timer(tick_s, tick_s)
        self._start()

    def _start(self) -> None:
        self._due_ns = time.monotonic_ns() + TICK_NS
        self._timer.start(self._on_tick, update=True)

    def _on_tick(self) -> None:
        now_ns, due_ns = time.monotonic_ns(), self._due_ns
        late = 0
        while due_ns <= now_ns + _EARLY_NS:
            self.lateness_ns.append(max(now_ns - due_ns, 0))
            due_ns += TICK_NS
            late += 1
        self._due_ns = due_ns
        if late > 1:  # libev counts its next tick from now, no longer from the one that was due
            self._timer.stop()
            self._start()

    def take(self) -> "array[int]":
        """The lateness of the ticks since the last call, in nanoseconds.

        A pause that is not over yet has no ticks: it shows in the next ones.
        """
        taken, self.lateness_ns = self.lateness_ns, array("q")
        return taken

    def close(self) -> None:
        """Takes the timer off the loop."""
        self._timer.stop()
        self._timer.close()


class CpuMeter:
    """What the loop's thread has used of the CPU, and, on Linux, how long it had to wait for it.

    The receiver's thread is left out: what it cannot keep up with shows as late reads.
    """

    def __init__(self) -> None:
        try:
            self._schedstat: int | None = os.open("/proc/thread-self/schedstat", os.O_RDONLY)
        except OSError:
            self._schedstat = None
        self._used_ns, self._waited_ns = time.thread_time_ns(), self._waiting_ns()

    def take_ns(self) -> tuple[int, int | None]:
        """CPU time of this thread since the last call, and for how long meanwhile it was ready to
        run and had no CPU (None where the system does not say)."""
        used_ns, waited_ns = time.thread_time_ns(), self._waiting_ns()
        used = used_ns - self._used_ns
        waited = None
        if waited_ns is not None and self._waited_ns is not None:
            waited = waited_ns - self._waited_ns
        self._used_ns, self._waited_ns = used_ns, waited_ns
        return used, waited

    def close(self) -> None:
        """Closes the file behind it."""
        if self._schedstat is not None:
            os.close(self._schedstat)
            self._schedstat = None

    def _waiting_ns(self) -> int | None:
        """The second number of schedstat, see the kernel's sched-stats.rst."""
        if self._schedstat is None:
            return None
        numbers = os.pread(self._schedstat, 128, 0).split()
        return int(numbers[1]) if len(numbers) > 1 else None


class GarbageWatch:
    """Garbage collections that took longer than `LONG_GC_NS`: each of them holds up the loop."""

    def __init__(self) -> None:
        self._began_ns = 0
        self._count, self._longest_ns = 0, 0
        gc.callbacks.append(self._on_collection)

    def take(self) -> tuple[int, int]:
        """How many there were since the last call, and how long the longest took in ns."""
        taken = self._count, self._longest_ns
        self._count, self._longest_ns = 0, 0
        return taken

    def close(self) -> None:
        """Stops watching."""
        gc.callbacks.remove(self._on_collection)

    def _on_collection(self, phase: str, _info: dict[str, int]) -> None:
        if phase == "start":
            self._began_ns = time.monotonic_ns()
            return
        took_ns = time.monotonic_ns() - self._began_ns
        if took_ns > LONG_GC_NS:
            self._count += 1
            self._longest_ns = max(self._longest_ns, took_ns)


class GeneratorWatch:
    """The measurements of one worker, cut into intervals that each belong to one step.

    Lateness goes into histograms with the tags `<step>/generator/loop_lateness` and
    `<step>/generator/read_lateness`, in microseconds, the warm-up left out; of that only the
    intervals tell. `worker` is its name in the records, `clock_offset_ns` is added to this
    machine's monotonic clock to give the run's, and `backlog` counts requests that have ended and
    are not handed over.
    """

    def __init__(self, worker: str, clock_offset_ns: int, backlog: Callable[[], int]) -> None:
        self._worker = worker
        self._offset_ns = clock_offset_ns
        self._backlog = backlog
        self._probe = LoopProbe()
        self._cpu = CpuMeter()
        self._garbage = GarbageWatch()
        self._histograms = IntervalHistograms()
        self._intervals: list[GeneratorInterval] = []
        self._step, self._warmup = 0, True
        self._begun_ns = time.monotonic_ns()
        self._reads_us: array[int] = array("i")
        self._reads_step = 0
        self._latest_read_us = 0

    def turn_to(self, step: int, *, warmup: bool) -> None:
        """What is measured from now on belongs to this step."""
        if (step, warmup) != (self._step, self._warmup):
            self._end_interval()
            self._step, self._warmup = step, warmup

    def note_reads(self, step: int, reply: Reply, *, warmup: bool) -> None:
        """Notes how late the events of a request were read, where the kernel's stamps tell."""
        if warmup or reply.clock is not Clock.KERNEL or not reply.lateness_us:
            return
        if step != self._reads_step or len(self._reads_us) >= _HELD_READS:
            self._record_reads()
            self._reads_step = step
        self._reads_us.extend(reply.lateness_us)

    def take(self) -> tuple[list[GeneratorInterval], dict[str, bytes]]:
        """The intervals that have ended, the present one among them, and the histograms."""
        self._end_interval()
        intervals, self._intervals = self._intervals, []
        return intervals, self._histograms.take()

    def close(self) -> None:
        """Ends what hangs on the loop and on the garbage collector."""
        self._probe.close()
        self._cpu.close()
        self._garbage.close()

    def _end_interval(self) -> None:
        now_ns = time.monotonic_ns()
        length_ns = now_ns - self._begun_ns
        if length_ns < TICK_NS:  # too short to tell anything; it goes with the next one
            return
        used_ns, waited_ns = self._cpu.take_ns()
        collections, longest_ns = self._garbage.take()
        PROCESS_CLOCK.refresh()
        self._record_reads()
        self._intervals.append(
            GeneratorInterval(
                worker=self._worker,
                step=self._step,
                warmup=self._warmup,
                start_ns=self._begun_ns + self._offset_ns,
                end_ns=now_ns + self._offset_ns,
                cpu_share=round(used_ns / length_ns, 4),
                cpu_wait_share=None if waited_ns is None else round(waited_ns / length_ns, 4),
                backlog=self._backlog(),
                loop_lateness_max_us=self._record_ticks(),
                read_lateness_max_us=self._latest_read_us,
                long_collections=collections,
                longest_collection_us=longest_ns // 1000,
                clock_drift_ns=PROCESS_CLOCK.drift_ns,
                clock_steps=PROCESS_CLOCK.steps,
            )
        )
        self._latest_read_us = 0
        self._begun_ns = now_ns

    def _record_ticks(self) -> int:
        """Records how late the ticks of this interval were; returns the latest, in µs."""
        ticks_ns = np.frombuffer(self._probe.take(), dtype=np.int64)
        if not len(ticks_ns):
            return 0
        if not self._warmup:
            tag = f"{self._step}/{GENERATOR}/{LOOP_LATENESS}"
            self._histograms.record(tag, ticks_ns / 1e3)
        return int(ticks_ns.max()) // 1000

    def _record_reads(self) -> None:
        reads_us = np.frombuffer(self._reads_us, dtype=np.int32)
        if len(reads_us):
            tag = f"{self._reads_step}/{GENERATOR}/{READ_LATENESS}"
            self._histograms.record(tag, reads_us.astype(np.float64))
            self._latest_read_us = max(self._latest_read_us, int(reads_us.max()))
            self._reads_us = array("i")


def read_lateness_max_ms(reply: Reply) -> float | None:
    """The longest that one of the reply's events had waited to be read; None where no kernel
    stamp tells."""
    if reply.clock is not Clock.KERNEL or not reply.lateness_us:
        return None
    return max(reply.lateness_us) / 1e3
