"""What the conductor tells the crews, and what they report: the messages between the processes.

A conductor runs beside Locust's master, a crew in each worker; without workers both share one
process and the same messages. Locust carries them as bytes.
"""

from typing import TypeVar

import msgspec

from loadproof.load.steps import Phase

RUN = "loadproof_run"
PHASE = "loadproof_phase"
REPORT = "loadproof_report"
READY = "loadproof_ready"
"""From a worker that listens from now on: what was sent to it before may have been lost."""


class RunMessage(msgspec.Struct, frozen=True):
    """A run begins. `scenario` and `server` are their models as JSON, without any key."""

    run: str
    """Tells it apart from other runs."""
    scenario: bytes
    server: bytes
    model: str
    worker_ids: list[str]
    boot_id: str | None
    wall_minus_monotonic_ns: int


class PhaseMessage(msgspec.Struct, frozen=True):
    """A phase begins; `number` counts these messages within the run.

    `quotas` are the numbers of measured requests that each worker may still start, by its id;
    None where time alone ends the step.
    """

    number: int
    phase: Phase
    step: int
    users: int
    open: bool
    """Whether users may start requests."""
    quotas: dict[str, int] | None = None
    last: bool = False
    """Whether the run ends with it: what is still to be graded is waited for."""


class GeneratorInterval(msgspec.Struct, frozen=True):
    """How one worker fared over a stretch of one step, as it goes into a "generator" event.

    Times are nanoseconds of the run's clock. `worker` is its name in the records.
    """

    worker: str
    step: int
    warmup: bool
    """Whether nothing that was started meanwhile counts."""
    start_ns: int
    end_ns: int
    cpu_share: float
    """Of one core, by the thread of the loop."""
    cpu_wait_share: float | None
    """Of the time, how long the loop's thread was ready to run and had no CPU."""
    backlog: int
    """Requests that had ended and were not yet graded and handed over."""
    loop_lateness_max_us: int
    read_lateness_max_us: int
    """Of the requests that ended meanwhile: the longest that an event had waited to be read."""
    long_collections: int
    """Garbage collections of more than a millisecond."""
    longest_collection_us: int
    clock_drift_ns: int
    """How much the distance between the kernel's wall clock and the monotonic one has changed."""
    clock_steps: int
    """How often the wall clock was set."""


class Report(msgspec.Struct, frozen=True):
    """What a crew hands over: finished requests, and where it stands.

    `records` are encoded RequestRecords, `histograms` encoded ones by tag over the interval from
    `start_ns` to `end_ns`, in nanoseconds of the run's clock.
    """

    worker: str
    number: int
    """Of the last phase message that it has followed."""
    in_flight: int
    spent: bool
    finished: bool
    unreachable: bool
    """For some time now no request has got as far as a connection."""
    start_ns: int
    end_ns: int
    records: list[bytes] = []
    histograms: dict[str, bytes] = {}
    generator: list[GeneratorInterval] = []
    warnings: list[str] = []
    trouble: str | None = None
    """Why this worker cannot take part."""


Content = TypeVar("Content", RunMessage, PhaseMessage, Report)


def pack(content: RunMessage | PhaseMessage | Report) -> dict[str, bytes]:
    """What Locust carries."""
    return {"packed": msgspec.msgpack.encode(content)}


def unpack(data: dict[str, bytes], kind: type[Content]) -> Content:
    """The message in what Locust carried."""
    return msgspec.msgpack.decode(data["packed"], type=kind)
