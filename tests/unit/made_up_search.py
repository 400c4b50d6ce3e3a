"""A search for the capacity on a made-up server: the referee decides, the rest is written here."""

from collections.abc import Callable
from pathlib import Path

from loadproof.analysis.referee.search_watch import SearchWatch
from loadproof.model.scenario import Scenario
from loadproof.recording.control import ControlTail, EndRun, NextStep
from loadproof.recording.records import encode_record
from loadproof.recording.writer import RunWriter
from unit.made_up_run import BEGIN_NS, SECOND_NS, MadeUpLevel, record_of

SCENARIO = {
    "name": "search",
    "traffic": [{"task": "chat"}],
    "objectives": [{"require": "p80(ttft) <= 120ms"}, {"require": "rate(failed) <= 20%"}],
    "capacity": {"users": [1, 64], "level_requests": 600, "duration": "100000h"},
}


def write_search(
    run: Path, ttft_ms: Callable[[int], float], *, restarts: bool = False, most: int = 50
) -> Path:
    """Writes a search on a server whose requests all have the TTFT of their level.

    With `restarts` each decision is that of a new referee; after `most` visits the run breaks off.
    """
    run.mkdir()
    writer = RunWriter(run)
    scenario = Scenario.model_validate(SCENARIO)
    header = {"scenario": scenario.model_dump(mode="json"), "server": {"name": "made-up"}}
    writer.write_header(header)
    writer.append_event("run_start", t_ns=BEGIN_NS)
    search = scenario.search
    assert search is not None
    watch, control = SearchWatch(run, search), ControlTail(run)
    begin_ns = BEGIN_NS
    for _ in range(most):
        watch.look()
        decisions = control.poll()
        if any(isinstance(decision, EndRun) for decision in decisions):
            writer.append_event("run_end", reason="completed", t_ns=begin_ns)
            return run
        (step,) = (decision for decision in decisions if isinstance(decision, NextStep))
        begin_ns = _write_step(writer, step, begin_ns, ttft_ms(step.users))
        if restarts:
            watch = SearchWatch(run, search)
    writer.append_event("run_end", reason="interrupted", t_ns=begin_ns)
    return run


def _write_step(writer: RunWriter, step: NextStep, begin_ns: int, ttft_ms: float) -> int:
    level = MadeUpLevel(users=step.users, ttft_ms=())
    writer.append_event("step_start", t_ns=begin_ns, step=step.step, users=step.users)
    writer.append_event("step_measuring", t_ns=begin_ns, step=step.step)
    apart_ns = SECOND_NS // (5 * step.users)
    writer.append_records(
        encode_record(
            record_of(
                step.step, n, level, ttft_ms=ttft_ms + n % 7, start_ns=begin_ns + n * apart_ns
            )
        )
        for n in range(step.requests)
    )
    end_ns = begin_ns + step.requests * apart_ns
    writer.append_event("step_draining", t_ns=end_ns, step=step.step)
    writer.append_event("step_end", t_ns=end_ns + SECOND_NS, step=step.step)
    return end_ns + SECOND_NS
