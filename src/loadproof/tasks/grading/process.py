"""The measuring process's end of grading: hands answers over, collects grades, never waits."""

import fcntl
import os
import select
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

import loadproof
from loadproof.model.answer import Answer
from loadproof.model.traffic import Traffic
from loadproof.tasks.grading.bookmark import Bookmark
from loadproof.tasks.grading.frames import FrameBuffer, Report, Submission, frame

GRADE_FAILED = {"grade_failed": 1.0}
"""The grades of an answer whose grader raised, hung, died, or was not waited for."""

_PIECE_BYTES = 1 << 16
_HELD_BYTES = 1 << 17
"""As much is let wait for the next call that asks for grades."""
_PIPE_BYTES = 1 << 20
"""What a pipe should hold: the answers of a second. Linux grants it to anybody."""
_STILLBIRTHS = 3

Graded = tuple[int, dict[str, float]]


class GraderProcess:
    """A child process that grades, and the answers that it has still to grade.

    Every key that was submitted comes back exactly once, from `results` or `drain`. A grader that
    raises gives GRADE_FAILED; one that takes longer than `limit_s`, or takes the process down,
    gives the same, and the process is replaced. `tasks`, names or traffic tables, are got ready for
    at once instead of at their first answer; a task with files of its own has to be among them.
    Nothing here blocks or switches greenlets, but `drain` while it waits, so it may be used with
    gevent's patches and without. Make it after any fork, in the process that uses it. The child
    ends by itself when this process does, however that ends.
    """

    def __init__(self, tasks: Sequence[str | Traffic] = (), limit_s: float = 5.0) -> None:
        self._arguments = (str(limit_s), *(_argument(task) for task in tasks))
        self._pending: dict[int, bytes] = {}
        self._graded: list[Graded] = []
        self._held_bytes = 0
        self._stillbirths = 0
        self._closed = False
        self._child: _Child | None = _Child(self._arguments)

    @property
    def pid(self) -> int | None:
        """The child's process id, for the machine's bookkeeping; None where none is running."""
        return None if self._child is None else self._child.pid

    @property
    def pending(self) -> int:
        """How many answers have been submitted and not yet been graded."""
        return len(self._pending)

    def submit(self, key: int, task: str, prompt_id: str, answer: Answer) -> None:
        """Takes an answer; `key` is the caller's and must not be pending already.

        It is handed over by the next call of `results` or `drain`, or once many wait: a child that
        is woken for each of them takes the core from the measuring process in its busiest moment,
        between one request and the next. Never blocks: what the pipe does not take waits in memory.
        """
        message = frame(Submission(key, task, prompt_id, answer))
        self._pending[key] = message
        if self._child is not None:
            self._child.outbox += message
            self._held_bytes += len(message)
            if self._held_bytes >= _HELD_BYTES:
                self._held_bytes = 0
                self._child.flush()

    def results(self) -> list[Graded]:
        """The grades that have come since the last call. Never blocks."""
        self._exchange()
        graded, self._graded = self._graded, []
        return graded

    def drain(self, timeout_s: float) -> list[Graded]:
        """Waits until everything is graded, for `timeout_s` seconds at most.

        What is not graded by then is given up as GRADE_FAILED.
        """
        deadline = time.monotonic() + timeout_s
        graded = self.results()
        while self._pending and (left_s := deadline - time.monotonic()) > 0:
            if self._child is not None:
                self._child.wait(left_s)
            graded += self.results()
        if self._pending:
            graded += [(key, dict(GRADE_FAILED)) for key in self._pending]
            self._pending.clear()
            self._end_child()
            self._child = None if self._closed else _Child(self._arguments)
        return graded

    def close(self) -> None:
        """Ends the child. What is still pending is forgotten. May be called twice."""
        self._closed = True
        self._pending.clear()
        self._end_child()

    def _exchange(self) -> None:
        """Sends what waits, takes in what came, replaces a child that has died."""
        child = self._child
        if child is None:
            return
        self._held_bytes = 0
        child.flush()
        for report in child.receive():
            self._stillbirths = 0
            if self._pending.pop(report.key, None) is not None:
                self._graded.append((report.key, report.grades))
        if child.ended:
            self._replace(child)

    def _replace(self, child: "_Child") -> None:
        """Starts another child with what is left; the answer that the last one died of failed."""
        died_of = child.bookmark.key
        if died_of is None:
            self._stillbirths += 1
        elif self._pending.pop(died_of, None) is not None:
            self._graded.append((died_of, dict(GRADE_FAILED)))
        self._end_child()
        if self._stillbirths >= _STILLBIRTHS:
            self._graded += [(key, dict(GRADE_FAILED)) for key in self._pending]
            self._pending.clear()
            self._stillbirths = 0
        self._child = _Child(self._arguments)
        self._child.outbox += b"".join(self._pending.values())
        self._child.flush()

    def _end_child(self) -> None:
        if self._child is not None:
            self._child.end()
            self._child = None


