"""CPU seconds as cores in use."""

from collections import deque

WINDOW_NS = 1_000_000_000


class CpuRate:
    """Cores in use over the last second, from a counter of CPU seconds.

    The kernel counts CPU time in ticks of 10 ms: between two samples 100 ms apart that would be
    steps of a tenth of a core.
    """

    def __init__(self) -> None:
        self._samples: deque[tuple[int, float]] = deque()

    def cores(self, t_ns: int, cpu_s: float) -> float | None:
        """Takes the counter's value at a moment; None at the first one."""
        samples = self._samples
        samples.append((t_ns, cpu_s))
        while len(samples) > 2 and samples[1][0] <= t_ns - WINDOW_NS:
            samples.popleft()
        first_ns, first_cpu_s = samples[0]
        if first_ns == t_ns:
            return None
        return max(0.0, round((cpu_s - first_cpu_s) / ((t_ns - first_ns) / 1e9), 3))
