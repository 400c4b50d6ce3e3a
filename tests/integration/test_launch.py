"""Starting servers, waiting for them, and leaving nothing behind."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest

import loadproof
from integration.simulated_server import chat_body, post, simulated
from loadproof.model.errors import ServerFailedError
from loadproof.model.server import Server
from loadproof.servers.launch import launched
from loadproof.servers.process_tree import end_tree

HEALTHY = """
import http.server, subprocess, sys

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path == sys.argv[2] else 404)
        self.end_headers()

    def log_message(self, *arguments):
        pass

children = [subprocess.Popen([sys.executable, "-c", child]) for child in sys.argv[3:]]
print("children", *[child.pid for child in children], flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""
SLEEP = "import time; time.sleep(600)"
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "print('up', flush=True); time.sleep(600)"
)
ORPHAN = f"import subprocess, sys; subprocess.Popen([sys.executable, '-c', {SLEEP!r}])"


@pytest.fixture
def free_port() -> int:
    """A port that was free a moment ago."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


def server_of(command: list[str], port: int, **start: Any) -> Server:
    return Server.model_validate(
        {
            "name": "child",
            "url": f"http://127.0.0.1:{port}",
            "start": {"command": command, **start},
        }
    )


def healthy(port: int, *children: str, path: str = "/health", **start: Any) -> Server:
    return server_of([sys.executable, "-c", HEALTHY, str(port), path, *children], port, **start)


def members(pid: int) -> list[psutil.Process]:
    """The processes of the session that `pid` leads."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == pid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            continue
    return found


@contextmanager
def fails(part: str) -> Iterator[None]:
    with pytest.raises(ServerFailedError) as caught:
        yield
    assert part in str(caught.value)


def test_a_simulator_answers_within_and_is_gone_after(tmp_path: Path) -> None:
    with launched(simulated(), tmp_path / "log") as server:
        assert server.pid is not None
        assert server.alive()
        assert post(server, chat_body())[0] == 200
        pid = server.pid
    assert not server.alive()
    assert members(pid) == []
    assert "simulating tiny at" in (tmp_path / "log").read_text()


def test_a_simulator_takes_the_port_of_its_url(tmp_path: Path, free_port: int) -> None:
    url = f"http://127.0.0.1:{free_port}"
    server_file = simulated().model_copy(update={"url": url})
    with launched(server_file, tmp_path / "log") as server:
        assert server.url == url
        with fails(f"port {free_port} is taken by process {server.pid}"):  # noqa: SIM117
            with launched(server_file, tmp_path / "second.log"):
                pass
        assert server.alive()


def test_a_command_is_waited_for_and_ended_with_all_that_it_started(
    tmp_path: Path, free_port: int
) -> None:
    server_file = healthy(free_port, SLEEP, ORPHAN)
    with launched(server_file, tmp_path / "log") as server:
        assert server.pid is not None
        assert len(members(server.pid)) >= 3
    assert members(server.pid) == []


def test_a_process_that_ignores_sigterm_is_killed() -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", STUBBORN], stdout=subprocess.PIPE, start_new_session=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    end_tree(process, within_s=0.2)
    process.stdout.close()
    assert process.returncode is not None
    assert members(process.pid) == []


def test_another_process_is_left_alone(tmp_path: Path, free_port: int) -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEP]) as bystander:
        with launched(healthy(free_port), tmp_path / "log"):
            pass
        assert bystander.poll() is None
        bystander.kill()


def test_the_tree_ends_when_the_body_raises(tmp_path: Path, free_port: int) -> None:
    pid = None
    with pytest.raises(KeyboardInterrupt):  # noqa: SIM117, PT012
        with launched(healthy(free_port, SLEEP), tmp_path / "log") as server:
            pid = server.pid
            raise KeyboardInterrupt
    assert pid is not None
    assert members(pid) == []


