"""What run.json says of a run before its first request."""

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
from loadproof.load.clock import boot_id
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
        "clocks": {
            "monotonic_ns": time.monotonic_ns(),
            "wall_ns": time.time_ns(),
            "boot_id": boot_id(),
        },
        "command": list(sys.argv),
    }
