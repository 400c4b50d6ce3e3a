"""The kit: what a project of one's own begins with, to be read, edited and copied."""

import shutil
from pathlib import Path

from loadproof.model.errors import ConfigurationError

FOLDERS = ("locustfiles", "servers", "scenarios", "tasks", "analysis", "ci", "schemas")


def kit_folder() -> Path:
    """Where the kit lies: within the installed package, or at the root of a checkout."""
    package = Path(__file__).resolve().parents[1]
    installed = package / "kit"
    return installed if installed.is_dir() else package.parents[1]


def lay_kit(target: Path) -> list[Path]:
    """Copies the kit into `target` and returns the copies, in the order of their names.

    Raises ConfigurationError, before anything is copied, where one of the files is there already
    or `target` cannot be written to.
    """
    kit = kit_folder()
    sources = sorted(
        path
        for folder in FOLDERS
        for path in (kit / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )
    copies = [target / source.relative_to(kit) for source in sources]
    there = [copy for copy in copies if copy.exists()]
    if there:
        raise ConfigurationError(
            f"{there[0]}: is there already, and nothing was copied; expected a folder without it"
        )
    try:
        for source, copy in zip(sources, copies, strict=True):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, copy)
    except OSError as error:
        raise ConfigurationError(f"{target}: cannot be written to: {error.strerror}") from None
    return copies
