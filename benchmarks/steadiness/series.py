"""Levels whose steadiness is known: series of latencies by start, and runs of the engine model."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.calibration.processes import (
    Autoregressive,
    Bursts,
    ExponentialQueue,
    FloatArray,
    LogNormalQueue,
    Process,
)
from loadproof.model.server import Simulator
from loadproof.servers.simulator.virtual_time import (
    Arrival,
    Simulated,
    simulate,
    simulate_closed_loop,
)

TOKENS = (16, 120)
PROMPT = (20, 400)
SETTINGS = Simulator(max_batch=24, base_us=4500, per_sequence_us=170, per_prefill_token_us=40)
"""As `servers/simulator-demo.toml`: up to 24 requests at a time."""
SPACING = 100
"""Between two starts of a series, in its mean latencies: throughput is that of independent
arrivals, and has no start-up of its own."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Of one level, in order of start: seconds from its beginning, and latencies in seconds."""

    starts_s: FloatArray
    ttft_s: FloatArray
    e2e_s: FloatArray
    warmup: int = 0
    """How many of them, at the beginning, are no part of the level."""
    users: int | None = None
    """Of a closed loop."""


@dataclass(frozen=True, slots=True)
class Case:
    """A kind of level. `requests(rng, n)` makes one; `steady` is the truth, `start_up` how many
    requests of a level belong to its start-up. `limit_s` is what 1 % of all steady requests
    are over, where that is known."""

    name: str
    requests: Callable[[np.random.Generator, int], Requests]
    steady: bool = True
    start_up: int = 0
    limit_s: float | None = None
    engine: bool = False


def _spaced(rng: np.random.Generator, latencies: FloatArray) -> Requests:
    starts = np.cumsum(rng.exponential(SPACING * latencies.mean(), len(latencies)))
    return Requests(starts, latencies, latencies)


def _process(process: Process) -> Case:
    return Case(
        process.name,
        lambda rng, n: _spaced(rng, process.runs(rng, 1, n)[0]),
        limit_s=process.limit(0.01),
    )


def _shaped(
    name: str,
    factor: Callable[[FloatArray], FloatArray],
    *,
    correlation: float = 0.0,
) -> Case:
    """Log-normal noise times a factor that depends on the place, from 0 to 1, in the level."""
    noise = Autoregressive("", correlation)

    def requests(rng: np.random.Generator, n: int) -> Requests:
        latencies = noise.runs(rng, 1, n)[0] ** 0.3
        return _spaced(rng, latencies * factor(np.arange(n) / n))

    return Case(name, requests, steady=False)


def _burst(size: int, correlation: float = 0.0) -> Case:
    noise = Autoregressive("", correlation)

    def requests(rng: np.random.Generator, n: int) -> Requests:
        latencies = noise.runs(rng, 1, n)[0] ** 0.3
        latencies[:size] *= 3
        return _spaced(rng, latencies)

    name = f"burst of {size}, × 3" + (f", AR(1) {correlation:g}" if correlation else "")
    return Case(name, requests, start_up=size)


def _overloaded(utilisation: float) -> Case:
    """An M/M/1 queue that begins empty and cannot keep up."""

    def requests(rng: np.random.Generator, n: int) -> Requests:
        between = rng.exponential(1 / utilisation, n)
        services = rng.exponential(1.0, n)
        walk = np.concatenate([[0.0], np.cumsum(services[:-1] - between[1:])])
        waits = walk - np.minimum(np.minimum.accumulate(walk), 0.0)
        return Requests(np.cumsum(between), waits + services, waits + services)

    return Case(f"M/M/1 at {utilisation:g}", requests, steady=False)


def _lengths(rng: np.random.Generator, n: int) -> list[tuple[int, int]]:
    prompts, outputs = rng.integers(*PROMPT, n), rng.integers(*TOKENS, n)
    return list(zip(prompts.tolist(), outputs.tolist(), strict=True))


def _of_engine(simulated: Simulated, warmup: int, users: int | None = None) -> Requests:
    return Requests(
        simulated.submitted_us / 1e6, simulated.ttft_us / 1e6, simulated.e2e_us / 1e6, warmup, users
    )


def _closed_loop(users: int, *, waves: int) -> Case:
    """The engine under `users` users, after as many waves of requests; 0 has the start burst."""

    def requests(rng: np.random.Generator, n: int) -> Requests:
        lengths = _lengths(rng, n + users * waves)
        simulated = simulate_closed_loop(SETTINGS, users, lengths)
        return _of_engine(simulated, users * waves, users)

    name = f"engine, {users} users" + ("" if waves else " from their start")
    return Case(name, requests, start_up=0 if waves else users, engine=True)


def _open_loop(load: float, capacity_rps: float) -> Case:
    """The engine under Poisson arrivals at this share of what it can do; half of the queue's
    relaxation is left out at the start."""

    def requests(rng: np.random.Generator, n: int) -> Requests:
        first = 500 if load < 1 else 0
        at_us = np.cumsum(rng.exponential(1e6 / (load * capacity_rps), n + first))
        lengths = _lengths(rng, n + first)
        arrivals = [
            Arrival(at, prompt, tokens)
            for at, (prompt, tokens) in zip(at_us.tolist(), lengths, strict=True)
        ]
        return _of_engine(simulate(SETTINGS, arrivals), first)

    return Case(f"engine, open loop at {load:g}", requests, steady=load < 1, engine=True)


def cases() -> list[Case]:
    """Steady ones, then those with a start-up, then those that never get steady."""
    capacity_rps = _capacity_rps()
    return [
        _process(Autoregressive("independent", 0.0)),
        _process(Autoregressive("AR(1) 0.9", 0.9)),
        _process(Autoregressive("AR(1) 0.99", 0.99)),
        _process(ExponentialQueue("M/M/1 at 0.8", 0.8)),
        _process(ExponentialQueue("M/M/1 at 0.9", 0.9)),
        _process(LogNormalQueue("M/G/1 at 0.8", 0.8)),
        _process(Bursts("on and off", 0.1, 20.0, 3.0)),
        _closed_loop(16, waves=5),
        _closed_loop(64, waves=5),
        _open_loop(0.7, capacity_rps),
        _burst(16),
        _burst(64),
        _burst(64, 0.9),
        _closed_loop(64, waves=0),
        _overloaded(1.1),
        _overloaded(1.3),
        _open_loop(1.2, capacity_rps),
        _shaped("rises by half", lambda place: 1 + 0.5 * place),
        _shaped("rises by half, AR(1) 0.9", lambda place: 1 + 0.5 * place, correlation=0.9),
        _shaped("half more after 60 %", lambda place: np.where(place < 0.6, 1.0, 1.5)),
        _shaped("decays all the time", lambda place: 1 + np.exp(-place / 0.3)),
    ]


def _capacity_rps() -> float:
    """What the engine completes a second when it is never idle."""
    n = 3000
    found = simulate_closed_loop(SETTINGS, 48, _lengths(np.random.default_rng(0), n))
    return n / (found.elapsed_us / 1e6)
