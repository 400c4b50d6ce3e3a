"""Ending the steps of a scenario as soon as all that is asked of them is settled."""

from pathlib import Path

from loadproof.analysis.judge import cpus_of, judge_level, scenario_of
from loadproof.analysis.referee.growing_run import GrowingRun
from loadproof.analysis.referee.looks import Looks, planned_requests, why_settled
from loadproof.recording.control import ControlTail, ControlWriter, EndStep, Planned, now_ns
from loadproof.recording.reader import read_header


class StepWatch:
    """Watches the steps that may end early, one after the other."""

    def __init__(self, run: Path) -> None:
        """Raises RunUnreadableError and RunUnwritableError."""
        header = read_header(run)
        self._scenario = scenario_of(header, run)
        self._objectives = self._scenario.parsed_objectives()
        self._cpus = cpus_of(header)
        self._run = GrowingRun(run, header, self._scenario)
        self._control = ControlWriter(run)
        self._plans: dict[int, int] = {}
        self._ended: set[int] = set()
        for decision in ControlTail(run).poll():  # of a referee before this one
            if isinstance(decision, Planned):
                self._plans.setdefault(decision.step, decision.requests)
            elif isinstance(decision, EndStep):
                self._ended.add(decision.step)
        self._may_end = {s.index: s for s in self._scenario.load_steps() if s.stop_when_decided}
        self._step: int | None = None
        self._looks = Looks()

    def look(self) -> None:
        """Reads what is new and decides what is to be decided."""
        run = self._run
        run.poll()
        if run.step != self._step:
            self._step, self._looks = run.step, Looks()
        if self._step not in self._may_end or run.over or run.measuring_since_ns is None:
            return
        step = self._may_end[self._step]
        elapsed_s = (now_ns() - run.measuring_since_ns) / 1e9
        if step.index not in self._plans:
            seen_s = (run.latest_ns - run.measuring_since_ns) / 1e9
            plan = planned_requests(step.requests, step.duration_s, run.measured, seen_s)
            if plan is None:
                return
            self._plans[step.index] = plan
            self._control.append(Planned(now_ns(), step.index, plan))
        if step.index in self._ended or not self._looks.is_due(run.measured, elapsed_s):
            return
        level, lowest = run.level(self._plans[step.index])
        _, judgements = judge_level(level, lowest, self._objectives, self._scenario, self._cpus)
        why = why_settled(judgements, elapsed_s)
        if why is not None:
            self._ended.add(step.index)
            self._control.append(EndStep(now_ns(), step.index, why))
