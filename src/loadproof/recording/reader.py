"""Reading a run back, also one that was killed while it wrote."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from hdrh.histogram import HdrHistogram

from loadproof.model.errors import RunUnreadableError
from loadproof.model.record import RequestRecord
from loadproof.recording.control import Decision, decode_decision
from loadproof.recording.directory import (
    CONTROL,
    EVENTS,
    HEADER,
    HISTOGRAMS,
    REQUESTS,
    TELEMETRY,
)
from loadproof.recording.events import decode_object
from loadproof.recording.hdr import add_histogram
from loadproof.recording.interval_log import TaggedInterval, tagged_interval
from loadproof.recording.records import decode_record
from loadproof.recording.writer import SCHEMA_VERSION

Parsed = TypeVar("Parsed")


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """A run as it was written.

    `records` in the order in which they were appended; `histograms` by tag, all intervals and
    workers added; `torn_lines` counts what a killed process or a full disk left incomplete, over
    all files; `finished` is False where the run was cut off before it could say that it ended;
    `control` is what was decided while it lasted.
    """

    header: dict[str, Any]
    records: list[RequestRecord]
    histograms: dict[str, HdrHistogram]
    telemetry: list[dict[str, Any]]
    events: list[dict[str, Any]]
    torn_lines: int
    finished: bool
    control: tuple[Decision, ...] = ()
    gap_intervals: tuple[TaggedInterval, ...] = ()
    """Those of the histograms' intervals that hold gaps between tokens: a request's gaps are told
    from others' by the time at which it ended."""


def read_run(run: Path) -> RecordedRun:
    """The run in directory `run`. Files that were never begun are read as empty.

    Raises RunUnreadableError, in one line, where there is no run, or one that this version cannot
    understand.
    """
    header = read_header(run)
    records, torn_records = _read_lines(run / REQUESTS, decode_record)
    histograms, gaps, torn_histograms = _read_histograms(run / HISTOGRAMS)
    telemetry, torn_samples = _read_lines(run / TELEMETRY, decode_object)
    events, torn_events = _read_lines(run / EVENTS, decode_object)
    control, torn_decisions = _read_lines(run / CONTROL, decode_decision)
    return RecordedRun(
        header=header,
        records=records,
        histograms=histograms,
        telemetry=telemetry,
        events=events,
        torn_lines=torn_records + torn_histograms + torn_samples + torn_events + torn_decisions,
        finished=any(event.get("kind") == "run_end" for event in events),
        control=tuple(control),
        gap_intervals=tuple(gaps),
    )


def read_header(run: Path) -> dict[str, Any]:
    """run.json alone. Raises RunUnreadableError."""
    path = run / HEADER
    if not run.is_dir():
        raise RunUnreadableError(f"{run}: no such run directory")
    try:
        header = msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except FileNotFoundError:
        raise RunUnreadableError(f"{run}: no run directory: it holds no {HEADER}") from None
    except OSError as error:
        raise RunUnreadableError(f"{path}: cannot be read: {error.strerror}") from None
    except msgspec.DecodeError as error:
        raise RunUnreadableError(f"{path}: not the header of a run: {error}") from None
    version = header.get("schema_version")
    if type(version) is not int:
        raise RunUnreadableError(f"{path}: schema_version: got {version!r}, expected a number")
    if version > SCHEMA_VERSION:
        raise RunUnreadableError(
            f"{path}: schema_version: got {version}, expected at most {SCHEMA_VERSION}: "
            "the run was recorded by a newer loadproof; install that to read it"
        )
    return header


def _read_lines(path: Path, decode: Callable[[bytes], Parsed]) -> tuple[list[Parsed], int]:
    """What `decode` makes of each line, and how many lines were torn."""
    parsed: list[Parsed] = []
    torn = 0
    for number, line in _lines(path):
        try:
            parsed.append(decode(line))
        except msgspec.ValidationError as error:
            raise RunUnreadableError(f"{path}: line {number}: {error}") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            torn += 1
    return parsed, torn


def _read_histograms(
    path: Path,
) -> tuple[dict[str, HdrHistogram], list[TaggedInterval], int]:
    """The totals by tag, the intervals of gaps between tokens, and how many lines were torn."""
    totals: dict[str, HdrHistogram] = {}
    gaps: list[TaggedInterval] = []
    torn = 0
    for _, line in _lines(path):
        try:
            interval = tagged_interval(line)
            if interval is None:
                continue
            histogram = interval.histogram()
        except ValueError:
            torn += 1
            continue
        if interval.tag.endswith("/itl"):
            gaps.append(interval)
        if interval.tag in totals:
            add_histogram(totals[interval.tag], histogram)
        else:
            totals[interval.tag] = histogram
    return totals, gaps, torn


def _lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Number (from 1) and content of the lines that hold anything."""
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, 1):
                content = line.rstrip(b"\r\n")
                if content:
                    yield number, content
    except FileNotFoundError:
        return
    except OSError as error:
        raise RunUnreadableError(f"{path}: cannot be read: {error.strerror}") from None
