"""Writing a run: what has been handed over is with the operating system."""

import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec

from loadproof.recording.append_file import AppendFile
from loadproof.recording.directory import EVENTS, HEADER, HISTOGRAMS, REQUESTS
from loadproof.recording.events import encode_event
from loadproof.recording.interval_log import interval_line, opening_lines
from loadproof.recording.outputs import write_output

SCHEMA_VERSION = 1
"""Of the run directory. It rises when an older reader would misread a newer run; fields that are
only added leave it as it is."""


class RunWriter:
    """The one writer of a run's header, requests and histograms, and one of those of its events.

    Nothing is kept back: when a method has returned, its lines are in the file, whatever happens
    to this process. Each method raises RunUnwritableError where the disk takes no more.
    """

    def __init__(self, run: Path) -> None:
        """`run` is a directory as made by `create_run_directory`."""
        self.run = run
        self._wall_ns, self._monotonic_ns = time.time_ns(), time.monotonic_ns()
        self._requests = AppendFile(run / REQUESTS)
        self._histograms = AppendFile(run / HISTOGRAMS)
        self._events = AppendFile(run / EVENTS)

    def write_header(self, header: Mapping[str, Any]) -> None:
        """Writes run.json, whole; a later call replaces it. `schema_version` is added where it
        lacks, and `clocks` (`wall_ns` and `monotonic_ns` of one moment) are taken over."""
        clocks = header.get("clocks")
        if clocks is not None:
            self._wall_ns, self._monotonic_ns = clocks["wall_ns"], clocks["monotonic_ns"]
        whole = {"schema_version": SCHEMA_VERSION, **header}
        text = msgspec.json.format(msgspec.json.encode(whole), indent=2).decode("utf-8")
        write_output(self.run, HEADER, text + "\n")

    def append_records(self, lines: Iterable[bytes]) -> None:
        """Appends encoded records (see `encode_record`), all in one write."""
        self._requests.append(lines)

    def append_histograms(
        self, start_ns: int, end_ns: int, histograms: Mapping[str, bytes]
    ) -> None:
        """Appends the histograms of one interval, as `IntervalHistograms.take` gives them.

        The intervals of several processes, each appended by itself, are added by the reader.
        """
        if not histograms:
            return
        lines = [
            interval_line(tag, start_ns, end_ns, encoded) for tag, encoded in histograms.items()
        ]
        if self._histograms.is_empty():
            lines = opening_lines(self._wall_ns, self._monotonic_ns) + lines
        self._histograms.append(lines)

    def append_event(self, kind: str, **fields: Any) -> None:
        """Appends an event with the monotonic time of now as `t_ns`; `fields` may give another."""
        self._events.append([encode_event(kind, **fields)])

    def close(self) -> None:
        """Closes the files. It marks nothing: a run has ended when it holds a run_end event."""
        for file in (self._requests, self._histograms, self._events):
            file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
