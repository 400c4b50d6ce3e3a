"""What is shown of answers that thought: how long, and how many never came out of it."""

from loadproof.analysis import wording
from loadproof.model.verdict import Level, RunVerdict, Thinking
from loadproof.report import cells


def thoughtful(verdict: RunVerdict) -> list[tuple[Level, Thinking]]:
    """The levels at which answers thought."""
    return [(level, level.thinking) for level in verdict.levels if level.thinking is not None]


def unfinished(thinking: Thinking) -> str:
    """The share of answers that never left their thinking: "3.1 % (1.2 % to 6 %) of 412"."""
    share = wording.share(thinking.unfinished / thinking.answers)
    low, high = wording.share(thinking.low), wording.share(thinking.high)
    return f"{share} ({low} to {high}) of {wording.count(thinking.answers)}"


def sentence(level: Level, thinking: Thinking) -> str:
    """One level in a line."""
    thought, said = thinking.thinking_tokens, thinking.answer_tokens
    median, late = cells.latency(level, "ttfat", "p50"), cells.latency(level, "ttfat", "p95")
    return (
        f"{wording.count(thought.mean)} thinking tokens an answer (p95 "
        f"{wording.count(thought.p95)}), then {wording.count(said.mean)} of the answer (p95 "
        f"{wording.count(said.p95)}), the first after {median} ms (p95 {late}); "
        f"{unfinished(thinking)} never left the thinking"
    )
