"""The sidecar's NVML calls, against a library with NVML's interface and without a GPU."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

MIB = 2**20
COMPILER = shutil.which("gcc") or shutil.which("cc")
pytestmark = pytest.mark.skipif(COMPILER is None, reason="needs a C compiler")


@dataclass
class Machine:
    """A machine with the stand-in library, and a run directory."""

    run: Path
    library: Path
    state: Path

    def set(self, *, init: int = 0, memory: int = 0, used_mib: tuple[int, int] = (0, 0)) -> None:
        new = self.state.with_suffix(".new")
        new.write_text(f"{init} {memory} {used_mib[0]} {used_mib[1]}\n")
        new.replace(self.state)

    def samples(self) -> list[dict[str, Any]]:
        return _lines(self.run / "telemetry.jsonl")

    def gpu_notes(self) -> list[str]:
        events = _lines(self.run / "events.jsonl")
        return [event["message"] for event in events if "GPU" in event["message"]]

    @contextmanager
    def watched(self, *words: str) -> Iterator[None]:
        command = [sys.executable, "-m", "loadproof.telemetry", str(self.run), "http://127.0.0.1:1"]
        with subprocess.Popen(
            [*command, *words],
            stdin=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "LD_LIBRARY_PATH": str(self.library),
                "NVML_STATE": str(self.state),
            },
        ) as child:
            try:
                yield
            finally:
                child.communicate(timeout=60)
            assert child.returncode == 0


@contextmanager
def served(visible_devices: str) -> Iterator[str]:
    """The id of a process that was started with this CUDA_VISIBLE_DEVICES."""
    with subprocess.Popen(
        [sys.executable, "-c", "import sys; sys.stdin.read()"],
        stdin=subprocess.PIPE,
        env={**os.environ, "CUDA_VISIBLE_DEVICES": visible_devices},
    ) as server:
        try:
            yield str(server.pid)
        finally:
            server.communicate(timeout=60)


def _lines(path: Path) -> list[dict[str, Any]]:
    text = path.read_text() if path.exists() else ""
    return [json.loads(line) for line in text[: text.rfind("\n") + 1].splitlines()]


def eventually(condition: Callable[[], object]) -> None:
    """Waits for a state of another process that nothing announces."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return _machine(tmp_path)


def _machine(place: Path, *flags: str) -> Machine:
    assert COMPILER is not None
    machine = Machine(place / "run", place / "library", place / "state")
    machine.run.mkdir()
    machine.library.mkdir()
    subprocess.run(
        [
            *(COMPILER, "-shared", "-fPIC", "-Wl,-soname,libnvidia-ml.so.1", *flags),
            *("-o", str(machine.library / "libnvidia-ml.so.1")),
            str(Path(__file__).with_name("nvml_stand_in.c")),
        ],
        check=True,
    )
    return machine


def test_memory_is_sampled_by_gpu_and_summed(machine: Machine) -> None:
    machine.set(used_mib=(9216, 14336))
    with machine.watched():
        eventually(machine.samples)
        machine.set(used_mib=(9216, 14400))
        eventually(lambda: machine.samples()[-1]["gpu_memory"] == (9216 + 14400) * MIB)
    first = machine.samples()[0]
    assert first["gpu_memory"] == (9216 + 14336) * MIB
    assert first["gpus"] == [
        {
            "index": 0,
            "name": "Stand-in 0",
            "used": 9216 * MIB,
            "total": 24576 * MIB,
            "utilization": 0.73,
        },
        {
            "index": 1,
            "name": "Stand-in 1",
            "used": 14336 * MIB,
            "total": 24576 * MIB,
            "utilization": None,
        },
    ]
    assert machine.gpu_notes() == []


def test_a_driver_that_knows_only_the_first_call_is_asked_by_it(tmp_path: Path) -> None:
    machine = _machine(tmp_path, "-DWITHOUT_V2")
    machine.set(used_mib=(1000, 2000))
    with machine.watched():
        eventually(machine.samples)
    assert machine.samples()[0]["gpu_memory"] == (1000 + 2000 + 2 * 300) * MIB
    assert machine.gpu_notes() == []


def test_gpus_hidden_from_the_server_are_left_out(machine: Machine) -> None:
    machine.set(used_mib=(9216, 14336))
    with served("1") as pid, machine.watched("--pid", pid):
        eventually(machine.samples)
    assert machine.samples()[0]["gpu_memory"] == 14336 * MIB
    assert [gpu["index"] for gpu in machine.samples()[0]["gpus"]] == [1]


@pytest.mark.parametrize(
    ("code", "reason"),
    [(4, "NVML refuses it to this user"), (15, "NVML says: GPU is lost")],
)
def test_an_error_on_the_way_is_one_note_and_the_samples_go_on(
    machine: Machine, code: int, reason: str
) -> None:
    machine.set(used_mib=(100, 200))
    with machine.watched():
        eventually(lambda: len(machine.samples()) > 2)
        machine.set(memory=code, used_mib=(100, 200))
        eventually(lambda: "gpu_memory" not in machine.samples()[-1])
        without = len(machine.samples())
        eventually(lambda: len(machine.samples()) > without + 3)
    assert machine.gpu_notes() == [f"GPU memory is not sampled: {reason}"]
    assert machine.samples()[0]["gpu_memory"] == 300 * MIB


def test_a_library_without_a_driver_is_one_note(machine: Machine) -> None:
    machine.set(init=9)
    with machine.watched():
        eventually(lambda: len(machine.samples()) > 2)
    assert machine.gpu_notes() == ["GPU memory is not sampled: the NVIDIA driver is not loaded"]
    assert "gpu_memory" not in machine.samples()[-1]


def test_no_gpu_to_see_is_one_note(machine: Machine) -> None:
    machine.set()
    with served("") as pid, machine.watched("--pid", pid):
        eventually(machine.samples)
    assert machine.gpu_notes() == [
        "GPU memory is not sampled: no GPU to see; CUDA_VISIBLE_DEVICES is ''"
    ]


def test_no_library_is_one_note(tmp_path: Path) -> None:
    machine = Machine(tmp_path, tmp_path, tmp_path / "state")
    (tmp_path / "libnvidia-ml.so.1").write_text("no library at all")
    with machine.watched():
        eventually(machine.samples)
    assert machine.gpu_notes() == [
        "GPU memory is not sampled: this machine has no NVML (libnvidia-ml.so.1)"
    ]
