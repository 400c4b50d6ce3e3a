"""What of the measured path is compiled: C without Python's own headers, loaded by ctypes.

It is there on Linux where the package was built with a C compiler at hand. Everything works without
it, by Python: at a higher cost, and reading late when the event loop is late.
"""

import ctypes
import hashlib
import os
import sys
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

CHOICE = "LOADPROOF_NATIVE"
"""The environment variable that chooses it away: `0`."""

HERE = Path(__file__).parent
LIBRARY = HERE / "native.so"


def digest_of(sources: Iterable[Path]) -> str:
    """By which a library tells of which sources it was made."""
    digest = hashlib.sha256()
    for source in sorted(sources):
        digest.update(source.read_bytes())
    return digest.hexdigest()


@lru_cache(maxsize=1)
def library() -> ctypes.CDLL | None:
    """The compiled part, if it is there, was made of these sources, and is not chosen away."""
    if sys.platform != "linux" or os.environ.get(CHOICE) == "0":
        return None
    try:
        found = ctypes.CDLL(str(LIBRARY), use_errno=True)
    except OSError:
        return None
    found.native_sources.restype = ctypes.c_char_p
    if found.native_sources() != digest_of(HERE.glob("*.c")).encode():
        return None
    return found
