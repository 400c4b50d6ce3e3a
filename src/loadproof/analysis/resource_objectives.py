"""Judging what the sidecar sampled: memory, the server's gauges, the growth of its counters."""

from itertools import pairwise

from loadproof.analysis import wording
from loadproof.analysis.finding import Finding
from loadproof.analysis.levels import growth, peak
from loadproof.analysis.samples import LevelSamples, Timeline
from loadproof.model.objective import Kind, Objective
from loadproof.model.verdict import Ruling

LONGEST_GAP_S = 3.0
"""How long a level may go unwatched while HOLDS can still be said of a maximum; or a tenth of it,
where that is longer. The server's metrics come once a second."""

_UNSAMPLED = {
    "gpu_memory": "no GPU was sampled at this level",
    "server_memory": "the server's memory was not sampled at this level",
    "host_memory": "the machine's memory was not sampled at this level",
}


def judge_resource(objective: Objective, level: LevelSamples) -> Finding:
    """A peak, a gauge or a counter against its limit, as observed: no interval is claimed.

    One sample over the limit is BROKEN. HOLDS needs samples all over the level's time.
    """
    samples = level.samples.get(objective.metric, ())
    if not samples or level.window_ns is None:
        reason = _UNSAMPLED.get(
            objective.metric, f"the server's /metrics gave no {objective.metric} at this level"
        )
        return Finding(Ruling.INCONCLUSIVE, reason, 0)
    if objective.kind is Kind.COUNTER:
        observed = growth(samples)
        said = f"{objective.metric} grew by {wording.count(observed)}"
    else:
        observed = peak(samples)
        said = f"{objective.metric} peaked at {_shown(objective, observed)}"
    n = len(samples)
    limit = _limit(objective)
    said += f" in {wording.count(n)} sample{'' if n == 1 else 's'}"
    gap_s = _longest_gap_s(samples, level.window_ns)
    allowed_s = max(LONGEST_GAP_S, (level.window_ns[1] - level.window_ns[0]) / 1e10)
    if observed > objective.limit:
        ruling, reason = Ruling.BROKEN, f"{said}, and the objective allows {limit}"
    elif gap_s > allowed_s:
        ruling = Ruling.INCONCLUSIVE
        reason = (
            f"{said}, within the {limit} that the objective allows, "
            f"but nothing was sampled for {wording.seconds(gap_s)} of the level"
        )
    else:
        ruling, reason = Ruling.HOLDS, f"{said}, and the objective allows {limit}"
    return Finding(ruling, reason, n, observed, observed)


def _longest_gap_s(samples: Timeline, window_ns: tuple[int, int]) -> float:
    start, end = window_ns
    times = [start, *(min(max(t_ns, start), end) for t_ns, _ in samples), end]
    return max(after - before for before, after in pairwise(times)) / 1e9


def _shown(objective: Objective, value: float) -> str:
    if objective.kind is Kind.PEAK:
        return wording.size(value)
    return wording.share(value) if objective.metric == "kv_usage" else wording.count(value)


def _limit(objective: Objective) -> str:
    """The limit as it was written."""
    return objective.text.rsplit("=", 1)[-1].strip()
