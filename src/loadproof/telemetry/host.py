"""Memory and CPU of this machine."""

from dataclasses import dataclass

import psutil

from loadproof.telemetry.cpu_rate import CpuRate


@dataclass(frozen=True, slots=True)
class HostSample:
    """`memory` is bytes in use: all but what could be had without swapping. `cpu` is cores in
    use over the last second, None at first."""

    memory: int
    cpu: float | None


class Host:
    """This machine, sample by sample."""

    def __init__(self) -> None:
        self._rate = CpuRate()

    def sample(self, t_ns: int) -> HostSample:
        """The machine at the monotonic time `t_ns`, which is now."""
        memory = psutil.virtual_memory()
        times = psutil.cpu_times()
        idle_s = times.idle + getattr(times, "iowait", 0.0)
        # Linux counts the time of virtual machines twice: as theirs and as user time.
        twice_s = getattr(times, "guest", 0.0) + getattr(times, "guest_nice", 0.0)
        busy_s = sum(times) - idle_s - twice_s
        return HostSample(memory.total - memory.available, self._rate.cores(t_ns, busy_s))
