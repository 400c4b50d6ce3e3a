"""Line charts over the load levels of a run, as SVG.

Drawn here rather than by a script in the page: such a page needs no permission to run anything, so
it is the same in a browser, in a pipeline's artifact viewer that allows no scripts, and on paper.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

from loadproof.report.scale import Label, Scale, place_scale, share_scale, spread, value_scale
from loadproof.report.signs import plain

WIDTH, HEIGHT = 440, 268
_LEFT, _TOP, _BOTTOM = 52, 14, 44
_LETTER = 6.9
"""About how wide a letter of a line's name is; the names stand to the right of the lines."""
_LABEL_GAP = 13

Position = tuple[float, float]
"""Pixels from the left and from the top."""


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a series at one level; `title` is what a pointer shows, `low` and `high` the
    interval around it, where there is one."""

    place: float
    value: float
    title: str
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True)
class Series:
    """A line; `style` is its CSS class, which gives colour and dash."""

    name: str
    style: str
    points: tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit of an objective, drawn as a dashed line."""

    value: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """What to draw. `places` are the levels' positions with their labels."""

    title: str
    unit: str
    series: tuple[Series, ...]
    places: dict[float, str]
    label: Label
    limits: tuple[Limit, ...] = ()
    shares: bool = False


def chart_svg(chart: Chart) -> str:
    """The chart as an SVG element. Its colours come from the page's style sheet."""
    offsets = _offsets(chart)
    names = max((len(series.name) for series in chart.series), default=0)
    right = WIDTH - 16 - _LETTER * names - max(offsets, default=0.0)
    x = place_scale(list(chart.places), _LEFT + 14, right - 8)
    y = _value_axis(chart)
    svg = svg_element(WIDTH, HEIGHT, f"{chart.title}, by concurrent users")
    draw_value_axis(svg, y, chart.label, _LEFT, right)
    if y.log:
        text(svg, (right, _TOP - 2), "logarithmic", "tick", anchor="end")
    for place, name in chart.places.items():
        text(svg, (x.at(place), HEIGHT - _BOTTOM + 17), name, "tick", anchor="middle")
    middle = (_LEFT + right) / 2
    text(svg, (middle, HEIGHT - 8), "concurrent users", "axis", "middle")
    for limit in chart.limits:
        height = y.at(limit.value)
        line(svg, (_LEFT, height), (right, height), "limit", limit.text)
    for series, offset in zip(chart.series, offsets, strict=True):
        _draw_series(svg, series, x, y, offset)
    for limit in chart.limits:
        below = 12 if chart.shares else -4
        text(svg, (_LEFT + 4, y.at(limit.value) + below), limit.text, "limit-text")
    _draw_names(svg, chart, x, y, offsets)
    return ElementTree.tostring(svg, encoding="unicode")


def svg_element(width: int, height: int, label: str) -> ElementTree.Element:
    """An empty drawing that says what it shows to those who cannot see it."""
    return ElementTree.Element(
        "svg", {"viewBox": f"0 0 {width} {height}", "role": "img", "aria-label": plain(label)}
    )


def draw_value_axis(
    parent: ElementTree.Element, y: Scale, label: Label, left: float, right: float
) -> None:
    """Grid lines with their values to the left."""
    for tick in y.ticks:
        height = y.at(tick)
        line(parent, (left, height), (right, height), "grid")
        text(parent, (left - 7, height + 4), label(tick), "tick", anchor="end")


def line(
    parent: ElementTree.Element, start: Position, end: Position, style: str, title: str = ""
) -> None:
    """A straight line."""
    names = ("x1", "y1", "x2", "y2")
    ends = {name: number(value) for name, value in zip(names, (*start, *end), strict=True)}
    element = ElementTree.SubElement(parent, "line", {"class": style, **ends})
    if title:
        ElementTree.SubElement(element, "title").text = plain(title)


def text(
    parent: ElementTree.Element, at: Position, content: str, style: str, anchor: str = "start"
) -> None:
    """A line of text; `at` is its baseline's start, middle or end, as `anchor` says."""
    element = ElementTree.SubElement(
        parent,
        "text",
        {"x": number(at[0]), "y": number(at[1]), "class": style, "text-anchor": anchor},
    )
    element.text = plain(content)


def number(value: float) -> str:
    """A coordinate: a tenth of a pixel is enough."""
    return f"{value:.1f}".removesuffix(".0")


def _value_axis(chart: Chart) -> Scale:
    bottom, top = HEIGHT - _BOTTOM, _TOP + 6
    if chart.shares:
        return share_scale(bottom, top)
    values = [point.value for series in chart.series for point in series.points]
    return value_scale([*values, *(limit.value for limit in chart.limits)], bottom, top)


def _offsets(chart: Chart) -> list[float]:
    """Sideways shifts that keep the intervals of several series apart."""
    with_intervals = any(p.low is not None for series in chart.series for p in series.points)
    if not with_intervals:
        return [0.0] * len(chart.series)
    middle = (len(chart.series) - 1) / 2
    return [7.0 * (index - middle) for index in range(len(chart.series))]


def _draw_series(
    svg: ElementTree.Element, series: Series, x: Scale, y: Scale, offset: float
) -> None:
    group = ElementTree.SubElement(svg, "g", {"class": f"series {series.style}"})
    at = [(x.at(point.place) + offset, y.at(point.value)) for point in series.points]
    if len(at) > 1:
        points = " ".join(f"{number(px)},{number(py)}" for px, py in at)
        ElementTree.SubElement(group, "polyline", {"points": points})
    for point, (px, py) in zip(series.points, at, strict=True):
        if point.low is not None and point.high is not None:
            line(group, (px, y.at(point.low)), (px, y.at(point.high)), "interval")
        spot = ElementTree.SubElement(group, "g")
        ElementTree.SubElement(spot, "title").text = plain(point.title)
        for radius, style in ((10, "reach"), (3.6, "dot")):
            ElementTree.SubElement(
                spot,
                "circle",
                {"cx": number(px), "cy": number(py), "r": number(radius), "class": style},
            )


def _draw_names(
    svg: ElementTree.Element, chart: Chart, x: Scale, y: Scale, offsets: Sequence[float]
) -> None:
    """Each line's name at its end, moved apart where lines end close together."""
    ends = [(series, series.points[-1]) for series in chart.series if series.points]
    heights = [y.at(point.value) for _, point in ends]
    places = spread(heights, _LABEL_GAP, _TOP + 4, HEIGHT - _BOTTOM)
    most = max((x.at(point.place) for _, point in ends), default=0.0) + max(offsets, default=0.0)
    for (series, _), height in zip(ends, places, strict=True):
        text(svg, (most + 9, height + 4), series.name, f"name {series.style}")
