"""How a comparison's figures and sentences are worded, the same in every report."""

from collections import Counter

from loadproof.analysis import wording
from loadproof.model.comparison import Change, Comparison, Contrast, Family, Figure, Party
from loadproof.report.cells import NOTHING

MARKS = {
    Change.BETTER: "▲",
    Change.WORSE: "▼",
    Change.EQUIVALENT: "=",
    Change.UNDECIDED: "?",
    Change.OBSERVED: "·",
    Change.INVALID: "⊘",
}
"""So that no report relies on colour alone."""

SAID = {
    Change.WORSE: "worse",
    Change.BETTER: "better",
    Change.EQUIVALENT: "equivalent",
    Change.UNDECIDED: "undecided",
    Change.INVALID: "invalid",
    Change.OBSERVED: "shown only",
}

ALSO = (
    "WORSE and BETTER allow for all metrics and levels together; EQUIVALENT means within the "
    "margin, beyond doubt; memory is as observed, not judged."
)


def value(figure: Figure | None, family: Family) -> str:
    """A figure with its unit."""
    return NOTHING if figure is None else amount(figure.value, family)


def amount(number: float, family: Family) -> str:
    """A number of this family with its unit."""
    match family:
        case Family.LATENCY:
            return wording.milliseconds(number)
        case Family.THROUGHPUT:
            return f"{number:,.3g}/s" if number < 1000 else f"{number:,.0f}/s"
        case Family.MEMORY:
            return wording.size(number)
        case _:
            return wording.share(number)


def difference(contrast: Contrast) -> str:
    """The difference with its sign."""
    return _change(contrast.difference, contrast)


def bounds(contrast: Contrast) -> str:
    """Both bounds of the difference, each with its sign; ∞ for one that is not known."""
    if contrast.family is Family.MEMORY or (contrast.low is None and contrast.high is None):
        return NOTHING
    low = "−∞" if contrast.low is None else _change(contrast.low, contrast)
    high = "∞" if contrast.high is None else _change(contrast.high, contrast)
    return f"{low} … {high}"


def margin(contrast: Contrast) -> str:
    """The margin within which differences count for nothing."""
    if contrast.margin is None:
        return NOTHING
    return wording.amount(contrast.margin, relative=contrast.relative)


def n(contrast: Contrast) -> str:
    """Requests in both runs: one number where they are the same."""
    counts = [0 if figure is None else figure.n for figure in (contrast.base, contrast.new)]
    return " / ".join(dict.fromkeys(map(wording.count, counts)))


def headline(comparison: Comparison) -> str:
    """How many metrics went which way, in a sentence."""
    counts = Counter(contrast.change for contrast in comparison.contrasts)
    judged = sum(counts.values()) - counts[Change.OBSERVED]
    if not judged:
        return "Nothing was measured in both runs."
    said = [f"{counts[change]} {word}" for change, word in SAID.items() if counts[change]]
    levels = len({contrast.step for contrast in comparison.contrasts})
    where = "one load level" if levels == 1 else f"{levels} load levels"
    return f"{judged} judgements at {where}: {', '.join(said)}."


def title(comparison: Comparison) -> str:
    """What was compared."""
    base, new = comparison.base.server, comparison.new.server
    servers = f"{new} against itself" if base == new else f"{new} against {base}"
    return f"{comparison.scenario}: {servers}"


def party(found: Party) -> str:
    """A run in a line."""
    return f"{found.run} ({found.model} on {found.engine})"


def by_level(comparison: Comparison) -> dict[str, list[Contrast]]:
    """The contrasts of each level by the level's name."""
    levels: dict[tuple[int, int | None], list[Contrast]] = {}
    for contrast in comparison.contrasts:
        levels.setdefault((contrast.step, contrast.users), []).append(contrast)
    return {wording.level(users, step): found for (step, users), found in levels.items()}


def _change(number: float | None, contrast: Contrast) -> str:
    return NOTHING if number is None else wording.change(number, relative=contrast.relative)
