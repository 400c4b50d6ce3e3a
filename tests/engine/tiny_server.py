"""The server file of the tiny model: how loadproof starts vLLM on a CPU, and how it asks it."""

import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

from engine.prepare import Engine

MODEL = "tiny"
READY_WITHIN = "240s"

ENVIRONMENT = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_CPU_KVCACHE_SPACE": "1",
    "VLLM_CPU_OMP_THREADS_BIND": "nobind",
    "OMP_NUM_THREADS": "1",
    # Else tokens arrive in bursts on two cores, and latencies mean nothing.
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
    # What is imported gets compiled once and is kept, whatever the caller's environment says.
    "PYTHONDONTWRITEBYTECODE": "",
}


def write_server_file(
    path: Path,
    engine: Engine,
    port: int,
    *,
    started: bool,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    real_weights: bool = False,
) -> Path:
    """Writes the server file to `path`, which it returns.

    With `started` False the file says only where the server is: it runs already. `arguments` and
    `environment` are added to what it is started with. With `real_weights` it serves SmolLM2.
    """
    model = engine.real_model if real_weights else engine.model
    weights = () if real_weights else ("--load-format", "dummy")
    command = [*_command(engine.python, model, port), *weights, *arguments]

    variables = {**ENVIRONMENT, **(environment or {})}
    lines = [
        'name = "tiny-vllm"',
        'engine = "vllm"',
        f'url = "http://127.0.0.1:{port}"',
        f'model = "{MODEL}"',
    ]
    if started:
        lines += [
            "",
            "[start]",
            f"command = {json.dumps(command)}",
            f'ready_within = "{READY_WITHIN}"',
            "",
            "[start.env]",
            *(f"{name} = {json.dumps(value)}" for name, value in variables.items()),
        ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def free_port() -> int:
    """A port of the loopback address that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _command(python: Path, model: Path, port: int) -> list[str]:
    return [
        *(str(python), "-m", "vllm.entrypoints.openai.api_server"),
        *("--model", str(model), "--served-model-name", MODEL),
        *("--host", "127.0.0.1", "--port", str(port)),
        *("--dtype", "bfloat16", "--max-model-len", "4096", "--enforce-eager"),
        *("--distributed-executor-backend", "uni", "--num-gpu-blocks-override", "512"),
        # A question costs the same whoever asks it first.
        "--no-enable-prefix-caching",
    ]
