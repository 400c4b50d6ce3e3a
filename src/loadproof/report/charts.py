"""Which charts a report has: percentiles, throughput and quality against concurrency."""

from collections.abc import Callable, Sequence

from loadproof.analysis import wording
from loadproof.model.objective import Kind, Objective
from loadproof.model.verdict import Level
from loadproof.report import cells
from loadproof.report.chart import Chart, Limit, Point, Series
from loadproof.report.signs import METRIC_NAMES

_PERCENTILES = ("p50", "p95", "p99")
_LATENCIES = ("ttft", "itl", "e2e")


def charts_of(levels: Sequence[Level], objectives: Sequence[Objective]) -> list[Chart]:
    """The charts for which there is something to draw, latencies first."""
    used = [level for level in levels if level.sent]
    if not used:
        return []
    places = _places(used)
    found = [_latency_chart(metric, used, places, objectives) for metric in _LATENCIES]
    found.insert(2, _throughput_chart(used, places, objectives))
    tasks = dict.fromkeys(quality.task for level in used for quality in level.qualities)
    found += [_quality_chart(task, used, places, objectives) for task in tasks]
    return [chart for chart in found if any(series.points for series in chart.series)]


def _places(levels: Sequence[Level]) -> dict[int, float]:
    """Where each step stands: at its users, or in its turn where users do not tell them apart."""
    users = [level.users for level in levels]
    if None in users or len(set(users)) < len(users):
        return {level.step: float(index) for index, level in enumerate(levels)}
    return {level.step: float(level.users or 0) for level in levels}


def _labels(levels: Sequence[Level], places: dict[int, float]) -> dict[float, str]:
    named = {places[level.step]: cells.users(level) for level in levels}
    return dict(sorted(named.items()))


def _series(
    name: str,
    style: str,
    levels: Sequence[Level],
    places: dict[int, float],
    point: Callable[[Level, float], Point | None],
) -> Series:
    found = (point(level, places[level.step]) for level in levels)
    points = sorted((p for p in found if p is not None), key=lambda p: p.place)
    return Series(name, style, tuple(points))


def _latency_chart(
    metric: str,
    levels: Sequence[Level],
    places: dict[int, float],
    objectives: Sequence[Objective],
) -> Chart:
    def point_of(quantile: str) -> Callable[[Level, float], Point | None]:
        def point(level: Level, place: float) -> Point | None:
            row = level.latencies.get(metric)
            value_ms = None if row is None else getattr(row, quantile)
            if value_ms is None:
                return None
            at = wording.level(level.users, level.step)
            return Point(place, value_ms, f"{quantile} at {at}: {wording.milliseconds(value_ms)}")

        return point

    return Chart(
        title=METRIC_NAMES[metric],
        unit="ms",
        series=tuple(
            _series(quantile, f"q{index + 1}", levels, places, point_of(quantile))
            for index, quantile in enumerate(_PERCENTILES)
        ),
        places=_labels(levels, places),
        label=_tick,
        limits=tuple(
            Limit(objective.limit, objective.text)
            for objective in objectives
            if objective.metric == metric
            and objective.task is None
            and objective.kind in (Kind.PERCENTILE, Kind.MEAN)
        ),
    )


def _throughput_chart(
    levels: Sequence[Level], places: dict[int, float], objectives: Sequence[Objective]
) -> Chart:
    def point(level: Level, place: float) -> Point | None:
        if level.tokens_per_s is None or not level.completed:
            return None
        at = wording.level(level.users, level.step)
        title = f"{wording.count(level.tokens_per_s)} tokens/s at {at}"
        return Point(place, level.tokens_per_s, title)

    return Chart(
        title="Throughput",
        unit="output tokens per second",
        series=(_series("tokens/s", "c1", levels, places, point),),
        places=_labels(levels, places),
        label=_tick,
        limits=tuple(
            Limit(objective.limit, objective.text)
            for objective in objectives
            if objective.metric == "output_tokens" and objective.task is None
        ),
    )


def _quality_chart(
    task: str,
    levels: Sequence[Level],
    places: dict[int, float],
    objectives: Sequence[Objective],
) -> Chart:
    def point_of(metric: str) -> Callable[[Level, float], Point | None]:
        def point(level: Level, place: float) -> Point | None:
            for quality in level.qualities:
                if (quality.task, quality.metric) == (task, metric):
                    at = wording.level(level.users, level.step)
                    low, high = wording.share(quality.low), wording.share(quality.high)
                    title = (
                        f"{metric} at {at}: {wording.share(quality.mean)} "
                        f"({low} to {high}) of {wording.count(quality.n)} answers"
                    )
                    return Point(place, quality.mean, title, quality.low, quality.high)
            return None

        return point

    metrics = dict.fromkeys(
        quality.metric for level in levels for quality in level.qualities if quality.task == task
    )
    return Chart(
        title=f"Answer quality: {task}",
        unit="with intervals",
        series=tuple(
            _series(metric.replace("_", " "), f"c{index % 3 + 1}", levels, places, point_of(metric))
            for index, metric in enumerate(metrics)
        ),
        places=_labels(levels, places),
        label=wording.share,
        limits=tuple(
            Limit(objective.limit, objective.text)
            for objective in objectives
            if objective.kind is Kind.QUALITY and objective.task == task
        ),
        shares=True,
    )


def _tick(value: float) -> str:
    return f"{value:,.10g}"
