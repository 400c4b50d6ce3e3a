"""What run.json says of a run: before its first request, and when it has ended."""

import os
import platform
import socket
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import psutil

from loadproof import __version__
from loadproof.load.clock import boot_id, wall_minus_monotonic_ns
from loadproof.model.scenario import Scenario

SCHEMA_VERSION = 1
_PACKAGES = ("locust", "gevent", "hdrhistogram", "msgspec", "numpy", "nvidia-ml-py", "math-verify")


def header(scenario: Scenario, server: Mapping[str, Any], started: datetime) -> dict[str, Any]:
    """run.json: the scenario as resolved, the server as identified, machine, versions, clocks."""
    return {
        "schema_version": SCHEMA_VERSION,
        "loadproof": __version__,
        "started": started.astimezone(UTC).isoformat(timespec="seconds"),
        "scenario": scenario.model_dump(mode="json"),
        "server": dict(server),
        "machine": {
            "hostname": socket.gethostname(),
            "cpus": os.cpu_count(),
            "memory_bytes": psutil.virtual_memory().total,
            "platform": platform.platform(),
            "python": platform.python_version(),
        },
        "versions": {name: version(name) for name in _PACKAGES},
        "clocks": _clocks(),
        "command": list(sys.argv),
    }


def closing_header(begun: Mapping[str, Any]) -> dict[str, Any]:
    """run.json of a run that ends now: as it was begun, with `clocks.drift_ns`, by which the
    distance of the conductor's wall clock from its monotonic clock has grown since."""
    clocks = begun["clocks"]
    drift_ns = wall_minus_monotonic_ns() - (clocks["wall_ns"] - clocks["monotonic_ns"])
    return {**begun, "clocks": {**clocks, "drift_ns": drift_ns}}


def _clocks() -> dict[str, Any]:
    """Both clocks at one moment, right to within some 0.1 µs."""
    distance_ns, monotonic_ns = wall_minus_monotonic_ns(), time.monotonic_ns()
    return {
        "monotonic_ns": monotonic_ns,
        "wall_ns": monotonic_ns + distance_ns,
        "boot_id": boot_id(),
    }
