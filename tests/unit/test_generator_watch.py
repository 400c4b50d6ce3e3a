"""What a worker measures of itself."""

import gc
import time
from array import array
from collections.abc import Iterator
from dataclasses import replace

import gevent
import pytest

from loadproof.load.generator import (
    CpuMeter,
    GarbageWatch,
    GeneratorWatch,
    LoopProbe,
    read_lateness_max_ms,
)
from loadproof.model.record import Clock
from loadproof.recording.hdr import decode_histogram, percentile
from loadproof.streaming.reply import Reply
from unit.replies import reply_to, texts


def compute(for_s: float) -> None:
    """Holds up the loop."""
    until_s = time.monotonic() + for_s
    while time.monotonic() < until_s:
        pass


def reply_read_late(lateness_us: list[int], clock: Clock) -> Reply:
    """A reply of as many events, each of which had waited so long to be read."""
    reply = reply_to(texts(*("word " for _ in lateness_us)))
    return replace(reply, lateness_us=array("i", lateness_us), clock=clock)


def ticks(probe: LoopProbe, count: int) -> list[int]:
    """Lets the loop run until the probe has so many ticks."""
    while len(probe.lateness_ns) < count:
        gevent.sleep(0.005)
    return list(probe.take())


@pytest.fixture
def probe() -> Iterator[LoopProbe]:
    found = LoopProbe()
    yield found
    found.close()


@pytest.fixture
def watch() -> Iterator[GeneratorWatch]:
    found = GeneratorWatch("w0", 0, lambda: 7)
    yield found
    found.close()


def test_a_loop_that_was_held_up_is_late_for_each_tick_that_it_missed(probe: LoopProbe) -> None:
    ticks(probe, 1)
    compute(0.065)
    late_ms = [ns / 1e6 for ns in ticks(probe, 6)]
    assert max(late_ms) >= 50
    assert sum(value >= 8 for value in late_ms) >= 5


def test_after_a_pause_the_ticks_are_counted_from_then(probe: LoopProbe) -> None:
    compute(0.065)
    ticks(probe, 6)
    assert min(ticks(probe, 5)) < 10_000_000


def test_ticks_are_given_once(probe: LoopProbe) -> None:
    ticks(probe, 2)
    assert len(probe.take()) == 0


def test_the_cpu_share_is_that_of_computing() -> None:
    meter = CpuMeter()
    compute(0.03)
    used_ns, waited_ns = meter.take_ns()
    meter.close()
    assert used_ns > 0
    assert waited_ns is None or waited_ns >= 0


def test_long_garbage_collections_are_counted() -> None:
    garbage = GarbageWatch()
    kept = [[] for _ in range(300_000)]
    gc.collect()
    count, longest_ns = garbage.take()
    garbage.close()
    assert kept
    assert count >= 1
    assert longest_ns > 1_000_000
    assert garbage.take() == (0, 0)


def test_intervals_belong_to_one_step_each_and_the_warm_up_is_in_no_histogram(
    watch: GeneratorWatch,
) -> None:
    watch.turn_to(3, warmup=True)
    gevent.sleep(0.05)
    watch.turn_to(3, warmup=False)
    gevent.sleep(0.05)
    watch.turn_to(4, warmup=True)
    gevent.sleep(0.05)
    intervals, histograms = watch.take()
    assert [(i.step, i.warmup) for i in intervals if i.step] == [(3, True), (3, False), (4, True)]
    assert list(histograms) == ["3/generator/loop_lateness"]
    measured = intervals[-2]
    assert measured.worker == "w0"
    assert measured.backlog == 7
    assert measured.end_ns > measured.start_ns
    assert measured.cpu_share >= 0
    assert intervals[-1].start_ns == measured.end_ns


def test_what_was_read_late_is_in_the_histogram_of_its_step(watch: GeneratorWatch) -> None:
    reply = reply_read_late([10, 20, 7_000], Clock.KERNEL)
    watch.turn_to(1, warmup=False)
    watch.note_reads(1, reply, warmup=False)
    watch.note_reads(1, reply, warmup=True)
    gevent.sleep(0.02)
    intervals, histograms = watch.take()
    reads = decode_histogram(histograms["1/generator/read_lateness"])
    assert reads.total_count == 3
    assert percentile(reads, 0.5) == 20
    assert max(interval.read_lateness_max_us for interval in intervals) == 7_000
    assert read_lateness_max_ms(reply) == 7.0


def test_the_process_clock_knows_no_lateness_of_its_reads(watch: GeneratorWatch) -> None:
    reply = reply_read_late([0, 0], Clock.PROCESS)
    watch.turn_to(1, warmup=False)
    watch.note_reads(1, reply, warmup=False)
    gevent.sleep(0.02)
    assert "1/generator/read_lateness" not in watch.take()[1]
    assert read_lateness_max_ms(reply) is None
