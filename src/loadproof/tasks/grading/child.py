"""The grading process itself: reads answers, grades them, reports.

It ends when its standard input does. An answer that takes too long ends it too: the kernel's
interval timer kills it (SIGALRM, which nothing catches), also where a library holds the
interpreter, and even if the measuring process is gone. Whoever started it sees its end and starts
another. It is niced, so that the measuring process goes first on a full machine.
"""

import os
import select
import signal
import sys
from collections import deque
from threading import Thread

import msgspec

from loadproof.model.traffic import Traffic
from loadproof.tasks.catalog import load_task
from loadproof.tasks.grading.bookmark import Bookmark
from loadproof.tasks.grading.frames import FrameBuffer, Report, Submission, frame
from loadproof.tasks.own import OwnGraderError
from loadproof.tasks.task import Task
from loadproof.tasks.thinking import never_left
from loadproof.tasks.traffic import task_of

SLOW_TASK = "boxed_math"
"""The one task whose grader takes a second to load; its answers wait for that, others do not."""

_NICENESS = 5
_GRADED_AT_A_TIME = 16
_EXPLAINED = 10
_PIECE_BYTES = 1 << 16
_MEMORY_BYTES = 4 << 30
_RAISED = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    LookupError,
    MemoryError,
    NameError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What parsers of mathematics raise on odd input. Anything else is a fault of ours and ends the
process with a traceback; the answer counts as not graded all the same."""


def main() -> None:
    """Runs the process. Arguments: the bookmark's descriptor, seconds that one answer may take,
    traffic tables as JSON."""
    bookmark, limit_s, *tasks = sys.argv[1:]
    reports = _claim_stdout()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    os.nice(_NICENESS)
    _limit_memory()
    entries = [Traffic.model_validate_json(task) for task in tasks]
    _Grading(0, reports, Bookmark(int(bookmark)), float(limit_s), ready_for=entries).run()


def _claim_stdout() -> int:
    """Standard output for reports alone: what a library prints goes to standard error."""
    reports = os.dup(1)
    os.dup2(2, 1)
    return reports


def _limit_memory() -> None:
    """Lets a number that grows without bound raise MemoryError before the machine suffers."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    if sys.platform == "linux":  # macOS has the name and refuses the limit
        soft = _MEMORY_BYTES if hard == resource.RLIM_INFINITY else min(_MEMORY_BYTES, hard)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


class _Grading:
    """The loop: one answer at a time, those of the slow task once its libraries are loaded."""

    def __init__(
        self,
        submissions: int,
        reports: int,
        bookmark: Bookmark,
        limit_s: float,
        ready_for: list[Traffic],
    ) -> None:
        self.submissions = submissions
        self.reports = reports
        self.bookmark = bookmark
        self.limit_s = limit_s
        self.buffer = FrameBuffer()
        self.outbox = bytearray()
        self.decoder = msgspec.msgpack.Decoder(Submission)
        self.ready: deque[Submission] = deque()
        self.waiting: deque[Submission] = deque()
        self.loading: Thread | None = None
        self.loaded = False
        self.wakeup, self.wake = os.pipe()
        self.poll = select.poll()
        self.poll.register(self.submissions, select.POLLIN)
        self.poll.register(self.wakeup, select.POLLIN)
        self.tasks = {entry.task: task_of(entry) for entry in ready_for}
        self.explained = 0
        if SLOW_TASK in self.tasks:
            self.load()

    def run(self) -> None:
        while self.receive():
            while self.ready:
                for _ in range(min(len(self.ready), _GRADED_AT_A_TIME)):
                    self.grade(self.ready.popleft())
                self.send()
                if not self.receive(wait=False):
                    return

    def receive(self, *, wait: bool = True) -> bool:
        """Takes in what has come, waiting for something if told to. False at the end of input."""
        for descriptor, _ in self.poll.poll(None if wait and not self.ready else 0):
            if descriptor == self.wakeup:
                os.read(self.wakeup, 1)
                self.loaded = True
                self.ready.extend(self.waiting)
                self.waiting.clear()
                continue
            data = os.read(self.submissions, _PIECE_BYTES)
            if not data:
                return False
            for body in self.buffer.feed(data):
                self.sort_in(self.decoder.decode(body))
        return True

    def sort_in(self, submission: Submission) -> None:
        if submission.task != SLOW_TASK or self.loaded:
            self.ready.append(submission)
            return
        self.waiting.append(submission)
        self.load()

    def load(self) -> None:
        """Begins to load the slow task's libraries beside the loop."""
        if self.loading is None:
            self.loading = Thread(target=self.prepare, daemon=True)
            self.loading.start()

    def prepare(self) -> None:
        from loadproof.tasks.equivalence import prepare

        try:
            prepare()
        finally:
            os.write(self.wake, b"x")  # where it failed, each answer shows it by failing too

    def grade(self, submission: Submission) -> None:
        """Grades one answer. What ends this process meanwhile, ends it at the bookmark; answers
        before that one whose report is not out yet are graded again by the next process."""
        self.bookmark.key = submission.key
        signal.setitimer(signal.ITIMER_REAL, self.limit_s)
        try:
            grades = self.task(submission.task).grade(submission.prompt_id, submission.answer)
        except OwnGraderError as error:
            grades = {"grade_failed": 1.0}
            self.explain(error)
        except _RAISED:
            grades = {"grade_failed": 1.0}
        if never_left(submission.answer):
            grades["unfinished_thinking"] = 1.0
        self.outbox += frame(Report(submission.key, grades))

    def task(self, name: str) -> Task:
        """The task called `name`; a shipped one that nobody announced is loaded now."""
        if name not in self.tasks:
            self.tasks[name] = load_task(name)
        return self.tasks[name]

    def explain(self, error: OwnGraderError) -> None:
        """Says the first few times what is wrong with a grader, for whoever wrote it."""
        self.explained += 1
        if self.explained <= _EXPLAINED:
            print(error, file=sys.stderr, flush=True)  # noqa: T201 - into the generator's log

    def send(self) -> None:
        """Reports what is not reported yet."""
        signal.setitimer(signal.ITIMER_REAL, 0)
        self.bookmark.key = None
        while self.outbox:
            del self.outbox[: os.write(self.reports, self.outbox)]
