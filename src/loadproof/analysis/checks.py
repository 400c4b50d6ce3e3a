"""What a reader has to know before believing a run: the warnings of its verdict."""

from collections import Counter
from collections.abc import Iterator

from loadproof.analysis import wording
from loadproof.analysis.never_steady import changing, climbing
from loadproof.analysis.samples import LevelSamples, latency_ms
from loadproof.model.metrics import PER_REQUEST_LATENCIES
from loadproof.model.record import Outcome
from loadproof.model.scaling import Scaling
from loadproof.model.verdict import Level
from loadproof.recording import hdr
from loadproof.recording.reader import RecordedRun
from loadproof.stats.percentiles import exact

PRECISION = 0.001
"""What an HDR histogram of three digits may be off, relative to the value."""
_CHECKED = (0.5, 0.95, 0.99)
_MANY = 0.01
"""From this share of a level's requests on, what did not complete is worth a warning."""


def warnings_of(
    run: RecordedRun, samples: list[LevelSamples], levels: list[Level], scaling: Scaling
) -> list[str]:
    """All warnings, each once, in the order of their weight."""
    found = [
        *_cut_off(run),
        *_recorded(run, "warning"),
        *_levels(levels),
        *_steadiness(levels),
        *(level.trouble for level in scaling.levels if level.trouble is not None),
        *_grades(run),
        *_tokenless(samples),
        *_histograms(run),
        *_clocks(levels),
        *_recorded(run, "server_note"),
        *_recorded(run, "telemetry_note"),
    ]
    return list(dict.fromkeys(found))


def _cut_off(run: RecordedRun) -> Iterator[str]:
    if not run.finished:
        yield "the run was cut off: it has no end, and requests in flight then are unknown"
    if run.torn_lines:
        lines = "line is" if run.torn_lines == 1 else "lines are"
        yield f"{wording.count(run.torn_lines)} {lines} torn and left out"


def _recorded(run: RecordedRun, kind: str) -> Iterator[str]:
    """The messages of the events of one kind."""
    for event in run.events:
        if event.get("kind") == kind:
            yield str(event.get("message", f"a {kind} without a message"))


def _levels(levels: list[Level]) -> Iterator[str]:
    for level in levels:
        name = wording.level(level.users, level.step)
        if level.sent == 0:
            yield f"nothing was measured at {name}"
            continue
        for outcome, n in (("failed", level.failed), ("were cut off", level.cut_off)):
            if n >= _MANY * level.sent:
                yield (
                    f"at {name} {wording.count(n)} of {wording.requests(level.sent)} "
                    f"({wording.share(n / level.sent)}) {outcome}; "
                    "latencies are of those that completed"
                )


def _steadiness(levels: list[Level]) -> Iterator[str]:
    for level in levels:
        if level.steadiness is None:
            continue
        name = wording.level(level.users, level.step)
        if level.steadiness.drifts:
            yield f"{name} never got steady: {changing(level.steadiness)}"
        for climb in level.steadiness.climbs:
            yield f"at {name} {climbing(climb)} (p = {climb.p:.1g} were it steady)"


def _grades(run: RecordedRun) -> Iterator[str]:
    ungraded = Counter(record.task for record in run.records if record.grades.get("grade_failed"))
    for task, n in ungraded.most_common():
        answers = "answer" if n == 1 else "answers"
        yield f"{wording.count(n)} {answers} of {task} could not be graded"


def _tokenless(samples: list[LevelSamples]) -> Iterator[str]:
    n = sum(
        record.ttft_ms is None for level in samples for record in level.completed(everything=True)
    )
    if n:
        yield f"{wording.requests(n)} completed without a single token and have no latencies"


def _clocks(levels: list[Level]) -> Iterator[str]:
    by_process = sum(level.process_clock for level in levels)
    if by_process:
        yield (
            f"arrivals of {wording.requests(by_process)} were read from the process's clock, not "
            "the kernel's: they contain the load generator's own delays"
        )
    steps = max((level.generator.clock_steps for level in levels if level.generator), default=0)
    if steps:
        times = "once" if steps == 1 else f"{wording.count(steps)} times"
        yield (
            f"the machine's clock was set {times} while the load generator ran: requests in flight "
            "then were timed by the process's own"
        )
    several = sum(level.multi_token_events for level in levels)
    if several:
        yield (
            f"events of {wording.requests(several)} bore several tokens: "
            "gaps within an event are not seen, each of its tokens counts an equal part"
        )


def _histograms(run: RecordedRun) -> Iterator[str]:
    """Where a histogram of a per-request latency and the exact samples behind it disagree."""
    values: dict[str, list[float]] = {}
    for record in run.records:
        if record.warmup or record.outcome is not Outcome.COMPLETED:
            continue
        for metric in PER_REQUEST_LATENCIES:
            value_ms = latency_ms(record, metric)
            if value_ms is not None:
                values.setdefault(f"{record.step}/{record.task}/{metric}", []).append(value_ms)
    tags = {tag for tag in run.histograms if tag.rsplit("/", 1)[-1] in PER_REQUEST_LATENCIES}
    for tag in sorted(tags | values.keys()):
        exact_ms = values.get(tag, [])
        histogram = run.histograms.get(tag)
        n = int(histogram.total_count) if histogram is not None else 0
        if n != len(exact_ms):
            yield (
                f"histogram {tag} holds {wording.count(n)} values and the records "
                f"{wording.count(len(exact_ms))}: the verdict is from the records"
            )
        elif histogram is not None:
            for quantile, value_ms in zip(_CHECKED, exact(exact_ms, _CHECKED), strict=True):
                found_us = hdr.percentile(histogram, quantile) or 0
                if abs(found_us - 1e3 * value_ms) > max(1.5, 1.01 * PRECISION * 1e3 * value_ms):
                    yield (
                        f"histogram {tag} has {wording.quantile(quantile)} at "
                        f"{wording.milliseconds(found_us / 1e3)} and the records at "
                        f"{wording.milliseconds(value_ms)}: the verdict is from the records"
                    )
