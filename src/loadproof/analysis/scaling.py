"""How a server scales over the load levels of a run, and whether each level agrees with itself."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from loadproof.analysis import flow, wording
from loadproof.analysis.samples import LevelSamples
from loadproof.model.record import Outcome, RequestRecord
from loadproof.model.scaling import CurvePoint, Estimate, Scaling, ScalingLaw, ScalingLevel
from loadproof.stats import batches, occupancy, scaling
from loadproof.stats.correlation import correlation_requests
from loadproof.stats.percentiles import FloatArray
from loadproof.stats.scaling import Fitted, Law

CHANCE = 3.0
"""Standard errors by which throughput times latency may be off the number in flight."""
EDGES = 0.02
"""And this share of it, for requests that a stretch of time cuts in two."""
FEWEST_GAUGES = 10
"""Samples of the server's gauges, to compare with what was in flight."""
CURVE_POINTS = 49
BEYOND = 2.0
"""The curve is drawn to this many times the highest measured concurrency."""
_LEAST_ERROR = 1e-3


def scaling_of(levels: Sequence[LevelSamples], confidence: float) -> Scaling:
    """The levels that can be used, and the law fitted to them, with intervals at `confidence`.

    A level that never got steady has no throughput of its own, and one with few completed
    requests no error of it: neither is used.
    """
    used = tuple(found for level in levels if (found := _level(level)) is not None)
    sound = [level for level in used if level.trouble is None]
    missing = scaling.FEWEST - len({level.concurrency for level in sound})
    if missing > 0:
        return Scaling(used, None, _needs(len(levels), len(sound)))
    concurrency = np.array([level.concurrency for level in sound])
    fitted = scaling.fit(
        concurrency,
        np.array([level.requests_per_s for level in sound]),
        np.array([level.error_per_s for level in sound]),
    )
    return Scaling(used, _law(fitted, concurrency, confidence), "")


def _needs(levels: int, sound: int) -> str:
    """Why there is no law."""
    wanted = f"the scaling law takes {scaling.FEWEST} load levels"
    if levels < scaling.FEWEST:
        return f"{wanted}, and this run has {levels}"
    return (
        f"{wanted} that are steady, complete {batches.FEWEST_EVENTS} requests and agree with "
        f"themselves, and this run has {sound}"
    )


def _level(level: LevelSamples) -> ScalingLevel | None:
    stretch = flow.stretch_of(level)
    unsteady = level.steadiness is None or level.steadiness.steady is False
    if stretch is None or level.users is None or unsteady:
        return None
    in_flight = flow.in_flight(level, None)
    completed = [record for record in in_flight if record.outcome is Outcome.COMPLETED]
    ended_s = [
        record.e2e_ms / 1e3
        for record in completed
        if record.e2e_ms is not None and stretch[0] <= record.end_ns < stretch[1]
    ]
    if len(ended_s) < batches.FEWEST_EVENTS:
        return None
    latencies_s = np.array(ended_s, dtype=np.float64)
    edges = flow.edges_ns(stretch, batches.number_of(len(ended_s)))
    done = occupancy.done_by(*_times(completed), edges)
    rates = flow.per_second(np.diff(done), edges)
    throughput, error = float(rates.mean()), _error(rates)
    latency_s = float(latencies_s.mean())
    found = ScalingLevel(
        step=level.step,
        users=level.users,
        concurrency=occupancy.in_progress(*_times(in_flight), *stretch),
        requests_per_s=throughput,
        error_per_s=max(error, _LEAST_ERROR * throughput),
        latency_s=latency_s,
        completing=occupancy.in_progress(*_times(completed), *stretch),
        littles=throughput * latency_s,
        server_concurrency=_server_concurrency(level, stretch),
    )
    chance = math.hypot(found.error_per_s / throughput, _error(latencies_s) / latency_s)
    return _with_trouble(found, CHANCE * chance + EDGES)


def _times(records: Sequence[RequestRecord]) -> tuple[FloatArray, FloatArray]:
    starts = np.array([record.start_ns for record in records], dtype=np.float64)
    return starts, np.array([record.end_ns for record in records], dtype=np.float64)


