"""Draws the two pictures of docs/verdicts.md: `python -m benchmarks.calibration.pictures`."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.calibration.processes import Autoregressive, ExponentialQueue
from loadproof.stats.series import share_bounds

IMAGES = Path(__file__).parents[2] / "docs" / "images"
_REQUESTS = 700
_OVER = 21
_TEXT = 'font-family="sans-serif" font-size="13" fill="#333"'


def main() -> None:
    """Writes both into docs/images."""
    (IMAGES / "queue.svg").write_text(_queue(), encoding="utf-8")
    (IMAGES / "bounds.svg").write_text(_bounds(), encoding="utf-8")


def _queue() -> str:
    """As many requests over a limit, once independent and once of a queue."""
    rng = np.random.default_rng(12)
    panels = [
        ("independent requests", Autoregressive("", 0.0).runs(rng, 1, _REQUESTS)[0]),
        ("requests that wait in one queue", ExponentialQueue("", 0.9).runs(rng, 1, _REQUESTS)[0]),
    ]
    drawn = [
        _panel(title, values, 20 + 390 * place) for place, (title, values) in enumerate(panels)
    ]
    return _svg(800, 230, "\n".join(drawn))


def _panel(title: str, values: NDArray[np.float64], left: int) -> str:
    limit = np.sort(values)[-_OVER - 1]
    heights = 190 - 150 * values / values.max()
    at = left + np.arange(len(values)) * 360 / len(values)
    line = 190 - 150 * limit / values.max()
    points = [f"M{x:.0f} {y:.0f}h0" for x, y in zip(at, heights, strict=True)]
    dots = [
        f'<path d="{"".join(np.array(points)[which])}" stroke="{colour}" stroke-width="{size}" '
        'stroke-linecap="round"/>'
        for which, colour, size in (
            (values <= limit, "#7f8c8d", 2.5),
            (values > limit, "#c0392b", 6),
        )
    ]
    over = np.flatnonzero(values > limit)
    # Those that are less than a twentieth of the series apart are one bunch.
    bunches = 1 + int(np.count_nonzero(np.diff(over) > _REQUESTS / 20))
    counted = (
        f"{_OVER} of {_REQUESTS} over the limit, in {bunches} bunch{'es'[: 2 * (bunches > 1)]}"
    )
    return "\n".join(
        [
            f'<text x="{left}" y="20" {_TEXT}>{title}</text>',
            *dots,
            f'<line x1="{left}" x2="{left + 360}" y1="{line:.0f}" y2="{line:.0f}" '
            'stroke="#c0392b"/>',
            f'<text x="{left}" y="215" {_TEXT}>{counted}</text>',
        ]
    )


def _bounds() -> str:
    """Three results beside the share that p99 allows, by the bounds of 1,204 independent ones."""
    rows = []
    for place, (over, ruling) in enumerate([(4, "HOLDS"), (10, "INCONCLUSIVE"), (41, "BROKEN")]):
        values = np.zeros(1204)
        values[np.linspace(0, 1203, over).astype(int)] = 1.0
        found = share_bounds(values, 0.5, 0.95)
        low, high, dot = (_x(share) for share in (found.low, found.high, over / 1204))
        y = 45 + 45 * place
        rows += [
            f'<line x1="{low:.0f}" x2="{high:.0f}" y1="{y}" y2="{y}" stroke="#2c3e50" '
            'stroke-width="5"/>',
            f'<circle cx="{dot:.0f}" cy="{y}" r="6" fill="#2c3e50"/>',
            f'<text x="20" y="{y + 5}" {_TEXT}>{over} of 1,204 over: {ruling}</text>',
        ]
    allowed = _x(0.01)
    rows += [
        f'<line x1="{allowed:.0f}" x2="{allowed:.0f}" y1="20" y2="160" stroke="#c0392b" '
        'stroke-dasharray="4 3"/>',
        f'<text x="{allowed - 40:.0f}" y="180" {_TEXT}>1 % allowed</text>',
    ]
    return _svg(800, 195, "\n".join(rows))


def _x(share: float) -> float:
    return 250 + 520 * share / 0.045


def _svg(width: int, height: int, content: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">\n'
        f'<rect width="{width}" height="{height}" fill="white"/>\n{content}\n</svg>\n'
    )


if __name__ == "__main__":
    main()
