"""`python -m benchmarks.peers`: installs the tools beside which ours is measured (some 5 GB)."""

import argparse
import sys

from benchmarks.peers.environments import NotInstalledError, folder, install, python_of
from benchmarks.peers.peer import AIPERF, GENAI_BENCH, GUIDELLM, VLLM


def main() -> int:
    """Installs what is missing; 0 if all of it is there in the end."""
    argparse.ArgumentParser(prog="python -m benchmarks.peers", description=__doc__).parse_args()
    missing = 0
    for peer in (VLLM, GUIDELLM, AIPERF, GENAI_BENCH):
        try:
            python = python_of(peer)
        except NotInstalledError:
            print(f"{peer.name} {peer.version}: installing into {folder()} …", flush=True)
            try:
                install(peer)
                python = python_of(peer)
            except NotInstalledError as error:
                print(error)
                missing += 1
                continue
        print(f"{peer.name} {peer.version}: {python}")
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
