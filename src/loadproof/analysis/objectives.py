"""Which way of judging an objective of each kind has."""

from loadproof.analysis.finding import Finding
from loadproof.analysis.latency_objectives import judge_mean, judge_percentile
from loadproof.analysis.resource_objectives import judge_resource
from loadproof.analysis.samples import LevelSamples
from loadproof.analysis.share_objectives import judge_quality, judge_rate
from loadproof.model.objective import Kind, Objective


def applies(objective: Objective, level: LevelSamples) -> bool:
    """Whether the objective is asked of this level."""
    return objective.users is None or level.users in objective.users


def judge(objective: Objective, level: LevelSamples, confidence: float) -> Finding:
    """One objective at one level, on what was measured there."""
    match objective.kind:
        case Kind.PERCENTILE:
            return judge_percentile(objective, level, confidence)
        case Kind.MEAN:
            return judge_mean(objective, level, confidence)
        case Kind.RATE:
            return judge_rate(objective, level, confidence)
        case Kind.QUALITY:
            return judge_quality(objective, level, confidence)
        case Kind.PEAK | Kind.GAUGE | Kind.COUNTER:
            return judge_resource(objective, level)
