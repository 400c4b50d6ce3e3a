"""`vllm bench serve`, asked to send what loadproof has sent."""

import json
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.prepare import Engine
from engine.tiny_server import ENVIRONMENT, MODEL

RUNNER = Path(__file__).with_name("bench_runner.py")
SAME_WISHES = {"stream_options": {"include_usage": True, "continuous_usage_stats": True}}
"""What loadproof asks of vLLM and bench by itself does not: token counts on every event."""


@dataclass(frozen=True, slots=True)
class Bench:
    """A bench that waits for work. `log` takes what it prints."""

    engine: Engine
    process: subprocess.Popen[str]
    log: Path

    def run(
        self, url: str, questions: Sequence[str], streams: int, max_tokens: int, folder: Path
    ) -> dict[str, Any]:
        """What bench says of asking `questions` in their order, `streams` at a time, each answer
        `max_tokens` long: its own figures, and each request's times in seconds."""
        folder.mkdir(parents=True, exist_ok=True)
        dataset, result = folder / "questions.json", folder / "bench.json"
        # The format is ShareGPT's, the one that bench reads without pandas.
        turns = [{"conversations": [{"value": text}, {"value": "-"}]} for text in questions]
        dataset.write_text(json.dumps(turns), encoding="utf-8")
        arguments = [
            *("--backend", "openai-chat", "--endpoint", "/v1/chat/completions"),
            *("--base-url", url, "--model", MODEL, "--served-model-name", MODEL),
            *("--tokenizer", str(self.engine.model)),
            *("--dataset-name", "sharegpt", "--dataset-path", str(dataset), "--disable-shuffle"),
            *("--num-prompts", str(len(questions)), "--output-len", str(max_tokens)),
            *("--max-concurrency", str(streams), "--temperature", "0"),
            *("--extra-body", json.dumps(SAME_WISHES)),
            # Nothing but the questions is sent: the server's counters are compared.
            *("--num-warmups", "0", "--ready-check-timeout-sec", "0"),
            *("--percentile-metrics", "ttft,tpot,itl,e2el", "--metric-percentiles", "50,99"),
            *("--save-detailed", "--disable-tqdm"),
        ]
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        request = json.dumps({"arguments": arguments, "result": str(result)})
        self.process.stdin.write(request + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        assert answer == "done\n", self.log.read_text(encoding="utf-8")[-4000:]
        said: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
        return said


@contextmanager
def vllm_bench(engine: Engine, folder: Path) -> Iterator[Bench]:
    """A bench for as long as the context lasts."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "bench.log"
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [str(engine.python), str(RUNNER)],
            env={**os.environ, **ENVIRONMENT},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        try:
            yield Bench(engine, process, log)
        finally:
            # At the end of its input it ends by itself; what it still does nobody waits for.
            process.terminate()
            process.communicate()
