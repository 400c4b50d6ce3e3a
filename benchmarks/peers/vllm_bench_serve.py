"""`vllm bench serve`, with its options, where the command `vllm` asks for a distribution of that
name and vLLM's build for CPUs is another one. Runs under the Python that vLLM is installed for."""

from vllm.benchmarks.serve import add_cli_args, main
from vllm.utils.argparse_utils import FlexibleArgumentParser

if __name__ == "__main__":
    parser = FlexibleArgumentParser()
    add_cli_args(parser)
    main(parser.parse_args())
