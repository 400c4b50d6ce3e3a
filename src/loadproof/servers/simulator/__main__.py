"""`python -m loadproof.servers.simulator SERVER.toml`: the simulated server of a server file."""

import argparse
import os
import socket
import sys
from pathlib import Path
from urllib.parse import urlsplit

from loadproof.model.errors import ConfigurationError, LoadproofError
from loadproof.model.exit_codes import ExitCode
from loadproof.model.server import Server, read_server
from loadproof.servers.simulator.process import serve

KEY_VARIABLE = "LOADPROOF_SIMULATOR_KEY"


def main() -> int:
    """Parses the command line and serves; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m loadproof.servers.simulator",
        description="A simulated OpenAI-compatible server, with vLLM's wire format and metrics. "
        f"Where {KEY_VARIABLE} is set, requests have to carry its value as their API key.",
    )
    parser.add_argument(
        "file",
        help='the server file; "-" reads it as one line of JSON from stdin, whose end then ends '
        "the server too",
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (%(default)s)")
    parser.add_argument(
        "--port", type=int, help="port to listen at; 0: any free one (default: that of the url)"
    )
    parser.add_argument("--fd", type=int, help="file descriptor of a socket that listens already")
    options = parser.parse_args()
    from_stdin = options.file == "-"
    try:
        server = _server_on_stdin() if from_stdin else read_server(Path(options.file))
        if server.engine != "simulator":
            raise ConfigurationError(
                f"{options.file}: engine: got {server.engine!r}, expected 'simulator'"
            )
        listening = (
            _listen(options.host, _port(server, options.port))
            if options.fd is None
            else socket.socket(fileno=options.fd)
        )
    except LoadproofError as error:
        print(error, file=sys.stderr)  # noqa: T201  # this is a command
        return ExitCode.BAD_CONFIGURATION
    with listening:
        serve(
            server,
            listening,
            os.environ.get(KEY_VARIABLE) or None,
            until_stdin_closes=from_stdin,
            announce=lambda line: print(line, flush=True),  # noqa: T201  # this is a command
        )
    return 0


def _server_on_stdin() -> Server:
    return Server.model_validate_json(sys.stdin.buffer.readline())


def _port(server: Server, asked: int | None) -> int:
    return (urlsplit(server.url).port or 0) if asked is None else asked


def _listen(host: str, port: int) -> socket.socket:
    try:
        return socket.create_server((host, port))
    except OSError as error:
        raise ConfigurationError(f"cannot listen at {host}:{port}: {error.strerror}") from None


if __name__ == "__main__":
    sys.exit(main())
