"""What can be said of an objective at a level that kept changing while it was measured.

A percentile of a queue that grows has no value: it is what one gets for waiting longer. So nothing
is averaged over such a level: what its last third alone breaks is broken, all else is invalid.
"""

from dataclasses import replace

from loadproof.analysis import wording
from loadproof.analysis.objectives import judge
from loadproof.analysis.samples import LevelSamples
from loadproof.model.objective import Kind, Objective
from loadproof.model.verdict import START_BURST, Climb, Drift, Judgement, Ruling, Steadiness

_CONCERNED = frozenset(
    {Kind.PERCENTILE, Kind.MEAN, Kind.GOODPUT, Kind.GOODPUT_RATE, Kind.THROUGHPUT}
)
_NAMES = {
    "ttft": "TTFT",
    "e2e": "end-to-end latency",
    "throughput": "throughput",
    "waiting": "the server's queue",
    "gpu_memory": "GPU memory",
    "server_memory": "the server's memory",
}


def as_far_as_steady(
    judgement: Judgement, objective: Objective, level: LevelSamples, confidence: float
) -> Judgement:
    """The judgement, unless the level's unsteadiness forbids it.

    Latency and throughput objectives of a level that never got steady are BROKEN where its last
    third alone breaks them, else INVALID. A peak that HOLDS in a memory that climbs is
    INCONCLUSIVE: it would be over the limit after a longer time.
    """
    steadiness = level.steadiness
    if steadiness is None or judgement.ruling is Ruling.INVALID:
        return judgement
    if steadiness.steady is False and objective.kind in _CONCERNED:
        return _of_changing_level(judgement, objective, level, confidence)
    if objective.kind is Kind.PEAK and judgement.ruling is Ruling.HOLDS:
        for climb in steadiness.climbs:
            if climb.quantity == objective.metric:
                left_s = (objective.limit - (judgement.observed or 0.0)) / climb.bytes_per_s
                when = f"passes the limit after another {wording.seconds(left_s)}"
                reason = f"{judgement.reason}; but {climbing(climb)}: at that pace it {when}"
                return replace(judgement, ruling=Ruling.INCONCLUSIVE, reason=reason)
    return judgement


def _of_changing_level(
    judgement: Judgement, objective: Objective, level: LevelSamples, confidence: float
) -> Judgement:
    assert level.steadiness is not None, "the caller has looked"
    why = f"the level never got steady: {changing(level.steadiness)}"
    sent = level.sent(everything=True)
    last_third = level.since(sent[2 * len(sent) // 3].start_ns)
    if judge(objective, last_third, confidence).ruling is Ruling.BROKEN:
        reason = f"{why}, and its last third alone breaks the objective; over all of it "
        return replace(judgement, ruling=Ruling.BROKEN, reason=reason + judgement.reason)
    reason = f"{why} (else {judgement.ruling}: {judgement.reason})"
    return replace(judgement, ruling=Ruling.INVALID, reason=reason)


def changing(steadiness: Steadiness) -> str:
    """What kept changing, with the evidence: "TTFT rose to 2.3 times … (p = 0.00002)"."""
    return "; ".join(_said(drift) for drift in steadiness.drifts)


def climbing(climb: Climb) -> str:
    """How a memory climbs: "GPU memory climbs by 12 MB a minute, from 9.1 GB to 9.4 GB"."""
    pace = wording.size(60 * climb.bytes_per_s)
    first, last = wording.size(climb.first_bytes), wording.size(climb.last_bytes)
    return f"{_NAMES[climb.quantity]} climbs by {pace} a minute, from {first} to {last}"


def startup(steadiness: Steadiness) -> str:
    """What was cut: "cut as start-up: 37 requests, 4.2 s"; empty where nothing was."""
    if steadiness.from_ns is None or not steadiness.cut_requests:
        return ""
    requests, length = wording.requests(steadiness.cut_requests), wording.seconds(steadiness.cut_s)
    if steadiness.cut_by == START_BURST:
        return f"cut as start-up: {requests} with which all users started at once"
    return f"cut as start-up: {requests}, {length}"


def _said(drift: Drift) -> str:
    if drift.ratio > 1:
        moved = f"rose to {drift.ratio:.2g} times"
    else:
        moved = f"fell to {wording.share(round(drift.ratio, 3))} of"
    when = "" if drift.after_s is None else f" after {wording.seconds(drift.after_s)}"
    chance = "p < 1e-6" if drift.p < 1e-6 else f"p = {drift.p:.1g}"
    return f"{_NAMES[drift.quantity]} {moved} what it was at first{when} ({chance} were it steady)"
