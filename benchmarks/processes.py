"""Other processes as Linux shows them: who they are, and what they have used."""

import time
from pathlib import Path


def descendants(pid: int) -> list[int]:
    """The ids of the process's children, of theirs, and so on. Raises OSError if it is gone."""
    children = [
        int(child)
        for thread in Path(f"/proc/{pid}/task").iterdir()
        for child in (thread / "children").read_text().split()
    ]
    return children + [further for child in children for further in descendants(child)]


def program(pid: int) -> str:
    """The module of `python -m`, else the name of what runs."""
    words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    return words[words.index("-m") + 1] if "-m" in words[:-1] else Path(words[0]).name


def cpu_ns(pid: int) -> int:
    """CPU time that a process has used so far. Raises OSError if it is gone.

    Linux's clock of another process's CPU time, as clock_getcpuclockid(3) makes it: exact to the
    nanosecond, where /proc/PID/stat counts in hundredths of a second.
    """
    return time.clock_gettime_ns((~pid << 3) | 2)
