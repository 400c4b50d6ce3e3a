"""Scales of a chart: from values to positions, and the ticks that people read them by."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

_LOG_FROM = 12.0
"""From this ratio of largest to smallest on, equal ratios are easier to read than differences."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A line from `low` to `high` in values, drawn from `start` to `end` in pixels."""

    low: float
    high: float
    start: float
    end: float
    log: bool
    ticks: tuple[float, ...]

    def at(self, value: float) -> float:
        """Where `value` stands; values beyond an end stand at it."""
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        if self.log:
            low, high, value = math.log(low), math.log(high), math.log(value)
        return self.start + (value - low) / (high - low) * (self.end - self.start)


def value_scale(values: Sequence[float], start: float, end: float) -> Scale:
    """A scale for measured values that are 0 or more: logarithmic where they span much."""
    positive = [value for value in values if value > 0]
    if not positive:
        return Scale(0.0, 1.0, start, end, log=False, ticks=(0.0, 1.0))
    least, most = min(positive), max(positive)
    if len(positive) == len(values) and most / least >= _LOG_FROM:
        return log_scale(least, most, start, end)
    step = _nice_step(most)
    count = math.ceil(most / step * 1.04)
    ticks = tuple(k * step for k in range(count + 1))
    return Scale(0.0, count * step, start, end, log=False, ticks=ticks)


def log_scale(least: float, most: float, start: float, end: float) -> Scale:
    """A logarithmic scale with ticks at 1, 2 and 5 times the powers of ten, or fewer of them."""
    for mantissas in ((1, 2, 5), (1, 3), (1,)):
        decades = range(math.floor(math.log10(least)) - 1, math.ceil(math.log10(most)) + 2)
        grid = [mantissa * 10.0**decade for decade in decades for mantissa in mantissas]
        low = max(tick for tick in grid if tick <= least * 0.97)
        high = min(tick for tick in grid if tick >= most * 1.03)
        ticks = tuple(tick for tick in grid if low <= tick <= high)
        if len(ticks) <= 7:
            break
    return Scale(low, high, start, end, log=True, ticks=ticks)


def share_scale(start: float, end: float) -> Scale:
    """From 0 to 1."""
    return Scale(0.0, 1.0, start, end, log=False, ticks=(0.0, 0.25, 0.5, 0.75, 1.0))


def place_scale(values: Sequence[float], start: float, end: float) -> Scale:
    """A scale whose ticks are the given values themselves, such as the load levels of a run."""
    ticks = tuple(sorted(set(values)))
    least, most = ticks[0], ticks[-1]
    if least == most:
        return Scale(least - 1, most + 1, start, end, log=False, ticks=ticks)
    log = least > 0 and most / least >= _LOG_FROM / 2
    return Scale(least, most, start, end, log, ticks)


def time_scale(length_s: float, start: float, end: float) -> Scale:
    """From 0 to `length_s`, with ticks at round times."""
    steps = (1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 43200, 86400)
    step = next((step for step in steps if length_s / step <= 10), steps[-1])
    ticks = tuple(float(k * step) for k in range(int(length_s // step) + 1))
    return Scale(0.0, max(length_s, 1e-3), start, end, log=False, ticks=ticks)


def spread(positions: Sequence[float], gap: float, low: float, high: float) -> list[float]:
    """`positions` moved as little as it takes to be `gap` apart, in order, within the bounds."""
    order = sorted(range(len(positions)), key=lambda index: positions[index])
    moved = list(positions)
    previous = low - gap
    for index in order:
        moved[index] = previous = max(positions[index], previous + gap)
    excess = previous - high
    limit = high
    for index in reversed(order if excess > 0 else []):
        moved[index] = min(moved[index], limit)
        limit = moved[index] - gap
    return moved


def _nice_step(most: float) -> float:
    rough = most / 4
    power = 10.0 ** math.floor(math.log10(rough))
    return next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)


Label = Callable[[float], str]
