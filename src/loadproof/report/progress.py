"""Live progress of a run, read from its directory while something else writes it."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.live import Live
from rich.text import Text

from loadproof.analysis import wording
from loadproof.model.record import Outcome, RequestRecord
from loadproof.model.scenario import Step
from loadproof.recording.control import ControlTail, Visited
from loadproof.recording.tail import RunTail
from loadproof.stats.percentiles import exact

PLAIN_EVERY_S = 5.0
"""How often a line is printed where there is no terminal to draw on."""
RATE_OVER_S = 5.0
"""Tokens a second are those of requests that ended within this time."""
_PHASES = {
    "step_start": "warming up",
    "step_measuring": "measuring",
    "step_draining": "ending",
    "step_end": "ended",
}


class Progress:
    """The progress of the run in directory `run`, whose planned `steps` may be none.

    A context manager: `update` reads what is new and shows it, as one live line on a terminal and
    as a plain line every 5 s elsewhere. `clock_s` has to be the monotonic clock of the machine
    that writes the events.
    """

    def __init__(
        self,
        run: Path,
        steps: Sequence[Step],
        console: Console,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._steps = {step.index: step for step in steps}
        self._console = console
        self._clock_s = clock_s
        self._tail = RunTail(run)
        self._control = ControlTail(run)
        self._live = (
            Live(console=console, auto_refresh=False, transient=True)
            if console.is_terminal
            else None
        )
        self._shown_s = clock_s()
        self._step: int | None = None
        self._users: int | None = None
        self._phase = "starting"
        self._began_s: float | None = None
        self._step_began_s = 0.0
        self._over = False
        self._done = self._failed = self._cut_off = 0
        self._ttfts_ms: list[float] = []
        self._recent: deque[tuple[float, int]] = deque()

    def __enter__(self) -> Self:
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.stop()

    def update(self) -> None:
        """Reads what has been written since the last call, and shows it where it is time to."""
        news = self._tail.poll()
        for event in news.events:
            self._take_event(event)
        for record in news.records:
            self._take_record(record)
        for decision in self._control.poll():
            if isinstance(decision, Visited):
                self._console.print(_visited(decision), markup=False, highlight=False)
        now_s = self._clock_s()
        if self._live is not None:
            self._live.update(Text(self.line(), overflow="fold"), refresh=True)
        elif now_s - self._shown_s >= PLAIN_EVERY_S:
            self._shown_s = now_s
            self._console.print(self.line(), markup=False, highlight=False, soft_wrap=True)

    def line(self) -> str:
        """The situation in one line."""
        if self._step is None:
            return "waiting for the first step"
        now_s = self._clock_s()
        parts = [self._where(), self._time(now_s)]
        done = f"{wording.count(self._done)} done"
        if self._failed:
            done += f", {wording.count(self._failed)} failed"
        if self._cut_off:
            done += f", {wording.count(self._cut_off)} cut off"
        parts += [done, f"{wording.count(self._tokens_per_s(now_s))} tokens/s"]
        if self._ttfts_ms:
            p50_ms, p99_ms = exact(self._ttfts_ms, (0.5, 0.99))
            parts.append(
                f"TTFT p50 {wording.milliseconds(p50_ms)}, p99 {wording.milliseconds(p99_ms)}"
            )
        return " | ".join(parts)

    def _where(self) -> str:
        assert self._step is not None
        of = f" of {len(self._steps)}" if self._steps else ""
        users = "" if self._users is None else f", {wording.level(self._users, self._step)}"
        return f"step {self._step + 1}{of}{users}, {self._phase}"

    def _time(self, now_s: float) -> str:
        elapsed_s = now_s - (self._began_s if self._began_s is not None else now_s)
        text = f"{_clock_text(elapsed_s)} elapsed"
        left_s = self._left_s(now_s)
        return text if left_s is None else f"{text}, about {_clock_text(left_s)} left"

    def _left_s(self, now_s: float) -> float | None:
        """What the plan has left, where its steps have durations; draining is not foreseen."""
        if not self._steps or self._step is None or self._over:
            return None
        left_s = 0.0
        for step in self._steps.values():
            if step.index < self._step:
                continue
            if step.duration_s is None:
                return None
            length_s = step.warmup_s + step.duration_s
            if step.index == self._step:
                length_s = max(length_s - (now_s - self._step_began_s), 0.0)
            left_s += length_s
        return left_s

    def _tokens_per_s(self, now_s: float) -> float:
        while self._recent and self._recent[0][0] < now_s - RATE_OVER_S:
            self._recent.popleft()
        span_s = min(RATE_OVER_S, max(now_s - (self._began_s or now_s), 1.0))
        return sum(tokens for _, tokens in self._recent) / span_s

    def _take_event(self, event: dict[str, Any]) -> None:
        kind, at_s = event.get("kind"), event.get("t_ns", 0) / 1e9
        if kind == "run_start":
            self._began_s = at_s
        elif kind == "step_start":
            self._step, self._users = int(event["step"]), event.get("users")
            self._step_began_s = at_s
            self._began_s = at_s if self._began_s is None else self._began_s
            self._ttfts_ms.clear()
        elif kind == "run_end":
            self._over = True
        if kind in _PHASES and event.get("step") == self._step:
            self._phase = _PHASES[kind]

    def _take_record(self, record: RequestRecord) -> None:
        match record.outcome:
            case Outcome.COMPLETED:
                self._done += 1
            case Outcome.FAILED:
                self._failed += 1
            case Outcome.CUT_OFF:
                self._cut_off += 1
        if record.outcome is Outcome.COMPLETED:
            self._recent.append((record.end_ns / 1e9, record.output_tokens or 0))
            if not record.warmup and record.step == self._step and record.ttft_ms is not None:
                self._ttfts_ms.append(record.ttft_ms)


def _visited(visit: Visited) -> str:
    """ "16 users: likely to hold (48 requests)"."""
    name = wording.level(visit.users, visit.step)
    return f"{name}: {visit.said} ({wording.requests(visit.requests)})"


def _clock_text(seconds: float) -> str:
    """83 as "1:23"."""
    minutes, rest = divmod(round(max(seconds, 0)), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
