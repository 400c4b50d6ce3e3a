"""Compiles what is C into the wheel, where a compiler is at hand; without one it is left out.

See src/loadproof/streaming/native for what it is and what happens without it.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

NATIVE = Path("src/loadproof/streaming/native")
LIBRARY = NATIVE / "native.so"
FLAGS = ("-O2", "-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-fPIC", "-shared", "-pthread")


class NativeHook(BuildHookInterface[Any]):
    """Hatchling calls this for wheels and editable installations."""

    PLUGIN_NAME = "custom"

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Compiles and adds the library; a wheel that holds one is for this platform alone."""
        root = Path(self.root)
        sources = sorted((root / NATIVE).glob("*.c"))
        compiler = shutil.which(os.environ.get("CC", "cc"))
        if sys.platform != "linux" or compiler is None:
            self.app.display_warning("no C compiler on Linux: Python does all of the measuring")
            return
        digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
        command = [compiler, *FLAGS, f'-DSOURCES_DIGEST="{digest}"', "-o", str(root / LIBRARY)]
        done = subprocess.run(
            [*command, *map(str, sources)], capture_output=True, text=True, check=False
        )
        if done.returncode:
            self.app.display_warning(f"{compiler} could not compile {NATIVE}:\n{done.stderr}")
            return
        build_data["artifacts"].append(str(LIBRARY))
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        build_data["tag"] = f"py3-none-{platform}"
        build_data["pure_python"] = False
