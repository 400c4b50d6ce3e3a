"""The control file: what the referee decides while a run lasts, for the conductor to carry out.

`control.jsonl` is only there in runs that were refereed. It stays in the run directory: a level
that was ended early is judged by what stands in it, also when the run is judged again later.
"""

import time
from pathlib import Path

import msgspec

from loadproof.recording.append_file import AppendFile
from loadproof.recording.directory import CONTROL
from loadproof.recording.tail import FileTail


class Planned(msgspec.Struct, frozen=True, tag_field="kind", tag="planned"):
    """A step is judged by bounds that stay true under continual looking, with a plan of `requests`.

    It comes before the first look, so that no plan is made by what was seen."""

    t_ns: int
    step: int
    requests: int


class EndStep(msgspec.Struct, frozen=True, tag_field="kind", tag="end_step"):
    """A step is to end: no further request is started, those in flight may end."""

    t_ns: int
    step: int
    why: str


class NextStep(msgspec.Struct, frozen=True, tag_field="kind", tag="next_step"):
    """The step that follows in a search. `purpose` says what it is to find out."""

    t_ns: int
    step: int
    users: int
    requests: int
    duration_s: float
    purpose: str
    confidence: float


class Visited(msgspec.Struct, frozen=True, tag_field="kind", tag="visited"):
    """What a visit of a search came to, for whoever looks on: the verdict is made anew."""

    t_ns: int
    step: int
    users: int
    requests: int
    said: str


class EndRun(msgspec.Struct, frozen=True, tag_field="kind", tag="end_run"):
    """The search is over."""

    t_ns: int
    why: str


Decision = Planned | EndStep | NextStep | Visited | EndRun
_DECODER: msgspec.json.Decoder[Decision] = msgspec.json.Decoder(Decision)


def decode_decision(line: bytes) -> Decision:
    """The decision of a line. Raises msgspec.DecodeError for a torn one, and its subclass
    msgspec.ValidationError for another object."""
    return _DECODER.decode(line)


class ControlWriter:
    """The referee's end of the control file. Methods raise RunUnwritableError."""

    def __init__(self, run: Path) -> None:
        self._file = AppendFile(run / CONTROL)

    def append(self, decision: Decision) -> None:
        """Appends one decision; when it has returned the conductor can see it."""
        self._file.append([msgspec.json.encode(decision)])


class ControlTail:
    """The conductor's end: each decision once, in order. The file may come into being later."""

    def __init__(self, run: Path) -> None:
        self._tail = FileTail(run / CONTROL)

    def poll(self) -> list[Decision]:
        """What was decided since the last call; never waits."""
        return self._tail.new(decode_decision)


def now_ns() -> int:
    """The moment that a decision carries: monotonic nanoseconds of the run's machine."""
    return time.monotonic_ns()
