"""Where the tools are installed: each in an environment of its own, never in ours.

`python -m benchmarks.peers` makes them in `.cache/peers`, or in the folder that the environment
variable LOADPROOF_PEERS names. vLLM's is the one of the engine tests (tests/engine/prepare.py).
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.compiled import ROOT
from benchmarks.peers.peer import VLLM, Peer

LOCKS = Path(__file__).resolve().parent
ENGINE = ROOT / "tests" / "engine"


class NotInstalledError(Exception):
    """A tool that is not there, in one line."""


def folder() -> Path:
    """Where the environments are."""
    return Path(os.environ.get("LOADPROOF_PEERS") or ROOT / ".cache" / "peers")


def python_of(peer: Peer) -> Path:
    """The Python that a tool is installed for. Raises NotInstalledError."""
    if peer is VLLM:
        cache = Path(os.environ.get("LOADPROOF_ENGINE_CACHE") or ROOT / ".cache" / "engine")
        for ready in sorted(cache.glob("vllm-*/ready")):
            return ready.with_name("venv") / "bin" / "python"
        raise NotInstalledError(f"{peer.name} is not installed ({cache}): make peers installs it")
    if not (folder() / peer.name / "ready").exists():
        place = folder() / peer.name
        raise NotInstalledError(f"{peer.name} is not installed ({place}): make peers installs it")
    return folder() / peer.name / "bin" / "python"


def install(peer: Peer) -> None:
    """Makes the tool's environment anew, from the registry that pip knows, with pinned versions.

    Raises NotInstalledError with what pip said last.
    """
    if peer is VLLM:
        _run([sys.executable, str(ENGINE / "prepare.py")], peer)
        return
    place = folder() / peer.name
    shutil.rmtree(place, ignore_errors=True)
    _run([sys.executable, "-m", "venv", "--without-pip", str(place)], peer)
    _run(
        [
            *(sys.executable, "-m", "pip", "--python", str(place / "bin" / "python")),
            *("install", "--quiet", "--disable-pip-version-check", "--no-compile"),
            *("--constraint", str(LOCKS / f"{peer.name}.lock")),
            f"{peer.distribution}=={peer.version}",
        ],
        peer,
    )
    (place / "ready").touch()


def tokenizer_by(python: Path) -> Path:
    """A small tokenizer's folder, made by the first tool that needs one: nothing is downloaded.

    Raises NotInstalledError where that Python has not what it takes.
    """
    place = folder() / "tokenizer"
    if not (place / "tokenizer_config.json").exists():
        command = [str(python), str(ENGINE / "tiny_model.py"), str(place)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotInstalledError(f"no tokenizer was made: {done.stderr.strip()[-500:]}")
    return place


def _run(command: list[str], peer: Peer) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip())[-800:]
        raise NotInstalledError(f"{peer.name} {peer.version} cannot be installed here: {said}")
