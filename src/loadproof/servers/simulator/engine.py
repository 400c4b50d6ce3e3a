"""The engine model: which sequences an iteration works on, how long it takes, what comes out.

It schedules as vLLM V1 does (vllm/v1/core/sched/scheduler.py): continuous batching with one list
of running sequences in the order of their admission, chunked prefill within a budget of tokens an
iteration, a paged KV cache, and preemption of the last admitted sequence by recomputation. It
knows no clock: each step says how long it takes, and whoever drives it keeps the time.
"""

from collections import deque
from dataclasses import dataclass

from loadproof.model.server import Simulator


class Sequence:
    """One request within the engine.

    `prompt_tokens` and `output_tokens` are its fixed lengths, `emitted` how many output tokens
    have come out, `computed` how many of its tokens lie in the KV cache (0 after a preemption),
    `blocks` how many KV blocks it holds, `preemptions` how often it lost them.
    """

    __slots__ = (
        "aborted",
        "blocks",
        "computed",
        "emitted",
        "output_tokens",
        "preemptions",
        "prompt_tokens",
    )

    def __init__(self, prompt_tokens: int, output_tokens: int) -> None:
        if prompt_tokens < 1 or output_tokens < 1:
            raise ValueError("a sequence has at least one prompt token and one output token")
        self.prompt_tokens = prompt_tokens
        self.output_tokens = output_tokens
        self.emitted = 0
        self.computed = 0
        self.blocks = 0
        self.preemptions = 0
        self.aborted = False

    @property
    def finished(self) -> bool:
        """Whether its last token has come out."""
        return self.emitted == self.output_tokens


@dataclass(frozen=True, slots=True)
class Iteration:
    """One forward pass of the model.

    It takes `duration_us`; at its end each sequence in `emitted` has one more output token, and
    those in `finished` their last. `admitted` left the waiting queue for it (again, after a
    preemption), `preempted` had to give their blocks back for it.
    """

    duration_us: float
    emitted: list[Sequence]
    finished: list[Sequence]
    admitted: list[Sequence]
    preempted: list[Sequence]
    prefill_tokens: int


def context_limit(settings: Simulator) -> int:
    """The most tokens of prompt plus answer that one sequence may have: the configured context,
    or less where the KV cache holds less."""
    return min(settings.context_tokens, settings.kv_blocks * settings.block_tokens)


class Engine:
    """The state of the engine: waiting queue, running list, free KV blocks."""

    def __init__(self, settings: Simulator) -> None:
        self.settings = settings
        self.waiting: deque[Sequence] = deque()
        self.running: list[Sequence] = []
        self.free_blocks = settings.kv_blocks

    @property
    def idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self.running and not self.waiting

    @property
    def kv_usage(self) -> float:
        """Share of the KV blocks in use, from 0 to 1."""
        return (self.settings.kv_blocks - self.free_blocks) / self.settings.kv_blocks

    def submit(self, sequence: Sequence) -> None:
        """Puts `sequence` at the end of the waiting queue.

        Raises ValueError where it can never fit into the context or the KV cache.
        """
        limit = context_limit(self.settings)
        if sequence.prompt_tokens + sequence.output_tokens > limit:
            raise ValueError(f"a sequence of more than {limit} tokens can never be served")
        self.waiting.append(sequence)

    def abort(self, sequence: Sequence) -> None:
        """Takes an unfinished `sequence` out and frees its blocks; no effect on a finished one."""
        if sequence.aborted or sequence.finished:
            return
        sequence.aborted = True
        if sequence in self.running:
            self.running.remove(sequence)
            self._release(sequence)
        else:
            self.waiting.remove(sequence)

    def step(self) -> Iteration:
        """Schedules one iteration and applies its results, which count from its end.

        Raises ValueError where the engine is idle.
        """
        if self.idle:
            raise ValueError("an idle engine has no next iteration")
        settings = self.settings
        block_tokens = settings.block_tokens
        running = self.running
        budget = settings.max_batched_tokens
        decoding = cached_tokens = prefill_tokens = 0
        emitted: list[Sequence] = []
        finished: list[Sequence] = []
        preempted: list[Sequence] = []
        index = 0
        while index < len(running) and budget:
            sequence = running[index]
            computed = sequence.computed
            missing = sequence.prompt_tokens + sequence.emitted - computed
            tokens = missing if missing <= budget else budget
            if computed + tokens > sequence.blocks * block_tokens and not self._grow(
                sequence, computed + tokens, preempted
            ):
                break
            index += 1
            budget -= tokens
            sequence.computed = computed + tokens
            if sequence.emitted and missing == 1:
                decoding += 1
                cached_tokens += computed
            else:
                prefill_tokens += tokens
            if tokens == missing:
                emitted.append(sequence)
                sequence.emitted += 1
                if sequence.emitted == sequence.output_tokens:
                    finished.append(sequence)
        admitted: list[Sequence] = []
        if self.waiting and not preempted:
            prefill_tokens += self._admit(budget, admitted, emitted, finished)
        for sequence in finished:
            self._release(sequence)
        if finished:
            self.running = [sequence for sequence in running if not sequence.finished]
        return Iteration(
            duration_us=settings.base_us
            + decoding * settings.per_sequence_us
            + cached_tokens * settings.per_cached_token_us
            + prefill_tokens * settings.per_prefill_token_us,
            emitted=emitted,
            finished=finished,
            admitted=admitted,
            preempted=preempted,
            prefill_tokens=prefill_tokens,
        )

    def _admit(
        self,
        budget: int,
        admitted: list[Sequence],
        emitted: list[Sequence],
        finished: list[Sequence],
    ) -> int:
        """Lets waiting sequences in, first come, first served; returns the prompt tokens spent."""
        settings = self.settings
        spent = 0
        while self.waiting and spent < budget and len(self.running) < settings.max_batch:
            sequence = self.waiting[0]
            missing = sequence.prompt_tokens + sequence.emitted
            tokens = min(missing, budget - spent)
            blocks = -(-tokens // settings.block_tokens)
            if blocks > self.free_blocks:
                break
            self.waiting.popleft()
            self.running.append(sequence)
            admitted.append(sequence)
            self.free_blocks -= blocks
            sequence.blocks = blocks
            sequence.computed = tokens
            spent += tokens
            if tokens == missing:
                emitted.append(sequence)
                sequence.emitted += 1
                if sequence.finished:
                    finished.append(sequence)
        return spent

    def _grow(self, sequence: Sequence, tokens: int, preempted: list[Sequence]) -> bool:
        """Gives `sequence` blocks for `tokens` tokens, preempting from the end of the running list
        until they are there; False where that took `sequence` itself."""
        wanted = -(-tokens // self.settings.block_tokens) - sequence.blocks
        while wanted > self.free_blocks:
            victim = self.running.pop()
            self._release(victim)
            victim.computed = 0
            victim.preemptions += 1
            self.waiting.appendleft(victim)
            preempted.append(victim)
            if victim is sequence:
                return False
        self.free_blocks -= wanted
        sequence.blocks += wanted
        return True

    def _release(self, sequence: Sequence) -> None:
        self.free_blocks += sequence.blocks
        sequence.blocks = 0
