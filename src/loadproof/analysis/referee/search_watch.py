"""Leading a search for the capacity: which level comes next, and when a visit may end."""

from pathlib import Path

from loadproof.analysis.capacity.policy import Finish, Purpose, Visit, next_move
from loadproof.analysis.capacity.visit import may_end
from loadproof.analysis.capacity.visits import made_visits, said_at, visit_of, wording_of
from loadproof.analysis.judge import cpus_of, scenario_of
from loadproof.analysis.referee.growing_run import GrowingRun
from loadproof.analysis.referee.looks import RESOURCE_AFTER_S, Looks
from loadproof.analysis.samples import level_samples
from loadproof.model.search import Search
from loadproof.recording.control import (
    ControlWriter,
    EndRun,
    EndStep,
    NextStep,
    Planned,
    Visited,
    now_ns,
)
from loadproof.recording.reader import read_run


class SearchWatch:
    """Decides on one visit after the other, by what those before it have said."""

    def __init__(self, run: Path, search: Search) -> None:
        """Takes up a search where another referee left it.

        Raises RunUnreadableError and RunUnwritableError.
        """
        so_far = read_run(run)
        header = so_far.header
        self._search = search
        self._scenario = scenario_of(header, run)
        self._cpus = cpus_of(header)
        self._run = GrowingRun(run, header, self._scenario)
        self._control = ControlWriter(run)
        decided = [d for d in so_far.control if isinstance(d, NextStep)]
        done = {d.step for d in so_far.control if isinstance(d, Visited)}
        self._over = any(isinstance(d, EndRun) for d in so_far.control)
        self._ended = {d.step for d in so_far.control if isinstance(d, EndStep)}
        self._present = next((d for d in decided if d.step not in done), None)
        self._visits: list[Visit] = []
        if done:
            samples = [s for s in level_samples(so_far, self._scenario) if s.step in done]
            made = made_visits(so_far.control, samples, self._scenario, self._cpus)
            self._visits = [one.visit for one in made]
        self._steps = len(done)
        self._looks = Looks()

    def look(self) -> None:
        """Reads what is new and decides what is to be decided."""
        self._run.poll()
        if self._over:
            return
        if self._present is None:
            self._decide()
        elif self._run.step == self._present.step:
            self._watch(self._present)

    def _decide(self) -> None:
        """The next visit, or the end."""
        began_ns = self._run.began_ns
        elapsed_s = 0.0 if began_ns is None else (now_ns() - began_ns) / 1e9
        move = next_move(self._search, self._scenario.confidence, self._visits, elapsed_s)
        if isinstance(move, Finish):
            self._over = True
            self._control.append(EndRun(now_ns(), move.why))
            return
        self._present = NextStep(
            t_ns=now_ns(),
            step=self._steps,
            users=move.level,
            requests=move.requests,
            duration_s=move.duration_s,
            purpose=move.purpose,
            confidence=move.confidence,
        )
        self._looks = Looks()
        self._control.append(Planned(now_ns(), self._steps, move.requests))
        self._control.append(self._present)

    def _watch(self, present: NextStep) -> None:
        run = self._run
        if run.over:
            self._close(present)
            return
        if run.measuring_since_ns is None or present.step in self._ended:
            return
        elapsed_s = (now_ns() - run.measuring_since_ns) / 1e9
        if not self._looks.is_due(run.measured, elapsed_s):
            return
        level, _ = run.level(present.requests)
        if not level.measured:
            return
        said = said_at(present, level, self._scenario, self._cpus)
        too_soon = said.resources and elapsed_s < RESOURCE_AFTER_S
        if (
            may_end(Purpose(present.purpose), said, present.requests, present.users)
            and not too_soon
        ):
            self._ended.add(present.step)
            why = wording_of(visit_of(present, said))
            self._control.append(EndStep(now_ns(), present.step, why))

    def _close(self, present: NextStep) -> None:
        """A visit has ended, by its referee or its bounds: what it says now is what it said."""
        level, _ = self._run.level(present.requests)
        said = said_at(present, level, self._scenario, self._cpus)
        visit = visit_of(present, said)
        self._visits.append(visit)
        self._control.append(
            Visited(now_ns(), present.step, visit.level, visit.requests, wording_of(visit))
        )
        self._steps += 1
        self._present = None
        self._decide()