STUBBORN_AND_TELLING = """
import os, signal, time
signal.signal(signal.SIGTERM, lambda *_: os.write(2, b"asked to end\\n"))
print("up", flush=True)
while True:
    time.sleep(600)
"""
INTERRUPTED_TWICE = f"""
import subprocess, sys
from loadproof.servers.process_tree import end_tree

child = subprocess.Popen([sys.executable, "-c", {STUBBORN_AND_TELLING!r}],
                         stdout=subprocess.PIPE, stderr=1, start_new_session=True)
child.stdout.readline()
print(child.pid, flush=True)
try:
    end_tree(child, within_s=600)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""


def test_a_second_interrupt_while_ending_leaves_no_child() -> None:
    root = str(Path(loadproof.__file__).parents[1])
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED_TWICE],
        env={**os.environ, "PYTHONPATH": root},
        stdout=subprocess.PIPE,
    ) as ending:
        assert ending.stdout is not None
        child = int(ending.stdout.readline())
        assert ending.stdout.readline() == b"asked to end\n"
        ending.send_signal(signal.SIGINT)
        assert ending.stdout.readline() == b"interrupted\n"
        assert ending.wait(30) == 0
    assert members(child) == []


def test_an_early_death_shows_the_end_of_the_log(tmp_path: Path, free_port: int) -> None:
    program = "import sys; [print('line', k) for k in range(40)]; sys.exit('out of memory')"
    log = tmp_path / "log"
    with pytest.raises(ServerFailedError) as caught:  # noqa: SIM117
        with launched(server_of([sys.executable, "-c", program], free_port), log):
            pass
    lines = str(caught.value).splitlines()
    assert lines[0].startswith("child: ended with exit code 1 before it was ready; its log is")
    assert len(lines) == 1 + 15
    assert "  | line 39" in lines
    assert any("out of memory" in line for line in lines)
    assert "line 0" in log.read_text()


def test_a_death_by_signal_is_named(tmp_path: Path, free_port: int) -> None:
    program = "import os; os.kill(os.getpid(), 9)"
    with fails("was ended by signal 9 before it was ready"):  # noqa: SIM117
        with launched(server_of([sys.executable, "-c", program], free_port), tmp_path / "log"):
            pass


def test_a_server_that_is_not_ready_in_time_is_ended(tmp_path: Path, free_port: int) -> None:
    server_file = server_of([sys.executable, "-c", SLEEP], free_port, ready_within="300ms")
    before = set(psutil.Process().children())
    with fails("not ready within 0.3 s"):  # noqa: SIM117
        with launched(server_file, tmp_path / "log"):
            pass
    assert set(psutil.Process().children()) <= before


def test_a_taken_port_is_refused_before_anything_starts(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with fails(f"child: url: port {port} is taken by process {os.getpid()}"):  # noqa: SIM117
            with launched(healthy(port), tmp_path / "log"):
                pass
    assert not (tmp_path / "log").exists()


def test_a_command_that_does_not_exist_is_named(tmp_path: Path, free_port: int) -> None:
    with fails("start.command: 'no-such-program' cannot be started: No such file"):  # noqa: SIM117
        with launched(server_of(["no-such-program"], free_port), tmp_path / "log"):
            pass


def test_a_server_without_health_is_ready_when_it_lists_its_models(
    tmp_path: Path, free_port: int
) -> None:
    with launched(healthy(free_port, path="/v1/models"), tmp_path / "log") as server:
        assert server.alive()


def test_variables_of_the_start_table_reach_the_command(tmp_path: Path, free_port: int) -> None:
    program = "import os, sys; sys.exit(os.environ['GREETING'] + os.environ['PATH'][:0])"
    server_file = server_of(
        [sys.executable, "-c", program], free_port, env={"GREETING": "hello there"}
    )
    with fails("hello there"):  # noqa: SIM117
        with launched(server_file, tmp_path / "log"):
            pass


def test_a_server_that_runs_already_is_checked_and_left_alone(tmp_path: Path) -> None:
    with launched(simulated(), tmp_path / "log") as running:
        other = Server(name="other", url=running.url)
        with launched(other, tmp_path / "other.log") as found:
            assert (found.url, found.pid) == (running.url, None)
            assert found.alive()
        assert running.alive()
    with fails("other: nothing answers at"):  # noqa: SIM117
        with launched(other, tmp_path / "other.log"):
            pass
