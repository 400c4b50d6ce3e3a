"""Whether two runs can be compared at all, and what a reader has to know where they can."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from loadproof.analysis.run_ruling import Ending, invalidations
from loadproof.model.comparison import Party
from loadproof.model.errors import ConfigurationError
from loadproof.model.scenario import Scenario
from loadproof.recording.reader import RecordedRun

TOLD = ("name", "description", "objectives", "seed", "confidence")
"""What of two scenarios may differ: it changes no request's load."""


def party_of(run: RecordedRun, path: Path) -> Party:
    """Which run it is and what it was measured with, as far as it says so."""
    server: dict[str, Any] = run.header.get("server") or {}
    machine: dict[str, Any] = run.header.get("machine") or {}
    engine = (server.get("engine"), server.get("version"))
    cpus = machine.get("cpus")
    parts = (machine.get("hostname"), f"{cpus} CPUs" if cpus else None, machine.get("platform"))
    return Party(
        run=path.resolve().name,
        server=str(server.get("name", "unknown")),
        model=str(server.get("model") or "unknown"),
        engine=" ".join(str(part) for part in engine if part) or "unknown",
        simulated=bool(server.get("simulated", False)),
        machine=", ".join(str(part) for part in parts if part) or "unknown",
        gpu=_gpu(run) or "none seen",
        started=str(run.header.get("started", "unknown")),
        loadproof=str(run.header.get("loadproof", "unknown")),
    )


def refuse_other_scenario(base: Scenario, new: Scenario) -> None:
    """Raises ConfigurationError where the two ask for different loads, naming what differs."""
    differing = [text for key, text in _differences(base, new) if key.partition("[")[0] not in TOLD]
    if differing:
        raise ConfigurationError(
            "the runs are of different scenarios, so that a difference could be the load's: "
            f"{'; '.join(differing)}; expected runs of one scenario (name, description, "
            "objectives, seed and confidence may differ)"
        )


def notes_of(
    parties: tuple[Party, Party],
    runs: tuple[RecordedRun, RecordedRun],
    scenarios: tuple[Scenario, Scenario],
) -> Iterator[str]:
    """What has to be known before the comparison is believed, most weighty first."""
    names = ("BASE", "NEW")
    simulated = [name for name, party in zip(names, parties, strict=True) if party.simulated]
    if len(simulated) == 1:
        yield (
            f"{simulated[0]} is of a SIMULATED server and the other is not: their difference says "
            "nothing about either"
        )
    elif simulated:
        yield "both servers are SIMULATED: these numbers say nothing about real hardware"
    for name, run in zip(names, runs, strict=True):
        for _, message in invalidations(run.events):
            yield f"{name} is INVALID: {message}"
        match Ending.of(run):
            case Ending.CUT_OFF:
                yield f"{name} was cut off before its end"
            case Ending.INTERRUPTED:
                yield f"{name} was interrupted before its end"
            case Ending.SERVER_FAILED:
                yield f"the server of {name} failed during the run"
            case Ending.COMPLETE:
                pass
    for what, of in (("load generators", "machine"), ("GPUs", "gpu")):
        before, after = (getattr(party, of) for party in parties)
        if before != after:
            yield f"the {what} differ: {before} in BASE, {after} in NEW"
    if parties[0].loadproof != parties[1].loadproof:
        yield (
            f"recorded by different versions of loadproof: {parties[0].loadproof} and "
            f"{parties[1].loadproof}"
        )
    for _, text in _differences(*scenarios):
        yield f"the scenarios differ in {text}; that changes no load"


def _gpu(run: RecordedRun) -> str | None:
    for line in run.telemetry:
        gpus = line.get("gpus") or []
        if gpus:
            return ", ".join(str(gpu.get("name", "a GPU")) for gpu in gpus)
    return None


_SHOWN = 60


def _differences(base: Scenario, new: Scenario) -> Iterator[tuple[str, str]]:
    before, after = base.model_dump(mode="json"), new.model_dump(mode="json")
    for key in before:
        yield from _of_values(key, before[key], after[key])


def _of_values(key: str, before: Any, after: Any) -> Iterator[tuple[str, str]]:
    """The innermost keys whose values differ, each with both of them."""
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for inner in before.keys() | after.keys():
            yield from _of_values(f"{key}.{inner}", before.get(inner), after.get(inner))
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for index, pair in enumerate(zip(before, after, strict=True)):
            yield from _of_values(f"{key}[{index}]", *pair)
    else:
        yield key, f"{key} ({_shown(before)} in BASE, {_shown(after)} in NEW)"


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
