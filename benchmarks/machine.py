"""What the figures are measured on, and this process's place there."""

import os
import platform
import resource
from pathlib import Path


def machine() -> dict[str, str | int]:
    """Processor, cores, kernel, Python, and how busy it was before we came (1 minute load)."""
    return {
        "cpu": _cpu_model(),
        "cores": len(os.sched_getaffinity(0)),
        "kernel": platform.release(),
        "python": platform.python_version(),
        "load_before": f"{os.getloadavg()[0]:.2f}",
    }


def cores() -> tuple[int, tuple[int, ...]]:
    """The server's core and those of clients; -1 and none where there are not two."""
    found = sorted(os.sched_getaffinity(0))
    return (found[0], tuple(found[1:])) if len(found) > 1 else (-1, ())


def stand_on_own_core() -> str:
    """Keeps this process, and so its clients, off the server's core; says how it is."""
    server, clients = cores()
    if not clients:
        return "One core alone: server and client share it, and every figure suffers from that."
    os.sched_setaffinity(0, {clients[0]})
    return f"Server on core {server}, client on core {clients[0]}."


def raise_file_limit() -> None:
    """Lets this process and its children open a file a stream, as far as they may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 8192
    if soft != resource.RLIM_INFINITY and soft < wanted:
        if hard != resource.RLIM_INFINITY:
            wanted = min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()