class _Child:
    """One child process, the two pipes to it, both non-blocking on this side, and the bookmark
    that tells which answer it is at."""

    def __init__(self, arguments: Sequence[str]) -> None:
        with tempfile.TemporaryFile() as shared:
            self.bookmark = Bookmark(shared.fileno())
            os.set_inheritable(shared.fileno(), True)  # noqa: FBT003 - its signature
            self._start([str(shared.fileno()), *arguments])

    def _start(self, arguments: Sequence[str]) -> None:
        child_in, self._to = os.pipe()
        self._from, child_out = os.pipe()
        try:
            # posix_spawn, as it neither copies a large process's page tables nor lets gevent in
            self.pid = os.posix_spawn(
                sys.executable,
                [sys.executable, "-P", "-m", __package__, *arguments],
                _environment(),
                file_actions=[
                    (os.POSIX_SPAWN_DUP2, child_in, 0),
                    (os.POSIX_SPAWN_DUP2, child_out, 1),
                ],
                setpgroup=0,
                setsigmask=(),
            )
        finally:
            os.close(child_in)
            os.close(child_out)
        for pipe in (self._to, self._from):
            _enlarge(pipe)
        os.set_blocking(self._to, False)
        os.set_blocking(self._from, False)
        self._buffer = FrameBuffer()
        self._decoder = msgspec.msgpack.Decoder(Report)
        self.outbox = bytearray()
        self.ended = False

    def flush(self) -> None:
        """Writes what the pipe takes of what waits."""
        while self.outbox and not self.ended:
            try:
                written = os.write(self._to, bytes(self.outbox[:_PIECE_BYTES]))
            except BlockingIOError:
                return
            except BrokenPipeError:
                return  # it has died; `receive` finds that out, after its last words
            del self.outbox[:written]

    def receive(self) -> list[Report]:
        """What it has reported since the last call."""
        reports: list[Report] = []
        while not self.ended:
            try:
                data = os.read(self._from, _PIECE_BYTES)
            except BlockingIOError:
                break
            self.ended = not data
            reports += [self._decoder.decode(body) for body in self._buffer.feed(data)]
        return reports

    def wait(self, timeout_s: float) -> None:
        """Returns when there is something to read, or room for what waits, or the time is over."""
        poll = select.poll()
        poll.register(self._from, select.POLLIN)
        if self.outbox:
            poll.register(self._to, select.POLLOUT)
        poll.poll(timeout_s * 1000)

    def end(self) -> None:
        """Kills it if it runs and closes the pipes."""
        self.bookmark.close()
        os.close(self._to)
        os.close(self._from)
        try:
            finished, _ = os.waitpid(self.pid, os.WNOHANG)
            if not finished:
                os.kill(self.pid, signal.SIGKILL)
                os.waitpid(self.pid, 0)
        except ChildProcessError:
            pass  # gevent's loop reaps children, and got to it first


def _argument(task: str | Traffic) -> str:
    """A traffic table as the child is told of it."""
    entry = Traffic(task=task) if isinstance(task, str) else task
    return entry.model_dump_json(exclude_none=True)


def _enlarge(pipe: int) -> None:
    """Asks for a larger pipe; where there is none to be had, more of what is sent waits."""
    if sys.platform == "linux":
        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _environment() -> dict[str, str]:
    """This process's environment, with this very package first where modules are looked for."""
    root = str(Path(loadproof.__file__).resolve().parent.parent)
    paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
