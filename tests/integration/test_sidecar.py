"""The sidecar's process, beside real servers and real process trees."""

import http.server
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from loadproof.model.server import Key
from loadproof.telemetry.listener import NotFoundError, is_here, listening_process
from loadproof.telemetry.sampling import Sampler
from loadproof.telemetry.sidecar import Sidecar

ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
SECRET = "sk-never-to-be-seen"


class MetricsServer(http.server.ThreadingHTTPServer):
    """Serves `page` at /metrics, to those who bring `key` where it is set; `held` keeps every
    answer back until it is released."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.page: bytes | None = b"vllm:num_requests_running 3\nvllm:generation_tokens_total 10\n"
        self.key: str | None = None
        self.asked = threading.Semaphore(0)
        self.released = threading.Event()
        self.released.set()
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: MetricsServer

    def do_GET(self) -> None:
        self.server.asked.release()
        self.server.released.wait(60)
        allowed = self.server.key in (None, self.headers.get("Authorization"))
        page = self.server.page if self.path == "/metrics" and allowed else None
        self.send_response(200 if page is not None else 404)
        self.send_header("Content-Length", str(len(page or b"")))
        self.end_headers()
        with suppress(BrokenPipeError, ConnectionResetError):
            self.wfile.write(page or b"")

    def log_message(self, *_words: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[MetricsServer]:
    with MetricsServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.released.set()
        server.shutdown()
        thread.join()


@contextmanager
def sidecar(run: Path, url: str, pid: int | None = None, key: Key | None = None) -> Iterator[None]:
    watching = Sidecar(run, url, pid, key)
    watching.start()
    try:
        yield
    finally:
        watching.stop()


def lines(path: Path) -> list[dict[str, Any]]:
    """The complete lines so far."""
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def samples(run: Path) -> list[dict[str, Any]]:
    return lines(run / "telemetry.jsonl")


def notes(run: Path) -> list[str]:
    events = lines(run / "events.jsonl")
    assert {event["kind"] for event in events} <= {"telemetry_note"}
    return [event["message"] for event in events]


def eventually(condition: Callable[[], object]) -> None:
    """Waits for a state of another process that nothing announces."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def test_a_run_is_sampled_until_the_sidecar_is_stopped(
    tmp_path: Path, server: MetricsServer
) -> None:
    with sidecar(tmp_path, server.url):
        eventually(lambda: any("metrics" in line for line in samples(tmp_path)[2:]))
    taken = samples(tmp_path)
    assert [line["t_ns"] for line in taken] == sorted({line["t_ns"] for line in taken})
    assert all(line["server_memory"] > 2**20 for line in taken)
    assert all(line["host_memory"] > line["server_memory"] / 2 for line in taken)
    assert all({"server_cpu", "host_cpu"} <= set(line) for line in taken[1:])
    first = next(line for line in taken if "metrics" in line)
    assert first["metrics"] == {"running": 3, "generation_tokens": 10}
    assert first["metrics_t_ns"] <= first["t_ns"]


def test_a_last_scrape_sees_what_the_server_counted_until_the_end(
    tmp_path: Path, server: MetricsServer
) -> None:
    with sidecar(tmp_path, server.url):
        eventually(lambda: any("metrics" in line for line in samples(tmp_path)))
        server.page = b"vllm:generation_tokens_total 4655\n"
    assert samples(tmp_path)[-1]["metrics"] == {"generation_tokens": 4655}


def test_a_second_stop_does_nothing_and_a_second_start_is_refused(
    tmp_path: Path, server: MetricsServer
) -> None:
    watching = Sidecar(tmp_path, server.url, None)
    watching.stop()
    watching.start()
    with pytest.raises(RuntimeError, match="runs already"):
        watching.start()
    watching.stop()
    watching.stop()


