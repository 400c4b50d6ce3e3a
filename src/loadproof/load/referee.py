"""The referee of a run as the conductor knows it: a process, and what that has decided."""

from collections.abc import Callable
from pathlib import Path

from loadproof.recording.control import ControlTail, EndRun, EndStep, NextStep
from loadproof.telemetry.companion import Companion

MOST_STARTS = 4
STOP_WITHIN_S = 5.0


class Referee:
    """Judges a run in a process of its own while it goes on, and decides by the control file.

    It remembers nothing that is not in the run directory: one that was killed is started again,
    some times, and goes on where the other had come to.
    """

    def __init__(self, run: Path, note: Callable[[str], None]) -> None:
        """`note` hears of a process that ended before its time."""
        self._process = Companion("referee", "loadproof.analysis.referee", [str(run)])
        self._tail = ControlTail(run)
        self._note = note
        self._starts = 0
        self._ended: set[int] = set()
        self._next: dict[int, NextStep] = {}
        self.over = False
        """Whether the search has come to its end."""

    @property
    def lost(self) -> bool:
        """Whether it is gone for good: no further decision will come."""
        return self._starts >= MOST_STARTS and not self._process.alive

    def look(self) -> None:
        """Takes note of what was decided since the last call; sees that the process lives."""
        for decision in self._tail.poll():
            match decision:
                case EndStep():
                    self._ended.add(decision.step)
                case NextStep():
                    self._next[decision.step] = decision
                case EndRun():
                    self.over = True
        if self._process.alive or self._starts >= MOST_STARTS:
            return
        if self._starts > 0:
            self._process.stop(0.0)
            self._note("the referee ended before its time and was started again")
        self._starts += 1
        self._process.start()

    def has_ended(self, step: int) -> bool:
        """Whether a step is to end now."""
        return step in self._ended

    def next_step(self, step: int) -> NextStep | None:
        """Step number `step` of a search, once it is decided."""
        return self._next.get(step)

    def stop(self) -> None:
        """Ends the process."""
        self._starts = MOST_STARTS
        self._process.stop(STOP_WITHIN_S)
