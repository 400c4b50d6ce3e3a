"""What a locustfile imports: the users, and with them loadproof's options, records and verdict.

from loadproof.plugin import StreamingUser

class ChatUser(StreamingUser):
    asks = {"chat": 1}
"""

import subprocess
import sys
from pathlib import Path

from loadproof.load.session import install
from loadproof.load.users import StreamingUser
from loadproof.model.exit_codes import ExitCode
from loadproof.recording.reader import read_header

__all__ = ["StreamingUser"]


def judge(run: Path) -> int | None:
    """Judges a run in a process of its own, which shows what it found.

    Returns the verdict's exit code; None where there was nothing to judge and requests were
    completed, so that Locust's own exit code stands.
    """
    code = subprocess.run(
        [sys.executable, "-m", "loadproof", "gate", str(run)], check=False
    ).returncode
    asked = bool(read_header(run)["scenario"]["objectives"])
    return code if asked or code != ExitCode.HOLDS else None


install(judge)
