"""The present step of a run that is being written, read as it grows.

Of the steps before it only the records of the lowest level are kept: quality may not drop from it.
"""

from pathlib import Path
from typing import Any

from hdrh.histogram import HdrHistogram

from loadproof.analysis.quality import reference_level
from loadproof.analysis.samples import LevelSamples, level_samples
from loadproof.model.record import RequestRecord
from loadproof.model.scenario import Scenario
from loadproof.recording.control import Planned
from loadproof.recording.directory import EVENTS, HISTOGRAMS, REQUESTS, TELEMETRY
from loadproof.recording.events import decode_object
from loadproof.recording.hdr import add_histogram, new_histogram
from loadproof.recording.interval_log import TaggedInterval, tagged_interval
from loadproof.recording.reader import RecordedRun
from loadproof.recording.records import decode_record
from loadproof.recording.tail import FileTail

_BEFORE_A_STEP_NS = 5_000_000_000
"""A counter's growth counts from the last sample before the step."""


class GrowingRun:
    """Reads each line once, and keeps what the present step is judged by."""

    def __init__(self, run: Path, header: dict[str, Any], scenario: Scenario) -> None:
        self._header = header
        self._scenario = scenario
        self._wants_gaps = any(o.metric == "itl" for o in scenario.parsed_objectives())
        self._requests = FileTail(run / REQUESTS)
        self._events = FileTail(run / EVENTS)
        self._telemetry = FileTail(run / TELEMETRY)
        self._histograms = FileTail(run / HISTOGRAMS)
        steps = scenario.load_steps()
        lowest = min(steps, key=lambda step: (step.users, step.index), default=None)
        self._lowest_step = None if lowest is None else lowest.index
        self._lowest: list[RequestRecord] = []
        self._records: list[RequestRecord] = []
        self._of_step: list[dict[str, Any]] = []
        self._samples: list[dict[str, Any]] = []
        self._gaps: dict[str, HdrHistogram] = {}
        self._gap_intervals: list[TaggedInterval] = []
        self._measured = 0
        self._longest_ns = 0
        self._latest_ns = 0
        self.began_ns: int | None = None
        """When the run began."""
        self.step: int | None = None
        """The step that was begun last."""
        self.measuring_since_ns: int | None = None
        """When the present step began to be measured."""
        self.over = True
        """Whether the present step has ended, or none has begun."""

    @property
    def measured(self) -> int:
        """Requests of the present step that have ended and are no warm-up."""
        return self._measured

    @property
    def latest_ns(self) -> int:
        """The last end of a request of the present step."""
        return self._latest_ns

    def poll(self) -> None:
        """Reads what is new: up to the end of the present step, or all there is."""
        for event in self._events.new(decode_object):
            self._take_event(event)
        for record in self._requests.new(decode_record):
            self._take_record(record)
        self._samples += self._telemetry.new(decode_object)
        for interval, histogram in self._histograms.new(self._gaps_only):
            self._gap_intervals.append(interval)
            add_histogram(self._gaps.setdefault(interval.tag, new_histogram()), histogram)

    def level(self, plan: int) -> tuple[LevelSamples, LevelSamples | None]:
        """What is known of the present step, judged by a plan of so many requests, and the lowest
        level so far, that drops are counted from.

        Only requests that were started before the oldest one in flight may count, for the slow
        ones are the last to be known: those that were started longer before the last end than any
        request of this step took. When the step has ended all of them count.
        """
        assert self.step is not None, "no step has begun"
        before_ns = self._latest_ns if self.over else self._latest_ns - self._longest_ns
        present = [record for record in self._records if record.start_ns <= before_ns]
        run = RecordedRun(
            header=self._header,
            records=present if self.step == self._lowest_step else self._lowest + present,
            histograms=self._gaps,
            gap_intervals=tuple(self._gap_intervals),
            telemetry=self._samples,
            events=self._of_step,
            torn_lines=0,
            finished=True,
            control=(Planned(0, self.step, plan),),
        )
        levels = level_samples(run, self._scenario)
        (of_step,) = (level for level in levels if level.step == self.step)
        return of_step, reference_level(levels)

    def _take_event(self, event: dict[str, Any]) -> None:
        kind = event.get("kind")
        if kind == "run_start":
            self.began_ns = int(event["t_ns"])
        elif kind == "step_start":
            self._begin(int(event["step"]), int(event["t_ns"]))
        elif event.get("step") != self.step:
            return
        elif kind == "step_measuring":
            self.measuring_since_ns = int(event["t_ns"])
        elif kind == "step_end":
            self.over = True
        self._of_step.append(event)

    def _begin(self, step: int, t_ns: int) -> None:
        self.step, self.over, self.measuring_since_ns = step, False, None
        self._records, self._of_step = [], []
        self._gaps, self._gap_intervals = {}, []
        self._samples = [s for s in self._samples if s["t_ns"] >= t_ns - _BEFORE_A_STEP_NS]
        self._measured = self._longest_ns = self._latest_ns = 0

    def _take_record(self, record: RequestRecord) -> None:
        if record.step == self._lowest_step:
            self._lowest.append(record)
        if record.step != self.step:
            return
        self._records.append(record)
        self._measured += not record.warmup
        self._longest_ns = max(self._longest_ns, record.end_ns - record.start_ns)
        self._latest_ns = max(self._latest_ns, record.end_ns)

    def _gaps_only(self, line: bytes) -> tuple[TaggedInterval, HdrHistogram]:
        """Decoding takes long: only what an objective asks for is. Raises ValueError else."""
        tag = line.partition(b",")[0]
        of_step = tag.startswith(b"Tag=%d/" % self.step) if self.step is not None else False
        if not (self._wants_gaps and of_step and tag.endswith(b"/itl")):
            raise ValueError("not of interest")
        interval = tagged_interval(line)
        assert interval is not None, "it has a tag"
        return interval, interval.histogram()
