"""A comparison in a terminal: what to know first, then a table a load level."""

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loadproof.model.comparison import Change, Comparison, Contrast
from loadproof.report import comparison_cells as cells
from loadproof.report.signs import plain

STYLES = {
    Change.BETTER: "green",
    Change.WORSE: "bold red",
    Change.EQUIVALENT: "",
    Change.UNDECIDED: "yellow",
    Change.OBSERVED: "dim",
    Change.INVALID: "bold magenta",
}
_NARROW = 100
"""Below this width the bounds go without a column of their own."""


def print_comparison(comparison: Comparison, console: Console) -> None:
    """Prints the comparison as wide as `console` is; without escape codes into a pipe."""
    console.print()
    console.print(Text(plain(cells.title(comparison)), style="bold"))
    console.print(_hanging(Text(plain(f"BASE {cells.party(comparison.base)}"))))
    console.print(_hanging(Text(plain(f"NEW  {cells.party(comparison.new)}"))))
    console.print()
    said = [*comparison.notes, *comparison.missing_levels]
    for note in said:
        console.print(_hanging(Text.assemble(("! ", "yellow"), plain(note))))
    if said:
        console.print()
    for level, contrasts in cells.by_level(comparison).items():
        console.print(Text(level, style="bold"))
        console.print(_hanging(_table(contrasts, wide=console.width >= _NARROW)))
        console.print()
    invalid = {c.reason for c in comparison.contrasts if c.change is Change.INVALID}
    for reason in sorted(invalid):
        console.print(_hanging(Text(plain(reason), style=STYLES[Change.INVALID])))
    for rule in comparison.rules:
        failed = bool(rule.failures)
        mark = ("✗ ", "bold red") if failed else ("✓ ", "green")
        console.print(Text.assemble(mark, f"fail on {plain(rule.rule)}"))
        for failure in rule.failures:
            console.print(_hanging(Text(plain(failure))))
    console.print(Text(cells.headline(comparison)))
    console.print(Text(f"{cells.ALSO} Exit code {comparison.exit_code}.", style="dim"))


def _table(contrasts: list[Contrast], *, wide: bool) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("metric", overflow="fold")
    for head in ("BASE", "NEW", "change"):
        table.add_column(head, justify="right", no_wrap=True)
    if wide:
        table.add_column("between", justify="right", no_wrap=True)
        table.add_column("n", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for contrast in contrasts:
        row = [
            plain(contrast.metric),
            cells.value(contrast.base, contrast.family),
            cells.value(contrast.new, contrast.family),
            cells.difference(contrast),
        ]
        if wide:
            row += [cells.bounds(contrast), cells.n(contrast)]
        change = f"{cells.MARKS[contrast.change]} {contrast.change}"
        table.add_row(*map(Text, row), Text(change, style=STYLES[contrast.change]))
    return table


def _hanging(content: Text | Table) -> Padding:
    return Padding(content, (0, 0, 0, 2))
