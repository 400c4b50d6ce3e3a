"""The server with the known truth, as a child process; `python -m benchmarks.truth_server` runs it
in the foreground with the options of native/options.h (`--port 0` prints the port it got)."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from benchmarks.compiled import CompilationError, compiled


@dataclass(frozen=True, slots=True)
class Truth:
    """What the server is told to do."""

    ttft_ms: float = 50.0
    gap_ms: float = 20.0
    tokens: int = 64
    padding_bytes: int = 0
    synchronised: bool = False
    certificate: Path | None = None
    """A file in PEM with a key and its certificate: TLS."""

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
            *(["--certificate", str(self.certificate)] if self.certificate is not None else []),
        ]


class Spans(msgspec.Struct, frozen=True):
    """Percentiles in whole microseconds."""

    p50: int
    p90: int
    p99: int
    p999: int
    max: int


class Account(msgspec.Struct, frozen=True):
    """What the server says of itself at its end."""

    requests: int
    tokens: int
    cut_streams: int
    blocked_sends: int
    cpu_s: float
    begin_ns: int
    """When it had read the first request; 0 if none came."""
    end_ns: int
    """When it sent the last token."""
    lateness_us: Spans
    """Tokens after the moment at which they were due."""
    ttft_us: Spans
    """First tokens after their requests had been read."""
    itl_us: Spans
    """Tokens after the ones before them."""
    mean_itl_us: Spans
    """The mean of these by request."""
    tokens_by_tenth_s: list[int]
    """Sent in each tenth of a second since `begin_ns`."""


@dataclass(slots=True)
class TruthServer:
    """A running one. `account` is there after its end alone."""

    port: int
    secure: bool
    _account: Account | None = None

    @property
    def url(self) -> str:
        """Without /v1."""
        return f"{'https' if self.secure else 'http'}://127.0.0.1:{self.port}"

    @property
    def account(self) -> Account:
        """What it says of itself. Raises RuntimeError before its end."""
        if self._account is None:
            raise RuntimeError("the server has not ended yet")
        return self._account

    def ended(self, account: Account) -> None:
        """Takes what it said at its end."""
        self._account = account

    @property
    def late_p99_ms(self) -> float:
        """Its own lateness at P99: token sent minus token due. After its end alone."""
        return self.account.lateness_us.p99 / 1000


@contextmanager
def running(truth: Truth, core: int) -> Iterator[TruthServer]:
    """Starts the server pinned to `core` (-1: not pinned) and ends it. Raises CompilationError."""
    secure = truth.certificate is not None
    program = compiled("truth_server", tls=secure)
    command = [str(program), "--port", "0", "--core", str(core), *truth.options()]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        server = TruthServer(int(process.stdout.readline().split()[1]), secure)
        yield server
    finally:
        process.terminate()
        said = process.stdout.read()
        process.wait()
        process.stdout.close()
    server.ended(msgspec.json.decode(said, type=Account))


def main() -> None:
    """Becomes the server: same process, so that a signal reaches it."""
    try:
        program = str(compiled("truth_server", tls="--certificate" in sys.argv))
    except CompilationError as error:
        sys.exit(str(error))
    os.execv(program, [program, *sys.argv[1:]])


if __name__ == "__main__":
    main()
