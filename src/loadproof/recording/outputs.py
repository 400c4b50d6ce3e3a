"""Files of a run directory that are written whole: all of the new text or all of the old."""

import os
from pathlib import Path

from loadproof.model.errors import RunUnwritableError


def write_output(run: Path, name: str, text: str) -> Path:
    """Writes `text` in UTF-8 to the file `name` of the run directory, and returns its path.

    A reader sees the file as it was before or as it is after, never a part of it.
    Raises RunUnwritableError.
    """
    path = run / name
    unfinished = run / f".{name}.{os.getpid()}"
    try:
        with unfinished.open("w", encoding="utf-8", errors="replace", newline="\n") as file:
            file.write(text)
        unfinished.replace(path)
    except OSError as error:
        unfinished.unlink(missing_ok=True)
        raise RunUnwritableError(f"{path}: cannot be written: {error.strerror}") from None
    return path
