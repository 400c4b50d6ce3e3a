"""The timeline of a run as SVG: requests, memory and the server's queue over time.

A run may hold a million requests and a page should not: what is drawn is thinned out here, such
that the slowest request of every stretch of time stays.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

from loadproof.analysis import wording
from loadproof.model.record import Outcome
from loadproof.recording.reader import RecordedRun
from loadproof.report.chart import draw_value_axis, line, number, svg_element, text
from loadproof.report.scale import Label, Scale, log_scale, time_scale, value_scale
from loadproof.report.signs import METRIC_NAMES

WIDTH = 920
_LEFT, _RIGHT, _TOP = 58, 16, 34
_REQUESTS_HEIGHT, _LINES_HEIGHT, _BETWEEN, _BOTTOM = 190, 92, 40, 40
_COLUMNS = 400
_POINTS_A_COLUMN = 8
_FEW = 4_000
"""Up to so many requests are all drawn."""

FloatArray = npt.NDArray[np.float64]
Line = tuple[FloatArray, FloatArray]
"""Times in seconds and values, both of shape (n,)."""


@dataclass(frozen=True, slots=True)
class Timeline:
    """The drawing, and how many of how many requests are in it."""

    svg: str
    drawn: int
    requests: int


@dataclass(frozen=True, slots=True)
class _Band:
    """A load level in time, in seconds: warm-up from `start_s`, measured until `end_s`."""

    name: str
    start_s: float
    measuring_s: float
    end_s: float


def timeline(run: RecordedRun) -> Timeline | None:
    """The timeline of a run; None where it has no requests."""
    if not run.records:
        return None
    begin_ns = min(record.start_ns for record in run.records)
    end_ns = max(record.end_ns for record in run.records)
    for event in run.events:
        if event.get("kind") in ("step_start", "step_end"):
            begin_ns = min(begin_ns, event["t_ns"])
            end_ns = max(end_ns, event["t_ns"])
    panels = _line_panels(run, begin_ns, end_ns)
    height = _TOP + _REQUESTS_HEIGHT + len(panels) * (_BETWEEN + _LINES_HEIGHT) + _BOTTOM
    svg = svg_element(WIDTH, height, "Timeline of requests, memory and the server's queue")
    x = time_scale((end_ns - begin_ns) / 1e9, _LEFT, WIDTH - _RIGHT)
    _draw_bands(svg, _bands(run, begin_ns, end_ns), x, height - _BOTTOM)
    drawn = _draw_requests(svg, run, begin_ns, x)
    top = _TOP + _REQUESTS_HEIGHT + _BETWEEN
    for title, label, lines in panels:
        _draw_lines(svg, title, label, lines, x, top)
        top += _LINES_HEIGHT + _BETWEEN
    for tick in x.ticks:
        text(svg, (x.at(tick), height - _BOTTOM + 17), _time(tick), "tick", anchor="middle")
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    text(svg, (middle, height - 6), "time since the start", "axis", "middle")
    return Timeline(ElementTree.tostring(svg, encoding="unicode"), drawn, len(run.records))


def thinned(times_s: FloatArray, values: FloatArray, length_s: float) -> npt.NDArray[np.intp]:
    """Indexes of the samples to draw, of shape (k,): all of a few, else at most _POINTS_A_COLUMN
    of each of _COLUMNS stretches of the time.

    Of a stretch that has more, the smallest and the largest stay, and of the rest as many at even
    distances of rank as there is room for.
    """
    if len(times_s) <= _FEW:
        return np.arange(len(times_s))
    column = np.minimum((times_s / max(length_s, 1e-9) * _COLUMNS).astype(np.int64), _COLUMNS - 1)
    order = np.lexsort((values, column))
    kept = []
    for part in np.split(order, np.flatnonzero(np.diff(column[order])) + 1):
        if len(part) <= _POINTS_A_COLUMN:
            kept.append(part)
        else:
            kept.append(part[np.linspace(0, len(part) - 1, _POINTS_A_COLUMN).round().astype(int)])
    return np.concatenate(kept) if kept else np.zeros(0, dtype=np.intp)


def _bands(run: RecordedRun, begin_ns: int, end_ns: int) -> list[_Band]:
    starts: dict[int, dict[str, float]] = {}
    names: dict[int, str] = {}
    for event in run.events:
        step = event.get("step")
        if not isinstance(step, int):
            continue
        at_s = (event["t_ns"] - begin_ns) / 1e9
        starts.setdefault(step, {})[event["kind"]] = at_s
        if event["kind"] == "step_start":
            names[step] = wording.level(event.get("users"), step)
    whole_s = (end_ns - begin_ns) / 1e9
    return [
        _Band(
            names[step],
            times["step_start"],
            times.get("step_measuring", times["step_start"]),
            times.get("step_end", whole_s),
        )
        for step, times in sorted(starts.items())
        if "step_start" in times
    ]


def _draw_bands(svg: ElementTree.Element, bands: Sequence[_Band], x: Scale, bottom: float) -> None:
    for index, band in enumerate(bands):
        left, measuring, right = x.at(band.start_s), x.at(band.measuring_s), x.at(band.end_s)
        for start, end, style in ((left, measuring, "warm"), (measuring, right, "measured")):
            if end > start:
                ElementTree.SubElement(
                    svg,
                    "rect",
                    {
                        "x": number(start),
                        "y": number(_TOP - 6),
                        "width": number(end - start),
                        "height": number(bottom - _TOP + 6),
                        "class": f"band {style} {'odd' if index % 2 else 'even'}",
                    },
                )
        if right - left > 8:
            text(svg, ((left + right) / 2, _TOP - 14), band.name, "band-name", anchor="middle")


def _draw_requests(svg: ElementTree.Element, run: RecordedRun, begin_ns: int, x: Scale) -> int:
    """Draws each request's TTFT at its start, and failures as crosses; how many were drawn."""
    kinds: dict[str, tuple[list[float], list[float]]] = {
        name: ([], []) for name in ("warm", "done", "failed")
    }
    for record in run.records:
        at_s = (record.start_ns - begin_ns) / 1e9
        if record.outcome is not Outcome.COMPLETED:
            times, values = kinds["failed"]
            times.append(at_s)
            values.append(0.0)
        elif record.ttft_ms is not None:
            times, values = kinds["warm" if record.warmup else "done"]
            times.append(at_s)
            values.append(record.ttft_ms)
    ttfts_ms = [value for name in ("warm", "done") for value in kinds[name][1] if value > 0]
    bottom = _TOP + _REQUESTS_HEIGHT
    if ttfts_ms:
        y = log_scale(min(ttfts_ms), max(ttfts_ms), bottom, _TOP + 14)
    else:
        y = value_scale([], bottom, _TOP + 14)
    text(svg, (_LEFT, _TOP + 6), "Time to first token of each request, ms", "panel")
    draw_value_axis(svg, y, _plain_number, _LEFT, WIDTH - _RIGHT)
    drawn = 0
    for name, (times, values) in kinds.items():
        at, heights = np.array(times, dtype=np.float64), np.array(values, dtype=np.float64)
        kept = thinned(at, heights, x.high)
        drawn += len(kept)
        shape = "m-3-3l6 6m-6 0l6-6" if name == "failed" else "h0"
        spots = [
            f"M{number(x.at(at[i]))} "
            f"{number(bottom - 7 if name == 'failed' else y.at(heights[i]))}{shape}"
            for i in kept
        ]
        if spots:
            attributes = {"class": f"requests {name}", "d": "".join(spots)}
            ElementTree.SubElement(svg, "path", attributes)
    return drawn


