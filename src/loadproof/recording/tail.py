"""Following a run while it is being written, from the same process or another."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec

from loadproof.model.record import RequestRecord
from loadproof.recording.directory import EVENTS, REQUESTS
from loadproof.recording.events import decode_object
from loadproof.recording.records import decode_record

Parsed = TypeVar("Parsed")


class News(NamedTuple):
    """What has been appended since the last poll, in order."""

    records: list[RequestRecord]
    events: list[dict[str, Any]]


class RunTail:
    """Reads each record and each event of the run directory `run` once, as they appear.

    The directory and its files may come into being later. A line counts once it is complete; torn
    ones are passed over, since live progress is no place to judge them (`read_run` counts them).
    """

    def __init__(self, run: Path) -> None:
        self._requests = FileTail(run / REQUESTS)
        self._events = FileTail(run / EVENTS)

    def poll(self) -> News:
        """The news since the last call; never waits."""
        return News(self._requests.new(decode_record), self._events.new(decode_object))


class FileTail:
    """Reads each complete line of a file once; the file may come into being later."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._offset = 0

    def new(self, decode: Callable[[bytes], Parsed]) -> list[Parsed]:
        """What `decode` makes of the lines that are new; those that it refuses with
        msgspec.DecodeError or ValueError are passed over."""
        parsed = []
        for line in self._complete_lines():
            try:
                parsed.append(decode(line))
            except (msgspec.DecodeError, ValueError):
                continue
        return parsed

    def _complete_lines(self) -> list[bytes]:
        try:
            with self._path.open("rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return []
        end = data.rfind(b"\n") + 1
        self._offset += end
        return [line for line in data[:end].split(b"\n") if line]
