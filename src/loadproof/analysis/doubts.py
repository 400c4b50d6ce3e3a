"""Whether the generator's own error could have moved a verdict.

A judgement is made again on what the values can have been without that error. Where it comes out
otherwise it is no evidence for or against the server, whatever the generator was late of; where it
does not, lateness did no harm, however large it was.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import msgspec
import numpy as np
from hdrh.histogram import HdrHistogram

from loadproof.analysis import wording
from loadproof.analysis.arrivals import Errors, earliest, errors_of, latest
from loadproof.analysis.generator import DELIVERED_AT_LEAST, SATURATED
from loadproof.analysis.goodput_objectives import is_good
from loadproof.analysis.intervals import Lateness
from loadproof.analysis.objectives import judge
from loadproof.analysis.samples import LevelSamples, latency_ms
from loadproof.model.objective import Kind, Objective
from loadproof.model.record import Clock, Failure, Outcome, RequestRecord
from loadproof.model.scenario import Timeouts
from loadproof.model.verdict import GeneratorHealth, Ruling
from loadproof.recording.hdr import add_histogram, counts_indexes, counts_of, new_histogram

OWN_TIMEOUT = 0.1
"""A timeout may be of our own making where the generator was late by this share of it."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """What may have been instead: the objective and the level to judge then, and the cause."""

    objective: Objective
    level: LevelSamples
    cause: str


class Doubts:
    """What may be doubted at one level. Looks at each request once, however many objectives."""

    def __init__(self, level: LevelSamples, health: GeneratorHealth, timeouts: Timeouts) -> None:
        self._level = level
        self._health = health
        self._lateness = Lateness(level.generator)
        self._timeouts_s = {
            Failure.TIMEOUT_CONNECT: timeouts.connect,
            Failure.TIMEOUT_FIRST_TOKEN: timeouts.first_token,
            Failure.TIMEOUT_BETWEEN_TOKENS: timeouts.between_tokens,
            Failure.TIMEOUT_WHOLE: timeouts.whole,
        }

    def lost_load(self) -> str | None:
        """The load that did not reach the server by the generator's own delays, if it matters."""
        delivered, delay_ms = self._health.delivered, self._health.start_delay_p99_ms
        if delivered is None or delay_ms is None or delivered >= DELIVERED_AT_LEAST:
            return None
        return (
            f"{wording.share(round(1 - delivered, 4))} of the load that was asked for was not "
            "delivered: the generator started requests up to "
            f"{wording.milliseconds(delay_ms)} late (p99)"
        )

    def about(self, objective: Objective, ruling: Ruling, confidence: float) -> str | None:
        """Why `ruling`, which was found for `objective`, may be owed to the generator."""
        if ruling is Ruling.HOLDS:
            lost = self.lost_load()
            if lost is not None:
                return lost
        for other in self._alternatives(objective):
            if judge(other.objective, other.level, confidence).ruling is not ruling:
                return other.cause
        return None

    def _alternatives(self, objective: Objective) -> Iterator[Alternative]:
        if objective.kind is Kind.RATE:
            yield from self._own_timeouts(objective)
        if objective.kind in (Kind.GOODPUT, Kind.GOODPUT_RATE):
            yield from self._goodness(objective)
        if objective.kind in (Kind.THROUGHPUT, Kind.GOODPUT_RATE):
            yield from self._undelivered(objective)
        if objective.kind not in (Kind.PERCENTILE, Kind.MEAN) or objective.metric == "start_delay":
            return
        if objective.metric == "itl":
            yield from self._gaps(objective)
        else:
            yield from self._requests(objective)
        yield from self._saturation(objective)

    def _requests(self, objective: Objective) -> Iterator[Alternative]:
        """Latencies that each request has one of."""
        for level in self._moved_levels:
            moved_ms = [
                abs(was - then)
                for record in level.completed(objective.task)
                if record.id in self._inexact
                if (was := latency_ms(self._inexact[record.id], objective.metric)) is not None
                if (then := latency_ms(record, objective.metric)) is not None
                if was != then
            ]
            if moved_ms:
                cause = self._arrivals_cause(objective, len(moved_ms), max(moved_ms))
                yield Alternative(objective, level, cause)

    def _undelivered(self, objective: Objective) -> Iterator[Alternative]:
        """Load that was not delivered was not served either: at most by that share there would
        have been more of it."""
        lost, delivered = self.lost_load(), self._health.delivered
        if lost is not None and delivered is not None:
            less = replace(objective, limit=objective.limit * delivered)
            yield Alternative(less, self._level, lost)

    def _goodness(self, objective: Objective) -> Iterator[Alternative]:
        """Which requests met every bound: by arrivals that may be off, by a loop that was busy all
        the time, and by timeouts that may be of our own making."""
        is_good_now = {r.id: is_good(r, objective.bounds) for r in self._inexact.values()}
        for level in self._moved_levels:
            changed = sum(
                is_good(record, objective.bounds) is not is_good_now[record.id]
                for record in level.completed(objective.task)
                if record.id in is_good_now
            )
            if changed:
                worst_ms = max(max(errors.gaps, errors.sent) for errors in self._errors.values())
                of = len(self._level.sent(objective.task))
                yield Alternative(
                    objective,
                    level,
                    f"whether {wording.count(changed)} of {wording.requests(of)} met their bounds "
                    f"hangs on arrivals that are up to {wording.milliseconds(worst_ms)} late",
                )
        yield from self._saturation(objective)
        late_ms = self._own_timeouts_ms(objective.task)
        if late_ms:
            records = tuple(record for record in self._level.measured if record.id not in late_ms)
            cause = self._timeouts_cause(objective.task, late_ms)
            yield Alternative(objective, replace(self._level, measured=records), cause)

    def _arrivals_cause(self, objective: Objective, n: int, worst_ms: float) -> str:
        of = len(self._level.completed(objective.task))
        share = f"{wording.count(n)} of {wording.requests(of)} ({wording.share(n / of)})"
        worst = wording.milliseconds(worst_ms)
        if any(record.clock is Clock.PROCESS for record in self._level.completed(objective.task)):
            return (
                f"arrivals of {share} are by the process's own clock, which was up to {worst} late"
            )
        what = "first tokens" if objective.metric == "ttft" else "tokens"
        if not any(errors.inexact for errors in self._errors.values()):
            return f"{share} were sent up to {worst} after their new connection stood"
        together = "were read together with later ones"
        if any(errors.sent for errors in self._errors.values()):
            together += ", or their new connections found"
        return f"{what} of {share} {together}, up to {worst} late"

    def _gaps(self, objective: Objective) -> Iterator[Alternative]:
        """Gaps between tokens: an arrival noted too late makes the gap before it longer and the
        one after it shorter. The histogram has no requests, so at most as many gaps are moved
        over the limit, or back, as have an inexact arrival."""
        concerned = [
            (record, self._errors[record.id])
            for record in self._level.completed(objective.task)
            if record.id in self._errors
        ]
        if not concerned:
            return
        worst_ms = max(errors.gaps for _, errors in concerned)
        number = sum(errors.inexact for _, errors in concerned)
        cause = (
            f"{wording.count(number)} of {wording.count(self._events(objective))} arrivals are "
            f"known to within {wording.milliseconds(worst_ms)} only"
        )
        if objective.kind is Kind.MEAN:
            n = int(self._level.gaps(objective.task).total_count) or 1
            # All but the first and the last arrival cancel out of a request's sum.
            off_ms = sum(errors.gaps for _, errors in concerned) / n
            for limit in (objective.limit + off_ms, objective.limit - off_ms):
                yield Alternative(replace(objective, limit=limit), self._level, cause)
            return
        limit_us, off_us = objective.limit * 1e3, worst_ms * 1e3
        over = sum(
            errors.inexact
            for record, errors in concerned
            if record.itl_max_ms is not None and record.itl_max_ms > objective.limit
        )
        for count, span_us, to_us in (
            (over, (limit_us, limit_us + off_us), 0.0),
            (number, (max(limit_us - off_us, 0.0), limit_us), 2 * limit_us + off_us),
        ):
            gaps = moved(self._level.gaps(objective.task), count, span_us, to_us)
            task = objective.task or "all"
            yield Alternative(objective, replace(self._level, itl={task: gaps}), cause)

    def _saturation(self, objective: Objective) -> Iterator[Alternative]:
        """A loop that is always busy: what it adds to a latency is taken to be its lateness."""
        health = self._health
        if health.cpu_share_mean <= SATURATED:
            return
        reads = health.read_lateness
        late_ms = max(health.loop_lateness.p99 or 0.0, (reads.p99 if reads else None) or 0.0)
        cause = (
            f"the generator used {wording.share(health.cpu_share_mean)} of a core and was up to "
            f"{wording.milliseconds(late_ms)} late (p99)"
        )
        if objective.bounds:
            bounds = tuple(replace(b, limit_ms=b.limit_ms + late_ms) for b in objective.bounds)
            yield Alternative(replace(objective, bounds=bounds), self._level, cause)
        else:
            limit = objective.limit + late_ms
            yield Alternative(replace(objective, limit=limit), self._level, cause)

    def _own_timeouts(self, objective: Objective) -> Iterator[Alternative]:
        if objective.metric != "failed":
            return
        late_ms = self._own_timeouts_ms(objective.task)
        if not late_ms:
            return
        cause = self._timeouts_cause(objective.task, late_ms)
        records = tuple(
            msgspec.structs.replace(record, outcome=Outcome.COMPLETED, failure=None)
            if record.id in late_ms
            else record
            for record in self._level.measured
        )
        yield Alternative(objective, replace(self._level, measured=records), cause)

    def _own_timeouts_ms(self, task: str | None) -> dict[str, float]:
        """How late the generator was at those timeouts that may be of its own making."""
        return {
            record.id: late
            for record in self._level.sent(task, everything=True)
            if (late := self._late_at_timeout_ms(record))
        }

    def _timeouts_cause(self, task: str | None, late_ms: dict[str, float]) -> str:
        sent = self._level.sent(task, everything=True)
        timeouts = sum(record.failure in self._timeouts_s for record in sent)
        return (
            f"{wording.count(len(late_ms))} of {wording.count(timeouts)} timeouts fell where the "
            f"generator itself was up to {wording.milliseconds(max(late_ms.values()))} late"
        )

    def _late_at_timeout_ms(self, record: RequestRecord) -> float:
        """How late the generator was at a timeout, where that may have been its own; else 0."""
        timeout_s = None if record.failure is None else self._timeouts_s.get(record.failure)
        if timeout_s is None:
            return 0.0
        from_ns = max(record.end_ns - round(timeout_s * 1e9), record.start_ns)
        late_ms = self._lateness.worst_ms(record.worker, from_ns, record.end_ns)
        return late_ms if late_ms > OWN_TIMEOUT * timeout_s * 1e3 else 0.0

    def _events(self, objective: Objective) -> int:
        return sum(record.events for record in self._level.completed(objective.task))

    @cached_property
    def _errors(self) -> dict[str, Errors]:
        """Of the completed requests that have an inexact arrival, by their ids."""
        found = ((r.id, errors_of(r, self._lateness)) for r in self._level.completed())
        return {record_id: errors for record_id, errors in found if not errors.none}

    @cached_property
    def _inexact(self) -> dict[str, RequestRecord]:
        """Those requests as they were noted."""
        return {record.id: record for record in self._level.measured if record.id in self._errors}

    @cached_property
    def _moved_levels(self) -> list[LevelSamples]:
        """The level with each latency as low as it can have been, and as high."""
        if not self._errors:
            return []
        return [
            replace(
                self._level,
                measured=tuple(
                    change(record, self._errors[record.id]) if record.id in self._errors else record
                    for record in self._level.measured
                ),
            )
            for change in (earliest, latest)
        ]


def moved(
    histogram: HdrHistogram, count: int, span_us: tuple[float, float], to_us: float
) -> HdrHistogram:
    """A copy of `histogram` in which up to `count` of the values within `span_us` are `to_us`.

    To within the histogram's buckets; both ends of the span belong to it.
    """
    copy = new_histogram()
    add_histogram(copy, histogram)
    counts = counts_of(copy)
    ends = np.minimum(np.array([*span_us, to_us]), copy.highest_trackable_value)
    first, last, target = counts_indexes(ends.astype(np.int64)).tolist()
    within = counts[first : last + 1]
    before = np.cumsum(within) - within
    taken = np.clip(count - before, 0, within)
    within -= taken
    counts[target] += taken.sum()
    return copy
