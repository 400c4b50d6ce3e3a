"""A run's records and samples, sorted by load level: what all judging starts from."""

import bisect
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np
from hdrh.histogram import HdrHistogram

from loadproof.analysis.intervals import Interval, intervals_of
from loadproof.analysis.steadiness import steadiness_of
from loadproof.model.metrics import (
    COUNTERS,
    GAUGES,
    GENERATOR,
    LOOP_LATENESS,
    MACRO_F1,
    MEMORIES,
    NO_QUALITIES,
    QUALITIES,
    READ_LATENESS,
)
from loadproof.model.record import Outcome, RequestRecord
from loadproof.model.scenario import Scenario
from loadproof.model.verdict import Steadiness
from loadproof.recording.control import Decision, EndStep, Planned
from loadproof.recording.hdr import add_histogram, new_histogram
from loadproof.recording.interval_log import TaggedInterval
from loadproof.recording.reader import RecordedRun
from loadproof.stats.bootstrap import IntArray
from loadproof.stats.looking import Plan
from loadproof.stats.percentiles import FloatArray

Timeline = tuple[tuple[int, float], ...]
"""Samples of one quantity as (monotonic ns, value), ascending in time."""


@dataclass(frozen=True, slots=True)
class LevelSamples:
    """All that was measured at one load level.

    `measured` holds the records outside the warm-up in order of their starts. `window_ns` is when
    it was measured, None for a level that nothing is known of. `itl` are the gaps between tokens
    by task. `samples` are the sidecar's within the window, by name; those of counters begin with
    the last one before it, from which their growth counts. `ended` is False for a level within
    which the run was cut off. `lateness` are the generator's own histograms by metric, `generator`
    what its workers said of themselves, and `load_ns` is when requests were started. `leading` are
    the requests of the warm-up that were still in flight when the measuring began. `plan` is how
    it was looked at while it lasted, None for a level that is looked at once; `ended_early` says
    why it was ended before its time. `steadiness`
    says from when on latencies count; `gap_intervals` are what `itl` is made of.
    """

    step: int
    users: int | None
    measured: tuple[RequestRecord, ...]
    warmup: int
    window_ns: tuple[int, int] | None
    itl: dict[str, HdrHistogram]
    samples: dict[str, Timeline]
    ended: bool
    lateness: dict[str, HdrHistogram] = field(default_factory=dict)
    generator: tuple[Interval, ...] = ()
    load_ns: tuple[int, int] | None = None
    plan: Plan | None = None
    ended_early: str | None = None
    leading: tuple[RequestRecord, ...] = ()
    steadiness: Steadiness | None = None
    gap_intervals: tuple[TaggedInterval, ...] = ()

    def since(self, from_ns: int) -> Self:
        """The level with latencies of requests alone that were started from `from_ns` on.

        Gaps between tokens are recorded when a request ends: those are left out that were
        recorded while a request from before `from_ns` was still in flight.
        """
        assert self.steadiness is not None, "something completed"
        before = (r.end_ns for r in self.measured if r.start_ns < from_ns)
        over_ns = max(before, default=from_ns)
        kept = [interval for interval in self.gap_intervals if interval.start_ns >= over_ns]
        return replace(
            self,
            steadiness=replace(self.steadiness, from_ns=from_ns),
            itl=_gaps_by_task(kept) if self.gap_intervals else self.itl,
        )

    def pace_rps(self) -> float | None:
        """Requests started a second while the level was measured; None where none were."""
        if not self.measured or self.load_ns is None or self.load_ns[1] <= self.load_ns[0]:
            return None
        return len(self.measured) * 1e9 / (self.load_ns[1] - self.load_ns[0])

    def sent(self, task: str | None = None, *, everything: bool = False) -> list[RequestRecord]:
        """The records of the steady part, of one task or of all, however they ended;
        `everything`: of the start-up too."""
        from_ns = None if everything or self.steadiness is None else self.steadiness.from_ns
        return [
            record
            for record in self.measured
            if (task is None or record.task == task)
            and (from_ns is None or record.start_ns >= from_ns)
        ]

    def completed(
        self, task: str | None = None, *, everything: bool = False
    ) -> list[RequestRecord]:
        """The records of the steady part that completed; `everything`: of the start-up too."""
        found = self.sent(task, everything=everything)
        return [record for record in found if record.outcome is Outcome.COMPLETED]

    def latencies_ms(
        self, metric: str, task: str | None = None, *, everything: bool = False
    ) -> FloatArray:
        """One per-request latency of the completed requests that have it, in order of start; of
        the steady part, or of `everything`."""
        found = self.completed(task, everything=everything)
        values = (latency_ms(record, metric) for record in found)
        return np.array([value for value in values if value is not None], dtype=np.float64)

    def gaps(self, task: str | None = None) -> HdrHistogram:
        """The gaps between tokens of the steady part, of one task or of all."""
        total = new_histogram()
        for name, histogram in self.itl.items():
            if task is None or name == task:
                add_histogram(total, histogram)
        return total

    def qualities(self, task: str) -> list[str]:
        """The graded metrics that a task's records hold; of a user's own task by their names."""
        found = {
            metric for record in self.completed(task, everything=True) for metric in record.grades
        }
        known = QUALITIES.get(task, ())
        if found.issuperset(("chosen", "truth")):
            found.add(MACRO_F1)
        others = sorted(found - {*known, *NO_QUALITIES, MACRO_F1})
        return [*(metric for metric in known if metric in found), *others]

    def grades(self, task: str, metric: str) -> FloatArray:
        """One grade of the completed requests of a task that have it; a missing one is none."""
        of_all = self.completed(task, everything=True)
        grades = (record.grades.get(metric) for record in of_all)
        return np.array([grade for grade in grades if grade is not None], dtype=np.float64)

    def choices(self, task: str) -> tuple[IntArray, IntArray]:
        """The right options and the chosen ones of the completed requests that were choices, as
        bits (see `model.metrics.NO_QUALITIES`)."""
        chosen = [
            (record.grades["truth"], record.grades["chosen"])
            for record in self.completed(task, everything=True)
            if "chosen" in record.grades
        ]
        table = np.array(chosen, dtype=np.int64).reshape(-1, 2)
        return table[:, 0], table[:, 1]


