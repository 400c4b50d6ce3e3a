"""The sidecar's samples: what is watched, ten times a second, on absolute deadlines.

A sample is a line of telemetry.jsonl. What is not known is absent:

- `t_ns`: monotonic nanoseconds of this machine
- `gpu_memory`: bytes in use, summed over the GPUs that the server may use; `gpus`: each of them
- `server_memory`, `server_cpu`: resident bytes and cores in use of the server's process tree
- `host_memory`, `host_cpu`: bytes and cores in use of this machine
- once a second `metrics`, the server's own numbers (see `server_metrics.SERIES`), and
  `metrics_t_ns`, when they had arrived
"""

import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgspec
import psutil

from loadproof.recording.append_file import AppendFile
from loadproof.recording.directory import EVENTS, TELEMETRY
from loadproof.recording.events import encode_event
from loadproof.telemetry.host import Host
from loadproof.telemetry.listener import NotFoundError, is_here, listening_process
from loadproof.telemetry.nvml import Gpus, GpusUnavailableError
from loadproof.telemetry.scraper import Scraper
from loadproof.telemetry.server_processes import ServerProcesses

PERIOD_NS = 100_000_000
_REFRESH_NS = 1_000_000_000


class Sampler:
    """Watches one server for one run, and appends to its telemetry.jsonl and events.jsonl.

    What cannot be watched is said once, as a telemetry_note, and left out of the samples.
    """

    def __init__(self, run: Path, url: str, pid: int | None) -> None:
        """`pid` is the server's first process; None: whoever listens at `url`."""
        self._samples = AppendFile(run / TELEMETRY)
        self._events = AppendFile(run / EVENTS)
        self._host = Host()
        self._processes: ServerProcesses | None = None
        self._gpus: Gpus | None = None
        self._refresh_at_ns = 0
        self._scraper: Scraper | None = None
        if pid is None and not is_here(url):
            # The GPUs and processes of this machine would pass for the server's.
            self.note(
                f"the server at {url} is on another machine: its GPUs and processes are not "
                "sampled; host memory and CPU are those of the machine that made the load"
            )
            return
        self._processes = self._found_processes(url, pid)
        self._gpus = self._found_gpus()

    def watch_metrics(self, url: str, key: str | None) -> None:
        """Begins to read the server's /metrics, whose values then ride on the samples."""
        self._scraper = Scraper(url, key, self.note)
        self._scraper.start()

    def note(self, message: str) -> None:
        """Appends a telemetry_note for whoever reads the run."""
        self._events.append([encode_event("telemetry_note", message=message)])

    def run(self, wait: Callable[[float], bool]) -> None:
        """Samples until `wait` (given seconds, at most which it waits) says to end.

        Samples that are missed because the machine stood still are left out, not made up for.
        """
        start_ns = time.monotonic_ns()
        while True:
            self.sample()
            due_ns = next_slot_ns(start_ns, PERIOD_NS, time.monotonic_ns())
            if wait((due_ns - time.monotonic_ns()) / 1e9):
                break
        if self._scraper is not None:
            self._scraper.finish()
        self.sample()

    def sample(self) -> None:
        """Appends one sample."""
        scrape = self._scraper.latest() if self._scraper is not None else None
        t_ns = time.monotonic_ns()
        host = self._host.sample(t_ns)
        line: dict[str, Any] = {"t_ns": t_ns, **self._gpu_fields(), **self._server_fields(t_ns)}
        line["host_memory"] = host.memory
        if host.cpu is not None:
            line["host_cpu"] = host.cpu
        if scrape is not None:
            line["metrics_t_ns"] = scrape.t_ns
            line["metrics"] = scrape.metrics
        self._samples.append([msgspec.json.encode(line)])

    def _gpu_fields(self) -> dict[str, Any]:
        if self._gpus is None:
            return {}
        try:
            gpus = self._gpus.sample()
        except GpusUnavailableError as reason:
            self._gpus = None
            self.note(str(reason))
            return {}
        return {
            "gpu_memory": sum(gpu.used for gpu in gpus),
            "gpus": [asdict(gpu) for gpu in gpus],
        }

    def _server_fields(self, t_ns: int) -> dict[str, Any]:
        if self._processes is None:
            return {}
        if t_ns >= self._refresh_at_ns:
            self._refresh_at_ns = t_ns + _REFRESH_NS
            self._processes.refresh()
        sample = self._processes.sample(t_ns)
        if sample is None:
            pid = self._processes.root.pid
            self._processes = None
            self.note(f"the server's process {pid} has ended: its memory is no longer sampled")
            return {}
        cpu = {} if sample.cpu is None else {"server_cpu": sample.cpu}
        return {"server_memory": sample.memory, **cpu}

    def _found_processes(self, url: str, pid: int | None) -> ServerProcesses | None:
        try:
            return ServerProcesses(listening_process(url) if pid is None else pid)
        except NotFoundError as reason:
            self.note(f"the server's processes are not sampled: {reason}")
        except psutil.NoSuchProcess:
            self.note(f"the server's processes are not sampled: process {pid} has ended")
        except psutil.AccessDenied:
            self.note("the server's processes are not sampled: they are another user's")
        return None

    def _found_gpus(self) -> Gpus | None:
        try:
            return Gpus(self._processes.visible_devices() if self._processes else None)
        except GpusUnavailableError as reason:
            self.note(str(reason))
            return None


def next_slot_ns(start_ns: int, period_ns: int, now_ns: int) -> int:
    """The first moment after `now_ns` that is a whole number of periods after `start_ns`."""
    return start_ns + ((now_ns - start_ns) // period_ns + 1) * period_ns
