"""comparison.html: one file that works offline, runs no script and asks nothing of any server."""

from functools import cache

from jinja2 import Environment
from markupsafe import Markup

from loadproof.analysis import wording
from loadproof.model.comparison import Change, Comparison, Contrast
from loadproof.report import comparison_cells as cells
from loadproof.report.environment import page_environment
from loadproof.report.forest import forest_svg


def comparison_html(comparison: Comparison) -> str:
    """The page. Every text that came from outside is escaped."""
    levels = cells.by_level(comparison)
    return (
        _environment()
        .get_template("comparison.html.j2")
        .render(
            comparison=comparison,
            headline=cells.headline(comparison),
            mark=_mark(comparison),
            levels=levels,
            matrix=_matrix(levels),
            parties=(("BASE", comparison.base), ("NEW", comparison.new)),
        )
    )


def strip(contrast: Contrast) -> Markup:
    """The contrast's strip; an ElementTree has escaped what is in it."""
    return Markup(forest_svg(contrast))


@cache
def _environment() -> Environment:
    environment = page_environment()
    environment.globals.update(cells=cells, wording=wording, marks=cells.MARKS, strip=strip)
    return environment


def _mark(comparison: Comparison) -> tuple[str, str]:
    """The style and the words of the badge: what the rules say, else the worst that was found."""
    if any(rule.failures for rule in comparison.rules):
        return "WORSE", "✗ FAILS"
    changes = {contrast.change for contrast in comparison.contrasts}
    if Change.INVALID in changes:
        return "INVALID", f"{cells.MARKS[Change.INVALID]} INVALID"
    if comparison.rules:
        return "BETTER", "✓ PASSES"
    for change in (Change.WORSE, Change.UNDECIDED, Change.BETTER, Change.EQUIVALENT):
        if change in changes:
            others = Change.BETTER in changes and change is Change.WORSE
            return str(change), f"{cells.MARKS[change]} {'MIXED' if others else change}"
    return "none", "– NOTHING COMPARED"


def _matrix(levels: dict[str, list[Contrast]]) -> list[tuple[str, list[Contrast | None]]]:
    """A row a metric, a cell a level; None where a level has none of it."""
    metrics = dict.fromkeys(contrast.metric for found in levels.values() for contrast in found)
    by_metric = [{contrast.metric: contrast for contrast in found} for found in levels.values()]
    return [(metric, [found.get(metric) for found in by_metric]) for metric in metrics]