def _error(values: FloatArray) -> float:
    """The standard error of the mean of a series whose neighbours may resemble each other."""
    effective_n = max(len(values) / correlation_requests(values), 2.0)
    return float(values.std(ddof=1)) / math.sqrt(effective_n)


def _server_concurrency(level: LevelSamples, stretch: flow.Stretch) -> float | None:
    """Running and waiting requests by the server's own gauges, which are sampled together."""
    gauges = [dict(level.samples.get(name, ())) for name in ("running", "waiting")]
    both = [t_ns for t_ns in gauges[0] if t_ns in gauges[1] and stretch[0] <= t_ns < stretch[1]]
    if len(both) < FEWEST_GAUGES:
        return None
    return sum(gauges[0][t_ns] + gauges[1][t_ns] for t_ns in both) / len(both)


def _with_trouble(level: ScalingLevel, tolerance: float) -> ScalingLevel:
    """Little's law, L = X R, holds for any requests over any long time, whatever the server does
    (Little, "A proof for the queuing formula L = λW", Operations Research 9, 1961). Where it does
    not, something was measured wrong."""
    trouble = None
    at = f"at {wording.level(level.users, level.step)}"
    in_flight = wording.three_digits(level.concurrency)
    if abs(level.littles / level.completing - 1) > tolerance:
        completing, littles = map(wording.three_digits, (level.completing, level.littles))
        trouble = (
            f"{at} the measurement contradicts itself: {completing} requests were in flight on "
            f"average, but by Little's law throughput times latency makes them {littles}, where "
            f"{wording.share(round(tolerance, 3))} may be chance"
        )
    elif level.users is not None and level.concurrency > level.users * (1 + EDGES) + 1:
        trouble = (
            f"{at} the measurement contradicts itself: {in_flight} requests were in flight on "
            "average, more than there are users"
        )
    elif (
        level.server_concurrency is not None
        and level.server_concurrency > (1 + tolerance) * level.concurrency + 1
    ):
        of_server = wording.three_digits(level.server_concurrency)
        trouble = (
            f"{at} the server had {of_server} requests by its own gauges, and {in_flight} of them "
            "were ours: others load it too"
        )
    return replace(level, trouble=trouble)


def _law(fitted: Fitted, concurrency: FloatArray, confidence: float) -> ScalingLaw:
    law = fitted.law

    def estimate(of: Callable[[Law], float]) -> Estimate:
        return _estimate(of(law), [of(drawn) for drawn in fitted.draws], confidence)

    least, most = float(concurrency.min()), float(concurrency.max())
    grid = np.geomspace(min(least, 1.0), BEYOND * most, CURVE_POINTS)
    grid = np.unique(np.concatenate([grid, [least, most]]))
    drawn = np.array([each.throughput(grid) for each in fitted.draws])
    miss = (1 - confidence) / 2
    lows, highs = np.quantile(drawn, [miss, 1 - miss], axis=0)
    curve = tuple(
        CurvePoint(n, x, low, high, least <= n <= most)
        for n, x, low, high in zip(
            grid.tolist(), law.throughput(grid).tolist(), lows.tolist(), highs.tolist(), strict=True
        )
    )
    return ScalingLaw(
        alone_per_s=estimate(lambda each: each.alone),
        contention=estimate(lambda each: each.contention),
        crosstalk=estimate(lambda each: each.crosstalk),
        knee=estimate(lambda each: each.knee),
        most_per_s=estimate(_most),
        misfit=fitted.misfit,
        fits=fitted.fits,
        curve=curve,
    )


def _most(law: Law) -> float:
    if math.isfinite(law.knee):
        return float(law.throughput(np.array([max(law.knee, 1.0)]))[0])
    return law.alone / law.contention if law.contention > 0 else math.inf


def _estimate(value: float, drawn: Sequence[float], confidence: float) -> Estimate:
    """With the bootstrap's percentiles, which are values that were drawn."""
    miss = (1 - confidence) / 2
    ordered = sorted(drawn)
    low = ordered[math.floor(miss * (len(ordered) - 1))]
    high = ordered[math.ceil((1 - miss) * (len(ordered) - 1))]
    return Estimate(*(each if math.isfinite(each) else None for each in (value, low, high)))
