"""How much of the answers was thinking, and how many never came out of it."""

from collections.abc import Sequence

import numpy as np

from loadproof.analysis.samples import LevelSamples
from loadproof.model.verdict import Thinking, TokenCounts
from loadproof.stats import wilson
from loadproof.stats.percentiles import exact


def thinking_of(level: LevelSamples, confidence: float) -> Thinking | None:
    """What the completed answers with thinking tokens were made of; None where there are none."""
    thought = [
        record for record in level.completed(everything=True) if record.thinking_tokens is not None
    ]
    if not thought:
        return None
    unfinished = sum(record.thinking_unfinished for record in thought)
    bounds = wilson.interval(unfinished, len(thought), confidence)
    thinking = [record.thinking_tokens or 0 for record in thought]
    whole = [record.output_tokens or 0 for record in thought]
    return Thinking(
        answers=len(thought),
        unfinished=unfinished,
        low=bounds.low,
        high=bounds.high,
        thinking_tokens=_counts(thinking),
        answer_tokens=_counts([max(a - b, 0) for a, b in zip(whole, thinking, strict=True)]),
    )


def _counts(tokens: Sequence[int]) -> TokenCounts:
    values = np.array(tokens, dtype=np.float64)
    return TokenCounts(float(values.mean()), *exact(values, (0.5, 0.95, 1.0)))
