"""The sidecar's process: `python -m loadproof.telemetry RUN URL [--pid N] [--key-env NAME]`.

It samples until its standard input is closed, by whatever happens to the process that holds the
other end. Its exit code is 0, or 1 with one line on standard error where it could not write.
"""

import argparse
import os
import select
import sys
from pathlib import Path

from loadproof.model.errors import RunUnwritableError
from loadproof.telemetry.sampling import Sampler

_STDIN = 0


def main() -> None:
    """Samples as the arguments say, until standard input ends."""
    arguments = _parsed(sys.argv[1:])
    try:
        sampler = Sampler(arguments.run, arguments.url, arguments.pid)
        sampler.watch_metrics(arguments.url, _key(arguments, sampler))
        sampler.run(_stdin_ends_within)
    except RunUnwritableError as error:
        raise SystemExit(str(error)) from None


def _parsed(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m loadproof.telemetry")
    parser.add_argument("run", type=Path, help="the run directory")
    parser.add_argument("url", help="where the server's API is rooted")
    parser.add_argument("--pid", type=int, help="the server's first process")
    source = parser.add_mutually_exclusive_group()
    source.add_argument("--key-env", help="environment variable that holds the API key")
    source.add_argument("--key-file", type=Path, help="file that holds the API key")
    return parser.parse_args(words)


def _key(arguments: argparse.Namespace, sampler: Sampler) -> str | None:
    """The API key. Where there is none, /metrics is asked without: most servers need none."""
    if arguments.key_env is not None:
        key = os.environ.get(arguments.key_env, "").strip()
        reason = f"the environment variable {arguments.key_env} is not set"
    elif arguments.key_file is not None:
        try:
            key = arguments.key_file.read_text(encoding="utf-8").strip()
            reason = f"{arguments.key_file} is empty"
        except OSError as error:
            key, reason = "", f"{arguments.key_file} cannot be read: {error.strerror}"
    else:
        return None
    if not key:
        sampler.note(f"server metrics are asked for without a key: {reason}")
        return None
    return key


def _stdin_ends_within(timeout_s: float) -> bool:
    readable, _, _ = select.select([_STDIN], [], [], max(0.0, timeout_s))
    return bool(readable) and not os.read(_STDIN, 4096)


if __name__ == "__main__":
    main()