def latency_ms(record: RequestRecord, metric: str) -> float | None:
    """A per-request latency of one record; `start_delay` only where a start was intended."""
    match metric:
        case "ttft":
            return record.ttft_ms
        case "ttfat":
            return record.ttfat_ms
        case "tpot":
            return record.tpot_ms
        case "e2e":
            return record.e2e_ms
        case "start_delay":
            intended_ns = record.intended_ns
            return None if intended_ns is None else (record.start_ns - intended_ns) / 1e6
        case _:
            raise ValueError(f"{metric} is no latency that a request has one of")


def level_samples(run: RecordedRun, scenario: Scenario) -> list[LevelSamples]:
    """The levels of a run in order: those with records, and those planned that have none."""
    groups: dict[tuple[int, int | None], list[RequestRecord]] = {}
    for record in run.records:
        groups.setdefault((record.step, record.users), []).append(record)
    for step, users in _planned(run, scenario):
        if all(step != known for known, _ in groups):
            groups[step, users] = []
    steps = [step for step, _ in groups]
    series = _telemetry(run.telemetry)
    intervals = intervals_of(run.events)
    levels = []
    for (step, users), records in sorted(groups.items(), key=lambda item: _order(item[0])):
        records.sort(key=lambda record: record.start_ns)
        measured = tuple(record for record in records if not record.warmup)
        shares_its_step = steps.count(step) > 1
        window_ns = None if shares_its_step else _window_by_events(run.events, step, measured)
        window_ns = window_ns or _window_by_records(measured)
        level = LevelSamples(
            step=step,
            users=users,
            measured=measured,
            warmup=len(records) - len(measured),
            window_ns=window_ns,
            itl={} if shares_its_step else _by_task(run.histograms, step, "itl"),
            samples={} if window_ns is None else dict(_within(series, *window_ns)),
            ended=run.finished or _time_of(run.events, "step_end", step) is not None,
            lateness={} if shares_its_step else _lateness(run.histograms, step),
            generator=() if shares_its_step else _of_step(intervals, step),
            load_ns=None if shares_its_step else _load_ns(run.events, step, measured, window_ns),
            plan=_plan(run.control, step),
            ended_early=_why_ended(run.control, step),
            leading=() if shares_its_step else _leading(records, window_ns),
            gap_intervals=() if shares_its_step else _gaps_of_step(run.gap_intervals, step),
        )
        levels.append(_steady_part(level, records))
    return levels


def _steady_part(level: LevelSamples, records: list[RequestRecord]) -> LevelSamples:
    """The level without its start-up, where it has one; `records` are with its warm-up."""
    load_ns = level.load_ns or level.window_ns
    if load_ns is None or not level.completed():
        return level
    steadiness = steadiness_of(records, level.users, load_ns, level.samples)
    level = replace(level, steadiness=steadiness)
    return level if steadiness.from_ns is None else level.since(steadiness.from_ns)


def _order(key: tuple[int, int | None]) -> tuple[int, int]:
    step, users = key
    return step, -1 if users is None else users


def _planned(run: RecordedRun, scenario: Scenario) -> Iterator[tuple[int, int | None]]:
    for step in scenario.load_steps():
        yield step.index, step.users
    for event in run.events:
        if event.get("kind") == "step_start" and isinstance(event.get("step"), int):
            yield event["step"], event.get("users")


