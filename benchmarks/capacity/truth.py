"""Whether each level of a shape really holds, from very long runs."""

import numpy as np

from benchmarks.capacity.shapes import Shape, records_of
from loadproof.analysis.capacity.belief import levels_between
from loadproof.analysis.samples import latency_ms
from loadproof.model.objective import Kind, Objective

REQUESTS = 60_000
NEAR = (0.7, 1.4)
"""Levels further from the limit than that are told from a tenth of the requests."""


def holding_levels(shape: Shape, highest: int, resolution: float) -> dict[int, bool]:
    """By level: whether every objective holds there."""
    objectives = shape.scenario(highest).parsed_objectives()
    found = {}
    for level in levels_between(1, highest, resolution):
        shares = _shares(shape, objectives, level, REQUESTS // 10)
        if any(NEAR[0] <= share <= NEAR[1] for share in shares):
            shares = _shares(shape, objectives, level, REQUESTS)
        found[level] = all(share <= 1 for share in shares)
    return found


def _shares(
    shape: Shape, objectives: tuple[Objective, ...], level: int, requests: int
) -> list[float]:
    """What each objective limits, relative to its limit."""
    records = records_of(shape, level, requests, seed=987_654_321)
    shares = []
    for objective in objectives:
        values_ms = np.array([latency_ms(record, objective.metric) for record in records])
        if objective.kind is Kind.PERCENTILE:
            assert objective.quantile is not None, "a percentile has a quantile"
            over = float((values_ms > objective.limit).mean())
            shares.append(over / round(1 - objective.quantile, 12))
        else:
            shares.append(float(values_ms.mean()) / objective.limit)
    return shares
