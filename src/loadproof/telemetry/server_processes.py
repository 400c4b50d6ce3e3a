"""Memory and CPU of the server under test: a process and all that it started."""

from dataclasses import dataclass

import psutil

from loadproof.telemetry.cpu_rate import CpuRate


@dataclass(frozen=True, slots=True)
class ServerSample:
    """`memory` is the sum of the processes' resident bytes, so that pages they share count once
    a process; `cpu` is cores in use over the last second, None at first."""

    memory: int
    cpu: float | None


class ServerProcesses:
    """The process tree under a process, which may grow and shrink.

    The sum of proportional set sizes would count shared pages once, but takes the kernel a walk
    through all page tables, tens of ms for a large model: too slow at ten a second.
    """

    def __init__(self, pid: int) -> None:
        """Raises psutil.NoSuchProcess, and psutil.AccessDenied where this user may not see it."""
        self.root = psutil.Process(pid)
        self.root.memory_info()
        self._cpu_s: dict[psutil.Process, float] = {}
        self._known = [self.root]
        self._consumed_s = 0.0
        self._rate = CpuRate()
        self.refresh()

    def refresh(self) -> None:
        """Looks for children that came since. Costs a walk through all processes: once a second.

        Where the root has ended, those it left behind stay known until they end too.
        """
        try:
            if not self.root.is_running():
                return
            self._known = [self.root, *self.root.children(recursive=True)]
        except psutil.NoSuchProcess:
            return

    def sample(self, t_ns: int) -> ServerSample | None:
        """The tree at the monotonic time `t_ns`, which is now; None where nothing of it runs.

        Children that run as somebody else, and that this user may not see, are left out.
        """
        memory = 0
        cpu_s: dict[psutil.Process, float] = {}
        for process in self._known:
            try:
                resident = process.memory_info().rss
                times = process.cpu_times()
            except (psutil.NoSuchProcess, psutil.AccessDenied):
                continue
            if not resident:
                # A zombie: it has ended, and waits to be asked how.
                continue
            memory += resident
            cpu_s[process] = times.user + times.system
        self._known = list(cpu_s)
        # A process that is new brings what it has consumed before: that is not of this interval.
        self._consumed_s += sum(
            now_s - self._cpu_s[process]
            for process, now_s in cpu_s.items()
            if process in self._cpu_s
        )
        self._cpu_s = cpu_s
        if not memory:
            return None
        return ServerSample(memory, self._rate.cores(t_ns, self._consumed_s))

    def visible_devices(self) -> str | None:
        """The CUDA_VISIBLE_DEVICES that the root was started with; None where it is not set or
        not readable."""
        try:
            return self.root.environ().get("CUDA_VISIBLE_DEVICES")
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            return None
