"""Scripts for the scripted server: lists of steps, put together from what servers do."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from loadproof.model.scenario import Timeouts
from loadproof.streaming.connection import Connection, Target
from loadproof.streaming.reply import Reply

Step = list[str | float]
PATH = "/v1/chat/completions"
QUICK = Timeouts.model_construct(connect=20.0, first_token=20.0, between_tokens=20.0, whole=40.0)

HEAD: Step = [
    "send",
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
]
TO_THE_CLOSE: Step = ["send", "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"]
END: Step = ["send", "0\r\n\r\n"]
CLOSE: Step = ["close"]
RESET: Step = ["reset"]
HANG: Step = ["hang"]


def delta(content: str, **more: object) -> str:
    choice = {"index": 0, "delta": {"content": content, **more}, "finish_reason": None}
    return f"data: {json.dumps({'choices': [choice]})}\n\n"


def token(content: str) -> Step:
    return ["chunk", delta(content)]


def pause(seconds: float) -> Step:
    return ["pause", seconds]


ROLE: Step = ["chunk", delta("", role="assistant")]
FINISH: Step = [
    "chunk",
    'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n',
]
DONE: Step = ["chunk", "data: [DONE]\n\n"]


def answer(*contents: str) -> list[Step]:
    """A whole answer, one event a content."""
    return [HEAD, ROLE, *map(token, contents), FINISH, DONE, END]


def ask(connection: Connection, steps: list[Step]) -> Reply:
    """POST the script to the server that follows it."""
    return connection.post(PATH, json.dumps(steps).encode())


@contextmanager
def scripted_server(*certificates: Path) -> Iterator[list[int]]:
    """The server in a process of its own: its port, and that of a TLS twin per certificate."""
    script = Path(__file__).with_name("scripted_server.py")
    command = [sys.executable, str(script), *map(str, certificates)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as it:
        assert it.stdout is not None
        assert it.stdin is not None
        try:
            yield [int(it.stdout.readline()) for _ in range(1 + len(certificates))]
        finally:
            it.stdin.close()
            it.wait(30)


def connect(port: int, timeouts: Timeouts = QUICK, **headers: str) -> Connection:
    return Connection(Target(f"http://127.0.0.1:{port}", headers), timeouts)
