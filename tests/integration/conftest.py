"""A simulated server for the tests of a process to load, fast and small."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from loadproof.model.server import Server, Simulator
from loadproof.servers.launch import RunningServer, launched

QUICK = Simulator(
    base_us=8000.0,  # slow enough that what a busy test machine adds between requests is little
    per_sequence_us=20.0,
    per_prefill_token_us=5.0,
    max_batch=64,
    answer_tokens=20,
    thinking_tokens=5,
)


@pytest.fixture(scope="session")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A simulated server on a port of its own, for all tests of this process."""
    server = Server(name="quick", engine="simulator", url="http://127.0.0.1", simulator=QUICK)
    log = tmp_path_factory.mktemp("simulator") / "server.log"
    with launched(server, log) as running:
        yield running


@pytest.fixture
def scenario_file(tmp_path: Path) -> Path:
    """Mixed traffic at 1 and 4 users, 12 measured requests each."""
    path = tmp_path / "scenario.toml"
    path.write_text(
        """
name = "small"
seed = 3
[[traffic]]
task = "chat"
think_time = "0s"
[[traffic]]
task = "medical_qa"
[[traffic]]
task = "boxed_math"
[[traffic]]
task = "commonsense"
[[steps]]
users = [1, 4]
warmup = "300ms"
requests = 12
duration = "30s"
[[objectives]]
require = "goodput(ttft <= 30s) >= 40%"
[[objectives]]
require = "rate(failed) <= 30%"
""",
        encoding="utf-8",
    )
    return path


def _misbehaving(faults: dict[str, float]) -> Server:
    return Server(
        name="misbehaving",
        engine="simulator",
        url="http://127.0.0.1",
        simulator=QUICK.model_copy(update={"faults": faults}),
    )


@pytest.fixture
def stalling_simulator(tmp_path: Path) -> Iterator[RunningServer]:
    """A simulated server that never sends a token."""
    with launched(_misbehaving({"stall": 1.0}), tmp_path / "server.log") as running:
        yield running


@pytest.fixture
def failing_simulator(tmp_path: Path) -> Iterator[RunningServer]:
    """A simulated server that fails half of its requests in several ways."""
    faults = {"reset": 0.2, "malformed": 0.2, "error_event": 0.2}
    with launched(_misbehaving(faults), tmp_path / "server.log") as running:
        yield running
