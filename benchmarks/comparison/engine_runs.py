"""Load levels as the engine model in virtual time gives them: a closed loop, no pause, no noise
but that of the lengths of prompts and answers and of their order."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from loadproof.analysis.samples import LevelSamples
from loadproof.model.record import Clock, Outcome, RequestRecord
from loadproof.model.server import Simulator
from loadproof.recording.hdr import IntervalHistograms, decode_histogram
from loadproof.servers.simulator.virtual_time import Simulated, simulate_closed_loop

ENGINE = Simulator(
    base_us=4500,
    per_sequence_us=170,
    per_cached_token_us=0.1,
    per_prefill_token_us=40,
    max_batch=24,
    kv_blocks=2048,
)
"""The engine of the demo: it takes 24 requests at a time, so that others wait at 64 users."""

TASK = "chat"


@dataclass(frozen=True, slots=True)
class EngineLevel:
    """What the requests of one level saw; the first three of each user are its warm-up."""

    step: int
    users: int
    seen: Simulated

    @classmethod
    def drawn(cls, rng: np.random.Generator, step: int, users: int, requests: int) -> Self:
        """A new level of `requests` measured requests, and some more that end it."""
        lengths = _lengths(rng, 4 * users + requests)
        return cls(step, users, simulate_closed_loop(ENGINE, users, lengths))

    def samples(self, slower: float = 1.0) -> LevelSamples:
        """The level as it is analysed, on an engine whose every cost is `slower` times as high:
        without pauses and noise all times are just that much longer."""
        warmup, count = 3 * self.users, len(self.seen.submitted_us) - self.users
        records = [self._record(index, slower) for index in range(count)]
        begin_ns, end_ns = records[warmup].start_ns, records[-1].start_ns
        histograms = IntervalHistograms()
        for index in range(warmup, count):
            histograms.record("itl", self.seen.itl_us[index] * slower)
        return LevelSamples(
            step=self.step,
            users=self.users,
            measured=tuple(records[warmup:]),
            warmup=warmup,
            window_ns=(begin_ns, max(record.end_ns for record in records)),
            itl={TASK: decode_histogram(histograms.take()["itl"])},
            samples={},
            ended=True,
            load_ns=(begin_ns, end_ns),
            leading=tuple(record for record in records[:warmup] if record.end_ns > begin_ns),
        )

    def _record(self, index: int, slower: float) -> RequestRecord:
        start_ns = int(self.seen.submitted_us[index] * slower * 1e3)
        ttft_ms = float(self.seen.ttft_us[index] * slower / 1e3)
        e2e_ms = float(self.seen.e2e_us[index] * slower / 1e3)
        gaps_ms = self.seen.itl_us[index] * slower / 1e3
        p50_ms, p99_ms = np.quantile(gaps_ms, (0.5, 0.99), method="inverted_cdf")
        return RequestRecord(
            id=str(index),
            step=self.step,
            users=self.users,
            task=TASK,
            prompt_id=str(index),
            worker="w0",
            start_ns=start_ns,
            first_byte_ns=start_ns,
            end_ns=start_ns + int(e2e_ms * 1e6),
            ttft_ms=ttft_ms,
            ttfat_ms=ttft_ms,
            itl_p50_ms=float(p50_ms),
            itl_p99_ms=float(p99_ms),
            itl_max_ms=float(gaps_ms.max()),
            tpot_ms=float(gaps_ms.mean()),
            e2e_ms=e2e_ms,
            clock=Clock.KERNEL,
            events=len(gaps_ms) + 1,
            prompt_tokens=1,
            output_tokens=len(gaps_ms) + 1,
            thinking_tokens=None,
            outcome=Outcome.COMPLETED,
            failure=None,
            http_status=200,
            finish_reason="stop",
            warmup=index < 3 * self.users,
            grades={},
        )


def _lengths(rng: np.random.Generator, count: int) -> Iterator[tuple[int, int]]:
    prompts = np.clip(rng.lognormal(4.6, 0.6, count), 8, 1500).astype(int)
    answers = np.clip(rng.lognormal(3.4, 0.6, count), 4, 300).astype(int)
    yield from zip(prompts.tolist(), answers.tolist(), strict=True)
