"""Runs the engine model in real time: iterations end at absolute deadlines on the event loop."""

import asyncio
from typing import Protocol

from loadproof.servers.simulator.engine import Engine, Iteration, Sequence
from loadproof.servers.simulator.metrics import Metrics


class Sink(Protocol):
    """Where a sequence's tokens go."""

    def token(self) -> None:
        """One more token has come out."""


class _Life:
    """The times of one sequence, in seconds of the event loop's clock."""

    __slots__ = ("admitted_s", "arrived_s", "first_s", "last_s", "sink")

    def __init__(self, sink: Sink, arrived_s: float) -> None:
        self.sink = sink
        self.arrived_s = arrived_s
        self.admitted_s = 0.0
        self.first_s = 0.0
        self.last_s = 0.0


class Driver:
    """Submits sequences to the engine, hands their tokens out when they are due, counts them.

    An iteration begins when the one before was due to end, not when the process got round to it,
    so that late wake-ups do not add up.
    """

    def __init__(self, engine: Engine, metrics: Metrics, loop: asyncio.AbstractEventLoop) -> None:
        self._engine = engine
        self._metrics = metrics
        self._loop = loop
        self._lives: dict[Sequence, _Life] = {}
        self._due_s: float | None = None

    def submit(self, sequence: Sequence, sink: Sink) -> None:
        """Queues `sequence`, whose tokens go to `sink` one by one."""
        self._engine.submit(sequence)
        now_s = self._loop.time()
        self._lives[sequence] = _Life(sink, now_s)
        if self._due_s is None:
            self._begin(now_s)

    def abort(self, sequence: Sequence) -> None:
        """Ends `sequence` early: no token of it comes out any more. No effect on a finished one."""
        if self._lives.pop(sequence, None) is not None:
            self._engine.abort(sequence)
            self._metrics.finished["abort"] += 1

    def _begin(self, at_s: float) -> None:
        iteration = self._engine.step()
        for sequence in iteration.admitted:
            life = self._lives[sequence]
            if not life.admitted_s:
                life.admitted_s = at_s
        self._due_s = at_s + iteration.duration_us / 1e6
        self._loop.call_at(self._due_s, self._end, iteration, self._due_s)

    def _end(self, iteration: Iteration, due_s: float) -> None:
        now_s = self._loop.time()
        metrics = self._metrics
        metrics.late_s = now_s - due_s
        metrics.preemptions += len(iteration.preempted)
        lives = self._lives
        between_tokens_s = metrics.between_tokens_s
        for sequence in iteration.emitted:
            life = lives.get(sequence)
            if life is None:
                continue
            metrics.generation_tokens += 1
            if life.first_s:
                between_tokens_s.observe(now_s - life.last_s)
            else:
                life.first_s = now_s
                metrics.prompt_tokens += sequence.prompt_tokens
                metrics.first_token_s.observe(now_s - life.arrived_s)
            life.last_s = now_s
            life.sink.token()
        for sequence in iteration.finished:
            life = lives.pop(sequence, None)
            if life is not None:
                self._count_finished(sequence, life)
        if self._engine.idle:
            self._due_s = None
        else:
            self._begin(due_s)

    def _count_finished(self, sequence: Sequence, life: _Life) -> None:
        metrics = self._metrics
        metrics.request_s.observe(life.last_s - life.arrived_s)
        metrics.queue_s.observe(life.admitted_s - life.arrived_s)
        metrics.inference_s.observe(life.last_s - life.admitted_s)
        metrics.prefill_s.observe(life.first_s - life.admitted_s)
        metrics.decode_s.observe(life.last_s - life.first_s)
        metrics.request_prompt_tokens.observe(sequence.prompt_tokens)
        metrics.request_generation_tokens.observe(sequence.output_tokens)
        if sequence.output_tokens > 1:
            decode_s = life.last_s - life.first_s
            metrics.per_output_token_s.observe(decode_s / (sequence.output_tokens - 1))
