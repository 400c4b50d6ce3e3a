"""comparison.md: a comparison for a pull request, in GitHub's and GitLab's Markdown."""

from loadproof.analysis import wording
from loadproof.model.comparison import Change, Comparison, Contrast
from loadproof.report import comparison_cells as cells
from loadproof.report.markdown import code, table, text


def comparison_md(comparison: Comparison) -> str:
    """What decided it, what to know first, and each metric by level; equal ones folded away."""
    blocks = [
        f"## {text(cells.title(comparison))}",
        f"**{text(cells.headline(comparison))}** Exit code {comparison.exit_code}.",
    ]
    failures = [
        f"- ✗ fail on `{code(rule.rule)}`: {text(failure)}"
        for rule in comparison.rules
        for failure in rule.failures
    ]
    passed = [f"- ✓ `{code(rule.rule)}`" for rule in comparison.rules if not rule.failures]
    if comparison.rules:
        blocks.append("\n".join([*failures, *passed]))
    said = [*comparison.notes, *comparison.missing_levels]
    if said:
        blocks.append("\n".join(f"- {text(note)}" for note in said))
    for level, contrasts in cells.by_level(comparison).items():
        blocks.append(f"### {text(level)}")
        blocks.append(_table([c for c in contrasts if c.change is not Change.EQUIVALENT]))
        same = [c for c in contrasts if c.change is Change.EQUIVALENT]
        if same:
            summary = f"{len(same)} equivalent within their margins"
            folded = _table(same)
            blocks.append(f"<details><summary>{summary}</summary>\n\n{folded}\n\n</details>")
    confidence = wording.share_limit(comparison.confidence)
    blocks.append(
        f"<sub>BASE `{code(comparison.base.run)}`, NEW `{code(comparison.new.run)}`. "
        f"Each bound holds at {confidence} confidence. {cells.ALSO}</sub>"
    )
    return "\n\n".join(block for block in blocks if block) + "\n"


def _table(contrasts: list[Contrast]) -> str:
    if not contrasts:
        return ""
    head = ["Metric", "BASE", "NEW", "Change", "Between", "n", ""]
    rows = [
        [
            f"`{code(contrast.metric)}`",
            cells.value(contrast.base, contrast.family),
            cells.value(contrast.new, contrast.family),
            cells.difference(contrast),
            cells.bounds(contrast),
            cells.n(contrast),
            _change(contrast.change),
        ]
        for contrast in contrasts
    ]
    return table(head, rows, right=range(1, 6))


def _change(change: Change) -> str:
    said = f"{cells.MARKS[change]} {change}"
    return f"**{said}**" if change in (Change.WORSE, Change.BETTER, Change.INVALID) else said
