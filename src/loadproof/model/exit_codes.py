"""Every exit code of loadproof, in one place.

Locust keeps its own: 1 for failed requests where nothing was to be judged, 2 for bad options.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What the process ends with, by verdict or by what went wrong."""

    HOLDS = 0
    BROKEN = 10
    INCONCLUSIVE = 11
    INVALID = 12
    BAD_CONFIGURATION = 20
    SERVER_FAILED = 21
    INTERRUPTED = 130
