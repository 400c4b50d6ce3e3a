"""A file that only grows, by whole lines, from any number of processes."""

import os
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

from loadproof.model.errors import RunUnwritableError

_FLAGS = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC


class AppendFile:
    """Appends lines to the file at `path`, making it where it lacks.

    What `append` has returned from has been handed to the operating system: it outlives this
    process, however that ends. Lines of several processes do not mix, since each append is one
    write at the end of the file.

    Every method that touches the file raises RunUnwritableError, with its path and the reason.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._descriptor = os.open(path, _FLAGS, 0o666)
        except OSError as error:
            raise self._unwritable(error) from None

    def append(self, lines: Iterable[bytes]) -> None:
        """Appends `lines`, each without its newline, in one write.

        Where the system takes only part of it, the rest follows. Where it then takes no more
        (the disk is full), the lines that fitted stay, the last of them may be torn, and
        whichever append comes next starts on a line of its own: it never adds to a torn one.
        """
        data = b"\n".join(lines)
        if not data:
            return
        try:
            start = b"" if self._ends_whole() else b"\n"
            self._write(b"%b%b\n" % (start, data))
        except OSError as error:
            raise self._unwritable(error) from None

    def is_empty(self) -> bool:
        """Whether nothing has been appended yet, by this process or another."""
        try:
            return os.fstat(self._descriptor).st_size == 0
        except OSError as error:
            raise self._unwritable(error) from None

    def close(self) -> None:
        """Ends the use of the file; a second call does nothing."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def _ends_whole(self) -> bool:
        """Read from the file each time: the torn line may be another process's."""
        size = os.fstat(self._descriptor).st_size
        return size == 0 or os.pread(self._descriptor, 1, size - 1) in (b"\n", b"")

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[os.write(self._descriptor, view) :]

    def _unwritable(self, error: OSError) -> RunUnwritableError:
        return RunUnwritableError(f"{self.path}: cannot be written: {error.strerror}")
