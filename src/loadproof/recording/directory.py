"""The run directory: what is in it under which name, and how a new one is made."""

import re
from datetime import UTC, datetime
from pathlib import Path

from loadproof.model.errors import ConfigurationError

HEADER = "run.json"
REQUESTS = "requests.jsonl"
HISTOGRAMS = "histograms.hlog"
TELEMETRY = "telemetry.jsonl"
EVENTS = "events.jsonl"
CONTROL = "control.jsonl"
"""What was decided while the run lasted: levels ended early, the next level of a search."""
SERVER_LOG = "server.log"
"""What a server that loadproof started has printed."""
GENERATOR_LOG = "generator.log"
"""What Locust has printed, where `loadproof run` started it."""
GENERATOR_LOG = "generator.log"
"""What the load generator's own process has printed."""

VERDICT = "verdict.json"
REPORT = "report.html"
JUNIT = "junit.xml"
SUMMARY = "summary.md"
OUTPUTS = (VERDICT, REPORT, JUNIT, SUMMARY)
"""What the analysis makes of the rest, and can make again at any time."""

COMPARISON = "comparison.json"
COMPARISON_PAGE = "comparison.html"
COMPARISON_SUMMARY = "comparison.md"
"""What comparing a run with another one makes, in the newer run's directory."""

_LONGEST_LABEL = 64


def create_run_directory(parent: Path, scenario: str, server: str, now: datetime) -> Path:
    """Makes `<UTC time>_<scenario>_<server>` under `parent`, and `parent` itself where it lacks.

    No two calls get the same directory, in whatever process: of several runs in the same second
    the later ones end in -2, -3 and so on. `now` is aware of its time zone. Characters of the
    labels that do not belong in a file name become hyphens.

    Raises ConfigurationError where the directory cannot be made.
    """
    name = f"{now.astimezone(UTC):%Y-%m-%dT%H-%M-%SZ}_{_label(scenario)}_{_label(server)}"
    try:
        parent.mkdir(parents=True, exist_ok=True)
        return _first_free(parent, name)
    except OSError as error:
        raise ConfigurationError(
            f"{parent}: no run directory can be made here: {error.strerror}; "
            "expected a directory that can be written to"
        ) from None


def _first_free(parent: Path, name: str) -> Path:
    """mkdir itself is what decides: it fails where another process was faster."""
    number = 1
    while True:
        path = parent / (name if number == 1 else f"{name}-{number}")
        try:
            path.mkdir()
        except FileExistsError:
            number += 1
        else:
            return path


def _label(text: str) -> str:
    """`text` as part of a file name on any system: ASCII, no separator, never hidden."""
    safe = re.sub(r"[^A-Za-z0-9.-]+", "-", text)[:_LONGEST_LABEL].strip(".-")
    return safe or "unnamed"
