"""The engine model run in virtual time: what a load would see, without waiting for it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from heapq import heapify, heappop, heappush

import numpy as np
from numpy.typing import NDArray

from loadproof.model.server import Simulator
from loadproof.servers.simulator.engine import Engine, Sequence


@dataclass(frozen=True, slots=True)
class Arrival:
    """A request to come: when (virtual microseconds) and how long its prompt and answer are."""

    at_us: float
    prompt_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Simulated:
    """What n requests saw, in the order of their submission; microseconds, from submission.

    `submitted_us`, `ttft_us` (first token), `e2e_us` (last token) and `preemptions` have n
    entries; `itl_us` has n arrays of output tokens - 1 gaps each. `elapsed_us` is when the last
    token came, `iterations` how many the engine made.
    """

    submitted_us: NDArray[np.float64]
    ttft_us: NDArray[np.float64]
    e2e_us: NDArray[np.float64]
    preemptions: NDArray[np.int64]
    itl_us: tuple[NDArray[np.float64], ...]
    elapsed_us: float
    iterations: int


def simulate(settings: Simulator, arrivals: Iterable[Arrival]) -> Simulated:
    """Open loop: the requests arrive when they arrive, whatever has become of earlier ones.

    `arrivals` may come in any order of time; the result is in the order of time. Raises
    ValueError where a request can never fit.
    """
    return _Loop(settings, arrivals, lambda _at_us: None).run()


def simulate_closed_loop(
    settings: Simulator,
    users: int,
    lengths: Iterable[tuple[int, int]],
    think_us: Callable[[int], float] = lambda _index: 0.0,
) -> Simulated:
    """Closed loop: each of `users` submits its next request when the last has ended.

    `lengths` are (prompt tokens, output tokens) by request, taken in order by whichever user is
    next; the simulation ends when they are used up. `think_us(k)` is the pause before the k-th
    request, from `users` on. Raises ValueError where a request can never fit.
    """
    queue = enumerate(lengths)
    first = [Arrival(0.0, *item) for _, (_, item) in zip(range(users), queue, strict=False)]

    def following(now_us: float) -> Arrival | None:
        for index, item in queue:
            return Arrival(now_us + think_us(index), *item)
        return None

    return _Loop(settings, first, following).run()


class _Loop:
    """One simulation: the engine, the arrivals to come, the times of tokens gone out."""

    def __init__(
        self,
        settings: Simulator,
        arrivals: Iterable[Arrival],
        following: Callable[[float], Arrival | None],
    ) -> None:
        self.engine = Engine(settings)
        self.following = following
        self.to_come = [(arrival.at_us, k, arrival) for k, arrival in enumerate(arrivals)]
        self.numbered = len(self.to_come)
        heapify(self.to_come)
        self.sequences: list[Sequence] = []
        self.submitted_us: list[float] = []
        self.tokens_us: dict[Sequence, list[float]] = {}

    def run(self) -> Simulated:
        engine, tokens_us = self.engine, self.tokens_us
        now_us = 0.0
        iterations = 0
        while self.to_come or not engine.idle:
            if engine.idle:
                now_us = max(now_us, self.to_come[0][0])
            while self.to_come and self.to_come[0][0] <= now_us:
                self._submit(heappop(self.to_come)[2])
            iteration = engine.step()
            iterations += 1
            now_us += iteration.duration_us
            for sequence in iteration.emitted:
                tokens_us[sequence].append(now_us)
            for _ in iteration.finished:
                self._follow(now_us)
        return self._result(now_us, iterations)

    def _submit(self, arrival: Arrival) -> None:
        sequence = Sequence(arrival.prompt_tokens, arrival.output_tokens)
        self.engine.submit(sequence)
        self.sequences.append(sequence)
        self.submitted_us.append(arrival.at_us)
        self.tokens_us[sequence] = []

    def _follow(self, now_us: float) -> None:
        arrival = self.following(now_us)
        if arrival is not None:
            heappush(self.to_come, (arrival.at_us, self.numbered, arrival))
            self.numbered += 1

    def _result(self, elapsed_us: float, iterations: int) -> Simulated:
        submitted = np.array(self.submitted_us, dtype=np.float64)
        tokens = [self.tokens_us[sequence] for sequence in self.sequences]
        return Simulated(
            submitted_us=submitted,
            ttft_us=np.array([times[0] for times in tokens], dtype=np.float64) - submitted,
            e2e_us=np.array([times[-1] for times in tokens], dtype=np.float64) - submitted,
            preemptions=np.array([s.preemptions for s in self.sequences], dtype=np.int64),
            itl_us=tuple(np.diff(np.array(times, dtype=np.float64)) for times in tokens),
            elapsed_us=elapsed_us,
            iterations=iterations,
        )
