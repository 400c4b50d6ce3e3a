"""vLLM's `bench serve`, run several times in one process, whose imports take seven seconds.

Runs under the Python that vLLM is installed for. The command `vllm bench serve` asks for a
distribution of the name vllm, which the CPU build is not; what it calls is called here: the same
arguments, the same main. Each line of standard input is a JSON object: `arguments` as on the
command line, and `result`, the file that is to hold what bench returns. Each is answered by a line
when it is done; what bench prints goes to standard error::

    python bench_runner.py
"""

import json
import sys
from pathlib import Path


def answer_requests() -> None:
    """Runs what is asked for until standard input ends."""
    answers, sys.stdout = sys.stdout, sys.stderr

    from vllm.benchmarks.serve import add_cli_args, main
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    parser = FlexibleArgumentParser()
    add_cli_args(parser)
    for line in sys.stdin:
        asked = json.loads(line)
        result = main(parser.parse_args(asked["arguments"]))
        Path(asked["result"]).write_text(json.dumps(result), encoding="utf-8")
        answers.write("done\n")
        answers.flush()


if __name__ == "__main__":
    answer_requests()
