"""Judging a level that was looked at while it grew, by bounds that are made for one look."""

from bisect import bisect_right
from dataclasses import replace

from loadproof.analysis.samples import LevelSamples


def as_looked_at(level: LevelSamples, confidence: float) -> tuple[LevelSamples, float]:
    """The level up to its last planned look, and the confidence of each look there.

    Each of the planned looks may err its equal part, so that all of them together err no more
    often than `confidence` allows (Bonferroni). A level that was to be looked at once stays as it
    is; one that has not come to its first look has no requests.
    """
    if level.plan is None:
        return level, confidence
    looks = level.plan.looks()
    made = bisect_right(looks, len(level.measured))
    until = looks[made - 1] if made else 0
    return replace(level, measured=level.measured[:until]), 1 - (1 - confidence) / len(looks)
