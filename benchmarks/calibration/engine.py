"""The engine model in virtual time as a source of latencies: batching, prefill, a waiting queue."""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from loadproof.model.server import Simulator
from loadproof.servers.simulator.virtual_time import Arrival, simulate, simulate_closed_loop

FloatArray = NDArray[np.float64]

LENGTH = 120_000
"""Requests of one simulation; runs are cut out of it."""

_BURN_IN = 2_000
"""Requests from an empty engine until it is stationary."""

_SERVER = Simulator(
    base_us=4500,
    per_sequence_us=170,
    per_cached_token_us=0.1,
    per_prefill_token_us=40,
    max_batch=16,
    max_batched_tokens=2048,
    kv_blocks=2048,
    block_tokens=16,
    context_tokens=8192,
)
_RATE_RPS = 80.0
"""In open loop: about four fifths of what the engine can do with such requests."""
_USERS = 24
"""In closed loop: half as many again as the engine works on at a time."""


def simulated_ttft_ms(seed: int, *, closed: bool) -> FloatArray:
    """The time to first token of LENGTH requests in the order of their starts."""
    rng = np.random.default_rng([seed, closed])
    n = _BURN_IN + LENGTH
    prompts = rng.integers(20, 200, n).tolist()
    answers = np.minimum(1 + rng.geometric(1 / 12, n), 100).tolist()
    lengths = list(zip(prompts, answers, strict=True))
    if closed:
        found = simulate_closed_loop(_SERVER, _USERS, lengths)
    else:
        at_us = np.cumsum(rng.exponential(1e6 / _RATE_RPS, n)).tolist()
        arrivals = [Arrival(at, *length) for at, length in zip(at_us, lengths, strict=True)]
        found = simulate(_SERVER, arrivals)
    return (found.ttft_us[_BURN_IN:] / 1e3).astype(np.float64)


class EngineModel:
    """Runs cut out of simulations of the shape (number, LENGTH); the truth is all of them."""

    def __init__(self, name: str, simulations: FloatArray) -> None:
        self.name = name
        self._simulations = simulations

    def runs(self, rng: np.random.Generator, runs: int, n: int) -> FloatArray:
        """`runs` of them in a random order, or as many as there are."""
        cut = self.cut(0, self._simulations.size // n, n)
        return cut[rng.permutation(len(cut))[:runs]]

    def cut(self, first: int, count: int, n: int) -> FloatArray:
        """Runs `first` and following, each of `n` requests; fewer where there are no more."""
        whole = self._simulations.shape[1] // n
        cut = self._simulations[:, : whole * n].reshape(-1, n)
        return cut[first : first + count]

    def limit(self, share: float) -> float:
        """To within what the simulations are long enough for."""
        return float(self._ordered[round(len(self._ordered) * (1 - share))])

    @property
    def mean(self) -> float:
        """Of all simulations together."""
        return float(self._simulations.mean())

    @cached_property
    def _ordered(self) -> FloatArray:
        ordered: FloatArray = np.sort(self._simulations, axis=None)
        return ordered
