"""Which way of judging an objective of each kind has."""

from loadproof.analysis.drop_objectives import judge_drop
from loadproof.analysis.finding import Finding
from loadproof.analysis.goodput_objectives import judge_goodput
from loadproof.analysis.latency_objectives import judge_mean, judge_percentile
from loadproof.analysis.macro_f1_objectives import judge_macro_f1
from loadproof.analysis.resource_objectives import judge_resource
from loadproof.analysis.samples import LevelSamples
from loadproof.analysis.share_objectives import judge_quality, judge_rate
from loadproof.analysis.throughput_objectives import judge_throughput
from loadproof.model.metrics import MACRO_F1
from loadproof.model.objective import Kind, Objective

_BY_REQUESTS = {
    Kind.PERCENTILE: judge_percentile,
    Kind.MEAN: judge_mean,
    Kind.RATE: judge_rate,
    Kind.QUALITY: judge_quality,
    Kind.GOODPUT: judge_goodput,
    Kind.GOODPUT_RATE: judge_throughput,
    Kind.THROUGHPUT: judge_throughput,
}


def applies(objective: Objective, level: LevelSamples, lowest: LevelSamples | None) -> bool:
    """Whether the objective is asked of this level; a drop is of no `lowest` load level."""
    if objective.kind is Kind.DROP and level is lowest:
        return False
    return objective.users is None or level.users in objective.users


def judge(
    objective: Objective,
    level: LevelSamples,
    confidence: float,
    lowest: LevelSamples | None = None,
) -> Finding:
    """One objective at one level, on what was measured there.

    A drop has to be given the run's `lowest` load level (see `quality.reference_level`).
    """
    if objective.kind is Kind.DROP:
        assert lowest is not None, "a drop is from one level to another"
        return judge_drop(objective, level, lowest, confidence)
    if objective.kind in (Kind.PEAK, Kind.GAUGE, Kind.COUNTER):
        return judge_resource(objective, level)
    if objective.kind is Kind.QUALITY and objective.metric == MACRO_F1:
        return judge_macro_f1(objective, level, confidence)
    return _BY_REQUESTS[objective.kind](objective, level, confidence)
