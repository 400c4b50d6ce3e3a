"""Servers with a known capacity: engine shapes in virtual time, and what is asked of them."""

from dataclasses import dataclass

import numpy as np

from loadproof.model.record import Clock, Outcome, RequestRecord
from loadproof.model.scenario import Scenario
from loadproof.model.server import Simulator
from loadproof.servers.simulator.virtual_time import simulate_closed_loop

WARMUP_ROUNDS = 3
"""What each user sends before it counts: the burst in which a closed loop begins."""


@dataclass(frozen=True, slots=True)
class Shape:
    """An engine, the lengths of what it is asked, and objectives."""

    name: str
    settings: Simulator
    objectives: tuple[str, ...]
    prompt_tokens: float = 150.0
    output_tokens: float = 56.0
    spread: float = 0.5
    """Of the lengths' logarithms."""

    def scenario(self, highest: int) -> Scenario:
        """The search from 1 to `highest` users."""
        return Scenario.model_validate(
            {
                "name": "bench",
                "traffic": [{"task": "chat"}],
                "objectives": [{"require": text} for text in self.objectives],
                "capacity": {"users": [1, highest]},
            }
        )


SHAPES = (
    Shape(
        "batch of 24, p95(ttft)",
        Simulator(
            base_us=4500,
            per_sequence_us=170,
            per_cached_token_us=0.1,
            per_prefill_token_us=40,
            max_batch=24,
            kv_blocks=4096,
        ),
        ("p95(ttft) <= 100ms",),
    ),
    Shape(
        "wide batch, p99(ttft)",
        Simulator(
            base_us=8000, per_sequence_us=500, per_cached_token_us=0.2, per_prefill_token_us=60
        ),
        ("p99(ttft) <= 90ms",),
    ),
    Shape(
        "full KV cache, p95(e2e) and p90(ttft)",
        Simulator(
            base_us=5000,
            per_sequence_us=100,
            per_prefill_token_us=30,
            max_batch=256,
            kv_blocks=900,
        ),
        ("p95(e2e) <= 4s", "p90(ttft) <= 150ms"),
        prompt_tokens=300.0,
        output_tokens=120.0,
    ),
    Shape(
        "chunked prefill, p99(ttft), p95(tpot), mean(e2e)",
        Simulator(
            base_us=6000,
            per_sequence_us=120,
            per_prefill_token_us=25,
            max_batch=48,
            max_batched_tokens=512,
            kv_blocks=8192,
        ),
        ("p99(ttft) <= 400ms", "p95(tpot) <= 60ms", "mean(e2e) <= 3s"),
        prompt_tokens=500.0,
        output_tokens=64.0,
        spread=0.8,
    ),
)


def records_of(shape: Shape, users: int, requests: int, seed: int) -> list[RequestRecord]:
    """The first `requests` that are measured at a level, in order of their starts."""
    warmup = WARMUP_ROUNDS * users
    total = warmup + requests + 2 * users  # the last ones would run in an emptying server
    generator = np.random.default_rng((seed, users))
    prompts = _lengths(generator, shape.prompt_tokens, shape.spread, total)
    outputs = _lengths(generator, shape.output_tokens, shape.spread, total)
    seen = simulate_closed_loop(shape.settings, users, zip(prompts, outputs, strict=True))
    starts_ns = np.rint(seen.submitted_us * 1e3).astype(np.int64)
    order = np.argsort(starts_ns, kind="stable")[warmup : warmup + requests]
    return [
        _record(
            int(index),
            users,
            int(starts_ns[index]),
            float(seen.ttft_us[index]),
            float(seen.e2e_us[index]),
            outputs[index],
        )
        for index in order
    ]


def _lengths(generator: np.random.Generator, mean: float, spread: float, n: int) -> list[int]:
    drawn = generator.lognormal(np.log(mean) - spread**2 / 2, spread, n)
    lengths: list[int] = np.clip(np.rint(drawn), 2, 2000).astype(int).tolist()
    return lengths


def _record(
    index: int, users: int, start_ns: int, ttft_us: float, e2e_us: float, output_tokens: int
) -> RequestRecord:
    return RequestRecord(
        id=str(index),
        step=0,
        users=users,
        task="chat",
        prompt_id="",
        worker="w0",
        start_ns=start_ns,
        first_byte_ns=None,
        end_ns=start_ns + round(e2e_us * 1e3),
        ttft_ms=ttft_us / 1e3,
        ttfat_ms=ttft_us / 1e3,
        itl_p50_ms=None,
        itl_p99_ms=None,
        itl_max_ms=None,
        tpot_ms=(e2e_us - ttft_us) / 1e3 / (output_tokens - 1),
        e2e_ms=e2e_us / 1e3,
        clock=Clock.KERNEL,
        events=output_tokens,
        prompt_tokens=None,
        output_tokens=output_tokens,
        thinking_tokens=None,
        outcome=Outcome.COMPLETED,
        failure=None,
        http_status=200,
        finish_reason="stop",
        warmup=False,
        grades={},
    )