def _line_panels(
    run: RecordedRun, begin_ns: int, end_ns: int
) -> list[tuple[str, Label, dict[str, Line]]]:
    """Those panels for which there are samples."""
    memory = _first_sampled(run, ("gpu_memory", "server_memory", "host_memory"), begin_ns, end_ns)
    panels: list[tuple[str, Label, dict[str, Line]]] = []
    if memory:
        name = next(iter(memory))
        panels.append((METRIC_NAMES[name], wording.size, {"": memory[name]}))
    queue = {
        name: found
        for name in ("running", "waiting")
        if (found := _sampled(run, name, begin_ns, end_ns)) is not None
    }
    if queue:
        panels.append(("Requests in the server", _plain_number, queue))
    usage = _sampled(run, "kv_usage", begin_ns, end_ns)
    if usage is not None:
        panels.append((METRIC_NAMES["kv_usage"], wording.share, {"": usage}))
    return panels


def _first_sampled(
    run: RecordedRun, names: Sequence[str], begin_ns: int, end_ns: int
) -> dict[str, Line]:
    for name in names:
        found = _sampled(run, name, begin_ns, end_ns)
        if found is not None:
            return {name: found}
    return {}


def _sampled(run: RecordedRun, name: str, begin_ns: int, end_ns: int) -> Line | None:
    """One sampled quantity within the run, its highest value in each stretch of time."""
    samples = [
        ((line["t_ns"] - begin_ns) / 1e9, float(value))
        for line in run.telemetry
        if begin_ns <= line["t_ns"] <= end_ns
        and (value := line.get(name, (line.get("metrics") or {}).get(name))) is not None
    ]
    if len(samples) < 2:
        return None
    samples.sort()
    array = np.array(samples, dtype=np.float64)
    length_s = max((end_ns - begin_ns) / 1e9, 1e-9)
    column = np.minimum((array[:, 0] / length_s * _COLUMNS).astype(np.int64), _COLUMNS - 1)
    order = np.lexsort((array[:, 1], column))
    last = np.append(np.flatnonzero(np.diff(column[order])), len(order) - 1)
    kept = order[last]
    return array[kept, 0], array[kept, 1]


def _draw_lines(
    svg: ElementTree.Element,
    title: str,
    label: Label,
    lines: dict[str, Line],
    x: Scale,
    top: float,
) -> None:
    bottom = top + _LINES_HEIGHT
    most = max(float(values.max()) for _, values in lines.values())
    y = value_scale([0.0, most], bottom, top)
    if len(y.ticks) > 4:
        y = Scale(y.low, y.high, y.start, y.end, log=False, ticks=y.ticks[::2])
    draw_value_axis(svg, y, label, _LEFT, WIDTH - _RIGHT)
    left = float(_LEFT)
    text(svg, (left, top - 9), title + (":" if len(lines) > 1 else ""), "panel")
    left += 7.2 * len(title)
    for index, (name, (times_s, values)) in enumerate(lines.items()):
        style = f"series c{index + 1}"
        points = " ".join(
            f"{number(x.at(t))},{number(y.at(v))}" for t, v in zip(times_s, values, strict=True)
        )
        group = ElementTree.SubElement(svg, "g", {"class": style})
        ElementTree.SubElement(group, "polyline", {"points": points})
        if name:
            line(group, (left, top - 13), (left + 16, top - 13), "key")
            text(svg, (left + 20, top - 9), name, f"name c{index + 1}")
            left += 32 + 7 * len(name)


def _plain_number(value: float) -> str:
    return f"{value:,.10g}"


def _time(seconds: float) -> str:
    """90 as "1:30"."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
