"""The C programs of the benchmarks, compiled by the system's compiler when first used."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SOURCES = Path(__file__).resolve().parent / "native"
CACHE = ROOT / ".cache" / "bench"
FLAGS = ("-O2", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra")


class CompilationError(Exception):
    """The programs cannot be made here; the message says what is missing."""


def compiled(name: str, *, tls: bool = False) -> Path:
    """The path of the program made from native/`name`.c, compiled unless that was done already.

    What was compiled is kept under a digest of all sources, so an edit makes a new program.
    With `tls` it is linked with OpenSSL. Raises CompilationError where the system has no epoll, no
    compiler, or the compiler fails.
    """
    if sys.platform != "linux":
        raise CompilationError(
            f"benchmarks need Linux (epoll, timerfd), and this is {sys.platform}"
        )
    program = CACHE / f"{name}{'-tls' if tls else ''}-{_digest()}"
    if program.exists():
        return program
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise CompilationError(
            "benchmarks need a C compiler, and there is no cc: install gcc or clang, or set CC"
        )
    CACHE.mkdir(parents=True, exist_ok=True)
    # Under a name of its own first: another process may be compiling the same program.
    with tempfile.TemporaryDirectory(dir=CACHE) as directory:
        fresh = Path(directory) / name
        done = subprocess.run(
            [
                *(compiler, *FLAGS, *(["-DWITH_TLS"] if tls else [])),
                *("-o", str(fresh), str(SOURCES / f"{name}.c")),
                *(["-lssl", "-lcrypto"] if tls else []),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            needs = " (it needs OpenSSL's headers: libssl-dev, openssl-devel)" if tls else ""
            raise CompilationError(
                f"{compiler} could not compile {name}.c{needs}:\n{done.stderr.strip()}"
            )
        fresh.replace(program)
    return program


def _digest() -> str:
    digest = hashlib.sha256(" ".join(FLAGS).encode())
    for source in sorted(SOURCES.iterdir()):
        digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()[:12]
