"""Throughput and latency against concurrency: measured with intervals, the law fitted to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from xml.etree import ElementTree

from loadproof.analysis.wording import three_digits
from loadproof.model.scaling import CurvePoint, Scaling, ScalingLaw, ScalingLevel
from loadproof.report.chart import (
    HEIGHT,
    WIDTH,
    Position,
    draw_value_axis,
    line,
    number,
    svg_element,
    text,
)
from loadproof.report.scale import Scale, log_scale, value_scale

_LEFT, _TOP, _RIGHT, _BOTTOM = 52, 26, 18, 44
_HALF_NAME = 58
"""Pixels of half of the longest name above a knee."""
STANDARD_ERRORS = 1.96
"""Of the intervals drawn about measured throughput: 95 %."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """One chart: `of` gives a level's value and its interval, `along` the law's value and band."""

    title: str
    unit: str
    of: Callable[[ScalingLevel], tuple[float, float, float]]
    along: Callable[[CurvePoint], tuple[float, float, float]]


def _throughput_of(level: ScalingLevel) -> tuple[float, float, float]:
    reach = STANDARD_ERRORS * level.error_per_s
    return (
        level.requests_per_s,
        max(level.requests_per_s - reach, 0.0),
        level.requests_per_s + reach,
    )


def _latency_of(level: ScalingLevel) -> tuple[float, float, float]:
    relative = STANDARD_ERRORS * level.error_per_s / level.requests_per_s
    return level.latency_s, level.latency_s * (1 - relative), level.latency_s * (1 + relative)


def _throughput_along(point: CurvePoint) -> tuple[float, float, float]:
    return point.requests_per_s, point.low, point.high


def _latency_along(point: CurvePoint) -> tuple[float, float, float]:
    """R = N / X (Little's law)."""
    n = point.concurrency
    return n / point.requests_per_s, n / point.high, n / point.low


CHARTS = (
    Drawn("Throughput", "requests per second", _throughput_of, _throughput_along),
    Drawn("Latency", "mean end to end, seconds", _latency_of, _latency_along),
)


def scaling_svg(drawn: Drawn, scaling: Scaling) -> str:
    """The chart as an SVG element; needs a law. Its colours come from the page's style sheet."""
    law = scaling.law
    assert law is not None, "a chart of a law"
    right, bottom = WIDTH - _RIGHT, HEIGHT - _BOTTOM
    levels = [*scaling.levels]
    places = [point.concurrency for point in law.curve]
    x = _place_scale(min(places), max(places), right)
    values = [drawn.of(level)[2] for level in levels]
    values += [drawn.along(point)[0] for point in law.curve]
    y = value_scale([0.0, *values], bottom, _TOP)
    svg = svg_element(WIDTH, HEIGHT, f"{drawn.title} by requests in flight")
    _draw_knee(svg, law, x)
    draw_value_axis(svg, y, lambda value: f"{value:,.10g}", _LEFT, right)
    for tick in x.ticks:
        text(svg, (x.at(tick), bottom + 17), f"{tick:,.10g}", "tick", anchor="middle")
    text(svg, ((_LEFT + right) / 2, HEIGHT - 8), "requests in flight", "axis", "middle")
    group = ElementTree.SubElement(svg, "g", {"class": "series c1"})
    band = [(point.concurrency, *drawn.along(point)[1:]) for point in law.curve]
    around = [(x.at(n), y.at(high)) for n, _, high in band]
    around += [(x.at(n), y.at(low)) for n, low, _ in reversed(band)]
    ElementTree.SubElement(group, "polygon", {"points": _points(around), "class": "band"})
    for measured, part in _stretches(law.curve):
        path = [(x.at(point.concurrency), y.at(drawn.along(point)[0])) for point in part]
        style = {} if measured else {"class": "predicted"}
        ElementTree.SubElement(group, "polyline", {"points": _points(path), **style})
    for level in levels:
        _draw_level(group, level, drawn, x, y)
    return ElementTree.tostring(svg, encoding="unicode")


def _place_scale(least: float, most: float, right: float) -> Scale:
    """A logarithmic scale without room at its ends."""
    roomy = log_scale(least, most, _LEFT, right)
    ticks = tuple(tick for tick in roomy.ticks if least <= tick <= most)
    return Scale(least, most, _LEFT + 10, right, log=True, ticks=ticks)


def _draw_knee(svg: ElementTree.Element, law: ScalingLaw, x: Scale) -> None:
    """Behind all else; to the right edge where it has no upper bound."""
    if law.knee.low is None:
        return
    begin = x.at(law.knee.low)
    end = x.end if law.knee.high is None else x.at(law.knee.high)
    box = {"x": begin, "y": _TOP, "width": max(end - begin, 2.0), "height": HEIGHT - _BOTTOM - _TOP}
    attributes = {name: number(value) for name, value in box.items()}
    ElementTree.SubElement(svg, "rect", {"class": "knee", **attributes})
    name = "knee, no upper bound" if law.knee.high is None else "knee"
    middle = (begin + end) / 2
    if law.knee.high is None:
        middle = min(middle, x.end - _HALF_NAME)
    text(svg, (middle, _TOP - 8), name, "knee-text", "middle")


def _stretches(curve: Sequence[CurvePoint]) -> list[tuple[bool, list[CurvePoint]]]:
    """Runs of measured and of predicted points, each joined to the one before."""
    parts: list[tuple[bool, list[CurvePoint]]] = []
    for before, after in pairwise(curve):
        measured = before.measured and after.measured
        if not parts or parts[-1][0] is not measured:
            parts.append((measured, [before]))
        parts[-1][1].append(after)
    return parts


def _draw_level(
    group: ElementTree.Element, level: ScalingLevel, drawn: Drawn, x: Scale, y: Scale
) -> None:
    value, low, high = drawn.of(level)
    px, py = x.at(level.concurrency), y.at(value)
    line(group, (px, y.at(low)), (px, y.at(high)), "interval")
    spot = ElementTree.SubElement(group, "g")
    ElementTree.SubElement(
        spot, "title"
    ).text = f"{three_digits(value)} at {three_digits(level.concurrency)} in flight"
    for radius, style in ((10, "reach"), (3.6, "dot" if level.trouble is None else "dot doubted")):
        at = {"cx": number(px), "cy": number(py), "r": number(radius)}
        ElementTree.SubElement(spot, "circle", {**at, "class": style})


def _points(positions: Sequence[Position]) -> str:
    return " ".join(f"{number(px)},{number(py)}" for px, py in positions)
