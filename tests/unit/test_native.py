"""The compiled part: built from these very sources, and left aside where it is not."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from loadproof.streaming import native

LOADED = "from loadproof.streaming.native import library; print(library() is not None)"


def is_loaded(package: Path, **environment: str) -> bool:
    run = subprocess.run(
        [sys.executable, "-c", LOADED],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": str(package), **environment},
    )
    return run.stdout.strip() == "True"


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package, to change."""
    if native.library() is None:
        pytest.skip("the compiled part is not there")
    shutil.copytree(native.HERE.parents[1], tmp_path / "loadproof")
    return tmp_path


def test_it_is_loaded_unless_chosen_away(package: Path) -> None:
    assert is_loaded(package)
    assert not is_loaded(package, LOADPROOF_NATIVE="0")


def test_a_library_of_other_sources_is_left_aside(package: Path) -> None:
    source = next((package / "loadproof/streaming/native").glob("*.c"))
    source.write_text(source.read_text() + "/* changed */\n")
    assert not is_loaded(package)


def test_without_the_library_everything_is_left_to_python(package: Path) -> None:
    (package / "loadproof/streaming/native/native.so").unlink()
    assert not is_loaded(package)


def test_the_digest_is_that_of_all_sources_in_order() -> None:
    sources = sorted(native.HERE.glob("*.c"))
    whole = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    assert len(sources) == 2
    assert native.digest_of(reversed(sources)) == whole