def test_it_says_nothing_on_the_terminal(tmp_path: Path, server: MetricsServer) -> None:
    server.page = None
    with subprocess.Popen(
        [sys.executable, "-m", "loadproof.telemetry", str(tmp_path), server.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=ENVIRONMENT,
    ) as child:
        eventually(lambda: len(samples(tmp_path)) > 3)
        output, _ = child.communicate(timeout=60)
    assert output == b""
    assert child.returncode == 0


def test_a_run_directory_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "loadproof.telemetry", str(tmp_path / "gone"), "http://127.0.0.1:1"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stderr == (
        f"{tmp_path}/gone/telemetry.jsonl: cannot be written: No such file or directory\n"
    )


STARTS_A_SIDECAR = """
import sys
from pathlib import Path
from loadproof.telemetry.sidecar import Sidecar
sidecar = Sidecar(Path(sys.argv[1]), sys.argv[2], None)
sidecar.start()
print(sidecar._child.pid, flush=True)
sys.stdin.read()
"""


def test_it_ends_when_the_process_that_started_it_is_killed(
    tmp_path: Path, server: MetricsServer
) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", STARTS_A_SIDECAR, str(tmp_path), server.url],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=ENVIRONMENT,
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        eventually(lambda: samples(tmp_path))
        parent.kill()
    eventually(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)


UNDER_GEVENT = """
from gevent import monkey
monkey.patch_all()
import sys, time
from pathlib import Path
import gevent
from loadproof.telemetry.sidecar import Sidecar
run = Path(sys.argv[1])
ticks = []
ticker = gevent.spawn(lambda: [ticks.append(gevent.sleep(0.001)) for _ in iter(int, 1)])
sidecar = Sidecar(run, sys.argv[2], None)
sidecar.start()
while not (run / "telemetry.jsonl").exists() or not (run / "telemetry.jsonl").stat().st_size:
    gevent.sleep(0.01)
before = len(ticks)
sidecar.stop()
assert len(ticks) > before, "stopping stopped the others too"
print("stopped", sidecar._child)
"""


def test_it_is_started_and_stopped_within_gevent(tmp_path: Path, server: MetricsServer) -> None:
    done = subprocess.run(
        [sys.executable, "-c", UNDER_GEVENT, str(tmp_path), server.url],
        capture_output=True,
        text=True,
        check=False,
        env=ENVIRONMENT,
        timeout=60,
    )
    assert (done.stdout, done.stderr) == ("stopped None\n", "")


@pytest.mark.parametrize(
    ("page", "reason"),
    [
        (None, "answers 404 Not Found"),
        (b"<html>Welcome</html>", "names no metric of vLLM, llama.cpp or TGI"),
        (b"vllm:num_requests_running soon\n", "is not in Prometheus' text format"),
    ],
)
def test_a_server_without_metrics_is_one_note_and_the_run_goes_on(
    tmp_path: Path, server: MetricsServer, page: bytes | None, reason: str
) -> None:
    server.page = page
    with sidecar(tmp_path, server.url):
        eventually(lambda: len(samples(tmp_path)) > 12)
    about_metrics = [note for note in notes(tmp_path) if "/metrics" in note]
    assert len(about_metrics) == 1
    assert f"server metrics are not sampled: {server.url}/metrics {reason}" in about_metrics[0]
    assert not any("metrics" in line for line in samples(tmp_path))


def test_metrics_that_hang_never_hold_up_the_samples(tmp_path: Path, server: MetricsServer) -> None:
    server.released.clear()
    with sidecar(tmp_path, server.url):
        assert server.asked.acquire(timeout=60)
        before = len(samples(tmp_path))
        eventually(lambda: len(samples(tmp_path)) > before + 5)
        assert not any("metrics" in line for line in samples(tmp_path))


@pytest.mark.parametrize("source", ["env", "file"])
def test_the_key_opens_metrics_and_is_found_nowhere(
    tmp_path: Path, server: MetricsServer, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.key = f"Bearer {SECRET}"
    monkeypatch.setenv("SERVED_MODEL_KEY", SECRET)
    (tmp_path / "key").write_text(f"{SECRET}\n")
    key = Key(env="SERVED_MODEL_KEY") if source == "env" else Key(file=str(tmp_path / "key"))
    run = tmp_path / "run"
    run.mkdir()
    with sidecar(run, server.url, key=key):
        eventually(lambda: any("metrics" in line for line in samples(run)))
        commands = [process.cmdline() for process in psutil.Process().children()]
        assert any("loadproof.telemetry" in command for command in commands)
        assert SECRET not in str(commands)
    for path in run.iterdir():
        assert SECRET not in path.read_text()


@pytest.mark.parametrize(
    ("key", "reason"),
    [
        (Key(env="NO_SUCH_VARIABLE"), "the environment variable NO_SUCH_VARIABLE is not set"),
        (Key(file="/no/such/file"), "/no/such/file cannot be read: No such file or directory"),
        (Key(file="/dev/null"), "/dev/null is empty"),
    ],
)
def test_a_key_that_is_missing_is_one_note_and_metrics_are_asked_without(
    tmp_path: Path, server: MetricsServer, key: Key, reason: str
) -> None:
    with sidecar(tmp_path, server.url, key=key):
        eventually(lambda: any("metrics" in line for line in samples(tmp_path)))
    found = [note for note in notes(tmp_path) if "key" in note]
    assert found == [f"server metrics are asked for without a key: {reason}"]


@contextmanager
def process_tree(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that runs the statements of `words`, one for each line it is sent."""
    program = "import subprocess, sys\n" + "\n".join(
        f"{word}\nsys.stdin.readline()" for word in words
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE) as tree:
        try:
            yield tree
        finally:
            with suppress(ProcessLookupError):
                tree.kill()


def step(tree: subprocess.Popen[bytes]) -> None:
    assert tree.stdin is not None
    tree.stdin.write(b"\n")
    tree.stdin.flush()


def test_children_that_come_and_go_are_part_of_the_server(
    tmp_path: Path, server: MetricsServer
) -> None:
    bulk = 64 * 2**20
    child = f"bulk = bytearray(b'x' * {bulk}); import sys; sys.stdin.read()"
    begin = f"child = subprocess.Popen([sys.executable, '-c', {child!r}], stdin=subprocess.PIPE)"
    with (
        process_tree("", begin, "child.kill(); child.wait()", "") as tree,
        sidecar(tmp_path, server.url, pid=tree.pid),
    ):
        eventually(lambda: samples(tmp_path))
        step(tree)
        eventually(lambda: samples(tmp_path)[-1]["server_memory"] > bulk)
        step(tree)
        eventually(lambda: samples(tmp_path)[-1]["server_memory"] < bulk)
    assert samples(tmp_path)[0]["server_memory"] < bulk


def test_a_server_that_ends_is_one_note_and_the_run_goes_on(
    tmp_path: Path, server: MetricsServer
) -> None:
    with process_tree("") as tree, sidecar(tmp_path, server.url, pid=tree.pid):
        eventually(lambda: samples(tmp_path))
        tree.kill()
        tree.wait()
        eventually(lambda: "server_memory" not in samples(tmp_path)[-1])
        ended = len(samples(tmp_path))
        eventually(lambda: len(samples(tmp_path)) > ended + 3)
    assert sum(f"process {tree.pid} has ended" in note for note in notes(tmp_path)) == 1


def test_a_process_that_is_gone_already_is_one_note(tmp_path: Path) -> None:
    with process_tree("") as tree:
        tree.kill()
    Sampler(tmp_path, "http://127.0.0.1:9", tree.pid).sample()
    assert sum(f"process {tree.pid} has ended" in note for note in notes(tmp_path)) == 1
    assert "server_memory" not in samples(tmp_path)[0]


def test_the_process_that_listens_is_found_by_its_port(server: MetricsServer) -> None:
    assert listening_process(server.url) == os.getpid()
    with pytest.raises(NotFoundError, match=r"no process .* listens on port 1$"):
        listening_process("http://127.0.0.1:1")


def test_of_processes_that_share_a_socket_the_eldest_is_found() -> None:
    program = (
        "import os, socket, sys\n"
        "s = socket.create_server(('127.0.0.1', 0))\n"
        "if os.fork(): print(os.getpid(), s.getsockname()[1], flush=True)\n"
        "sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pid, port = parent.stdout.readline().split()
        assert listening_process(f"http://127.0.0.1:{port}") == int(pid)


@pytest.mark.parametrize(
    ("url", "here"),
    [
        ("http://127.0.0.1:8000", True),
        ("http://127.9.9.9", True),
        ("http://localhost:8000", True),
        ("http://[::1]:8000", True),
        ("http://0.0.0.0:8000", True),
        ("https://192.0.2.7", False),
    ],
)
def test_this_machine_is_known_by_its_addresses(url: str, here: bool) -> None:
    assert is_here(url) == here


def test_a_server_elsewhere_is_one_note_and_no_gpu_or_process_of_this_machine(
    tmp_path: Path,
) -> None:
    sampler = Sampler(tmp_path, "http://192.0.2.7:8000", None)
    sampler.sample()
    assert len(notes(tmp_path)) == 1
    assert "is on another machine: its GPUs and processes are not sampled" in notes(tmp_path)[0]
    assert set(samples(tmp_path)[0]) == {"t_ns", "host_memory"}
