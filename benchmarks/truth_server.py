"""The server with the known truth, as a child process; `python -m benchmarks.truth_server` runs it
in the foreground with the options of native/options.h (`--port 0` prints the port it got)."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.compiled import CompilationError, compiled


@dataclass(frozen=True, slots=True)
class Truth:
    """What the server is told to do."""

    ttft_ms: float = 50.0
    gap_ms: float = 20.0
    tokens: int = 64
    padding_bytes: int = 0
    synchronised: bool = False

    @property
    def period_ms(self) -> float:
        """How long one request takes."""
        return self.ttft_ms + (self.tokens - 1) * self.gap_ms

    def asked_per_s(self, streams: int) -> float:
        """Events a second of `streams` streams in a closed loop without any pause."""
        return streams * self.tokens / (self.period_ms / 1000)

    def options(self) -> list[str]:
        """As command-line options of the server."""
        return [
            *("--ttft-ms", str(self.ttft_ms), "--gap-ms", str(self.gap_ms)),
            *("--tokens", str(self.tokens), "--bytes", str(self.padding_bytes)),
            *(["--synchronised"] if self.synchronised else []),
        ]


@dataclass(slots=True)
class TruthServer:
    """A running one. `account` is what it says of itself at its end, empty before."""

    port: int
    account: dict[str, object] = field(default_factory=dict)

    @property
    def url(self) -> str:
        """Without /v1."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def late_p99_ms(self) -> float:
        """Its own lateness at P99: token sent minus token due. After its end alone."""
        lateness = self.account["lateness_us"]
        assert isinstance(lateness, dict)
        return float(lateness["p99"]) / 1000


@contextmanager
def running(truth: Truth, core: int) -> Iterator[TruthServer]:
    """Starts the server pinned to `core` (-1: not pinned) and ends it. Raises CompilationError."""
    command = [str(compiled("truth_server")), "--port", "0", "--core", str(core), *truth.options()]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        server = TruthServer(int(process.stdout.readline().split()[1]))
        yield server
    finally:
        process.terminate()
        account = process.stdout.read()
        process.wait()
        process.stdout.close()
    server.account = json.loads(account)


def main() -> None:
    """Becomes the server: same process, so that a signal reaches it."""
    try:
        program = str(compiled("truth_server"))
    except CompilationError as error:
        sys.exit(str(error))
    os.execv(program, [program, *sys.argv[1:]])


if __name__ == "__main__":
    main()