def _time_of(events: Iterable[dict[str, Any]], kind: str, step: int) -> int | None:
    for event in events:
        if event.get("kind") == kind and event.get("step") == step:
            return int(event["t_ns"])
    return None


def _window_by_events(
    events: list[dict[str, Any]], step: int, measured: tuple[RequestRecord, ...]
) -> tuple[int, int] | None:
    start = _time_of(events, "step_measuring", step)
    if start is None:
        return None
    end = _time_of(events, "step_end", step)
    if end is None:
        end = max((record.end_ns for record in measured), default=start)
    return start, end


def _window_by_records(measured: tuple[RequestRecord, ...]) -> tuple[int, int] | None:
    if not measured:
        return None
    return measured[0].start_ns, max(record.end_ns for record in measured)


def _load_ns(
    events: list[dict[str, Any]],
    step: int,
    measured: tuple[RequestRecord, ...],
    window_ns: tuple[int, int] | None,
) -> tuple[int, int] | None:
    """From the beginning of the measuring to that of the draining.

    To the last start that is known while the step goes on, or where the run was cut off: requests
    in flight have no record yet, and what they bear would be missing after that.
    """
    if window_ns is None:
        return None
    end_ns = _time_of(events, "step_draining", step) or _time_of(events, "step_end", step)
    if end_ns is None:
        end_ns = measured[-1].start_ns if measured else window_ns[0]
    return window_ns[0], end_ns


def _plan(control: Iterable[Decision], step: int) -> Plan | None:
    """The first one counts: a referee that was started again may have said it twice."""
    for decision in control:
        if isinstance(decision, Planned) and decision.step == step:
            return Plan(decision.requests)
    return None


def _why_ended(control: Iterable[Decision], step: int) -> str | None:
    for decision in control:
        if isinstance(decision, EndStep) and decision.step == step:
            return decision.why
    return None


def _leading(
    records: Iterable[RequestRecord], window_ns: tuple[int, int] | None
) -> tuple[RequestRecord, ...]:
    if window_ns is None:
        return ()
    return tuple(record for record in records if record.warmup and record.end_ns > window_ns[0])


def _of_step(intervals: Iterable[Interval], step: int) -> tuple[Interval, ...]:
    return tuple(interval for interval in intervals if interval.step == step)


def _gaps_of_step(intervals: Iterable[TaggedInterval], step: int) -> tuple[TaggedInterval, ...]:
    return tuple(interval for interval in intervals if interval.tag.startswith(f"{step}/"))


def _gaps_by_task(intervals: Iterable[TaggedInterval]) -> dict[str, HdrHistogram]:
    totals: dict[str, HdrHistogram] = {}
    for interval in intervals:
        _, task, _ = interval.tag.split("/")
        add_histogram(totals.setdefault(task, new_histogram()), interval.histogram())
    return totals


def _by_task(
    histograms: dict[str, HdrHistogram], step: int, metric: str
) -> dict[str, HdrHistogram]:
    tags = {tag: tag.split("/") for tag in histograms}
    return {
        task: histograms[tag]
        for tag, (tagged_step, task, tagged_metric) in tags.items()
        if tagged_metric == metric and tagged_step == str(step)
    }


def _lateness(histograms: dict[str, HdrHistogram], step: int) -> dict[str, HdrHistogram]:
    tags = {metric: f"{step}/{GENERATOR}/{metric}" for metric in (LOOP_LATENESS, READ_LATENESS)}
    return {metric: histograms[tag] for metric, tag in tags.items() if tag in histograms}


def _telemetry(lines: Iterable[dict[str, Any]]) -> dict[str, list[tuple[int, float]]]:
    """Memories, gauges and counters by name; ascending, also where lines were written late."""
    series: dict[str, list[tuple[int, float]]] = {}
    for line in lines:
        metrics = line.get("metrics") or {}
        named = [(name, line.get(name)) for name in MEMORIES]
        named += [(name, metrics.get(name)) for name in (*GAUGES, *COUNTERS)]
        for name, value in named:
            if value is not None:
                series.setdefault(name, []).append((int(line["t_ns"]), float(value)))
    for samples in series.values():
        samples.sort()
    return series


def _within(
    series: dict[str, list[tuple[int, float]]], start_ns: int, end_ns: int
) -> Iterator[tuple[str, Timeline]]:
    for name, samples in series.items():
        first = bisect.bisect_left(samples, start_ns, key=lambda sample: sample[0])
        last = bisect.bisect_right(samples, end_ns, key=lambda sample: sample[0])
        if first < last:
            base = 1 if name in COUNTERS and first > 0 else 0
            yield name, tuple(samples[first - base : last])
