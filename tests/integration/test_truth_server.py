"""The benchmarks' server with the known truth does what it is told, and says so truly."""

import json
import re
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from benchmarks.certificate import self_signed

ROOT = Path(__file__).parents[2]
ASKING = {"model": "truth", "messages": [{"role": "user", "content": "When?"}], "stream": True}
MS = 1_000_000

Start = Callable[..., tuple[subprocess.Popen[str], int]]


@dataclass(frozen=True, slots=True)
class Streamed:
    """A whole response as a blocking socket saw it."""

    start_ns: int
    first_token_ns: int
    events: list[dict[str, Any]]
    raw_events: list[bytes]

    @property
    def tokens(self) -> list[dict[str, Any]]:
        return [
            event
            for event in self.events
            if event["choices"] and event["choices"][0]["delta"].get("content")
        ]

    @property
    def text(self) -> str:
        return "".join(event["choices"][0]["delta"]["content"] for event in self.tokens)

    @property
    def sent_ns(self) -> list[int]:
        return [event["sent_ns"] for event in self.tokens]


@pytest.fixture
def start() -> Iterator[Start]:
    servers: list[subprocess.Popen[str]] = []

    def starting(*options: str) -> tuple[subprocess.Popen[str], int]:
        server = subprocess.Popen(
            # Not pinned: tests beside this one need the cores as well.
            [*(sys.executable, "-m", "benchmarks.truth_server"), *("--core", "-1"), *options],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        servers.append(server)
        assert server.stdout is not None
        return server, int(server.stdout.readline().removeprefix("port "))

    yield starting
    for server in servers:
        server.kill()
        server.wait()
        assert server.stdout is not None
        server.stdout.close()


def stream(connection: socket.socket, **more: Any) -> Streamed:
    """Asks once and reads to the end of the last chunk."""
    body = json.dumps({**ASKING, **more}).encode()
    start_ns = time.monotonic_ns()
    connection.sendall(
        b"POST /v1/chat/completions HTTP/1.1\r\nHost: truth\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
    data = b""
    first_token_ns = 0
    while not data.endswith(b"\r\n0\r\n\r\n"):
        received = connection.recv(65536)
        assert received, data
        data += received
        if not first_token_ns and b'"sent_ns"' in data:
            first_token_ns = time.monotonic_ns()
    head, _, rest = data.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 ")
    raw = list(chunks(rest))
    assert raw.pop() == b"data: [DONE]\n\n"
    assert all(event.startswith(b"data: ") and event.endswith(b"\n\n") for event in raw)
    return Streamed(start_ns, first_token_ns, [json.loads(event[6:]) for event in raw], raw)


def chunks(data: bytes) -> Iterator[bytes]:
    while True:
        size, _, data = data.partition(b"\r\n")
        if int(size, 16) == 0:
            return
        yield data[: int(size, 16)]
        data = data[int(size, 16) + 2 :]


def test_tokens_come_as_many_and_as_far_apart_as_asked(start: Start) -> None:
    _, port = start("--ttft-ms", "50", "--gap-ms", "5", "--tokens", "20")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        seen = stream(connection)
    first = seen.tokens[0]
    assert len(seen.tokens) == 20
    assert seen.start_ns < first["read_ns"]
    assert first["sent_ns"] - first["read_ns"] >= 50 * MS
    assert seen.first_token_ns - seen.start_ns >= 50 * MS
    assert seen.first_token_ns >= first["sent_ns"]
    # Each token is due a fixed time after the request was read, however late one before it was.
    for number, sent_ns in enumerate(seen.sent_ns):
        assert sent_ns >= first["read_ns"] + (50 + 5 * number) * MS
    assert all(earlier < later for earlier, later in pairwise(seen.sent_ns))


def test_the_text_of_an_answer_is_its_stamps(start: Start) -> None:
    _, port = start("--ttft-ms", "2", "--gap-ms", "1", "--tokens", "5")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        seen = stream(connection)
    read, first, *others = (int(stamp) for stamp in re.split("[ :]", seen.text))
    assert read == seen.tokens[0]["read_ns"]
    assert [first, *others] == seen.sent_ns


def test_events_are_like_those_of_vllm(start: Start) -> None:
    _, port = start("--ttft-ms", "1", "--gap-ms", "1", "--tokens", "3")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        without_usage = stream(connection)
        final = stream(connection, stream_options={"include_usage": True})
        continuous = stream(
            connection, stream_options={"include_usage": True, "continuous_usage_stats": True}
        )
    assert without_usage.events[0]["choices"][0]["delta"] == {"role": "assistant", "content": ""}
    reasons = [event["choices"][0]["finish_reason"] for event in without_usage.events]
    assert reasons == [None, None, None, "length"]
    assert not any("usage" in event for event in without_usage.events)
    assert final.events[-1]["choices"] == []
    assert final.events[-1]["usage"]["completion_tokens"] == 3
    assert not any("usage" in event for event in final.events[:-1])
    counts = [event["usage"]["completion_tokens"] for event in continuous.events]
    assert counts == [0, 1, 2, 3, 3]


def test_synchronised_streams_send_at_the_same_instants(start: Start) -> None:
    _, port = start("--ttft-ms", "30", "--gap-ms", "25", "--tokens", "4", "--synchronised")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        seen = stream(connection)
    first = seen.tokens[0]
    due_ns = -(-(first["read_ns"] + 30 * MS) // (25 * MS)) * 25 * MS
    for number, sent_ns in enumerate(seen.sent_ns):
        assert sent_ns >= due_ns + 25 * number * MS


def test_events_are_padded_as_asked_without_a_change_of_text(start: Start) -> None:
    _, port = start("--ttft-ms", "1", "--gap-ms", "1", "--tokens", "3", "--bytes", "5000")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        seen = stream(connection)
    assert all(len(event) > 5000 for event in seen.raw_events[1:])
    assert len(seen.text.split()) == 3


def test_at_its_end_it_accounts_for_what_it_sent_and_how_late(start: Start) -> None:
    server, port = start("--ttft-ms", "1", "--gap-ms", "1", "--tokens", "10")
    with socket.create_connection(("127.0.0.1", port)) as connection:
        stream(connection)
        stream(connection)
    server.terminate()
    output, _ = server.communicate()
    account = json.loads(output)
    assert server.returncode == 0
    assert (account["requests"], account["tokens"], account["cut_streams"]) == (2, 20, 0)
    late = account["lateness_us"]
    assert 0 <= late["p50"] <= late["p90"] <= late["p99"] <= late["max"]
    # What it has sent is its own truth: no token before it was due.
    assert account["ttft_us"]["p50"] >= 1000
    assert account["itl_us"]["max"] >= account["mean_itl_us"]["p50"] >= 0
    assert sum(account["tokens_by_tenth_s"]) == 20
    assert len(account["tokens_by_tenth_s"]) == (
        (account["end_ns"] - account["begin_ns"]) // (100 * MS) + 1
    )


def test_with_a_certificate_it_says_the_same_over_tls(start: Start, tmp_path: Path) -> None:
    certificate = self_signed(tmp_path)
    options = ("--ttft-ms", "20", "--gap-ms", "2", "--tokens", "5", "--bytes", "20000")
    _, port = start("--certificate", str(certificate), *options)
    trusting = ssl.create_default_context(cafile=str(certificate))
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        trusting.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        for _ in range(2):
            seen = stream(connection)
            assert len(seen.sent_ns) == 5
            assert seen.sent_ns[0] - seen.start_ns >= 20 * MS
            assert len(seen.text.split()) == 5


@pytest.mark.parametrize(
    ("request_line", "body", "status", "contains"),
    [
        ("GET /health", b"", 200, ""),
        ("GET /v1/models", b"", 200, '"id":"truth"'),
        ("GET /elsewhere", b"", 404, "NotFoundError"),
        ("POST /v1/chat/completions", b'{"stream": false}', 400, "stream=true"),
    ],
)
def test_what_is_no_stream_is_answered_at_once(
    start: Start, request_line: str, body: bytes, status: int, contains: str
) -> None:
    _, port = start()
    head = f"{request_line} HTTP/1.1\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode() + body)
        data = b"".join(iter(lambda: connection.recv(65536), b""))
    assert data.startswith(b"HTTP/1.1 %d " % status)
    assert contains.encode() in data


def test_a_client_that_leaves_in_mid_stream_is_counted_and_harms_no_other(start: Start) -> None:
    server, port = start("--ttft-ms", "1", "--gap-ms", "20", "--tokens", "10")
    with socket.create_connection(("127.0.0.1", port)) as leaving:
        body = json.dumps(ASKING).encode()
        leaving.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nContent-Length: %d\r\n\r\n%s"
            % (len(body), body)
        )
        assert leaving.recv(1)
    with socket.create_connection(("127.0.0.1", port)) as staying:
        assert len(stream(staying).tokens) == 10
    server.terminate()
    output, _ = server.communicate()
    assert json.loads(output)["cut_streams"] == 1


def test_the_harness_finds_the_truth_with_a_bare_reader(tmp_path: Path) -> None:
    found = tmp_path / "found.json"
    subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "--paths", "bare", "--streams", "3"),
            *("--rounds", "2", "--seconds", "0.5", "--json", str(found)),
            *("--ttft-ms", "30", "--gap-ms", "5", "--tokens", "8"),
        ],
        cwd=ROOT,
        check=True,
        stdout=subprocess.DEVNULL,
    )
    (cell,) = json.loads(found.read_bytes())["cells"]
    assert (cell["path"], cell["streams"], len(cell["rounds"])) == ("bare", 3, 2)
    median = cell["median"]
    assert median["failed"] == 0
    assert median["events_per_s"] > 0
    # A request cannot be answered sooner than asked, nor an event seen before it was sent.
    assert median["ttft_p50_ms"] >= 30
    assert median["first_error_p50_ms"] > 0
    assert median["ttft_p99_excess_ms"] > 0


def test_our_user_over_tls_and_in_two_processes_says_how_its_generator_fared(
    tmp_path: Path,
) -> None:
    found = tmp_path / "found.json"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "--paths", "user2,tls", "--streams", "4"),
            *("--rounds", "1", "--seconds", "0.5", "--json", str(found)),
            *("--ttft-ms", "30", "--gap-ms", "5", "--tokens", "8"),
        ],
        cwd=ROOT,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    cells = {cell["path"]: cell for cell in json.loads(found.read_bytes())["cells"]}
    assert set(cells) == {"user2", "tls"}
    for cell in cells.values():
        (one,) = cell["rounds"]
        assert one["figures"]["requests"] > 0
        assert one["figures"]["failed"] == 0
        assert one["figures"]["first_error_p50_ms"] > 0
        assert one["said"].startswith("the run says: its loop was ")
