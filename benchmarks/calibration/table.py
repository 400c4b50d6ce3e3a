"""The table of error rates and power, as Markdown."""

from collections.abc import Mapping

from benchmarks.calibration.rows import ALLOWED, OTHERS, Row, Tally

MOST = 0.07
"""What the upper 95 % bound of a false rate has to stay within."""

_COMPARED = ("point", "binomial", "ranks", "loadproof", "looking")
_POWER = (("HOLDS", 0.003), ("HOLDS", 0.005), ("BROKEN", 0.02))
_HEAD = (
    "series",
    "n",
    "runs",
    "false HOLDS",
    "false BROKEN",
    "HOLDS at 0.3 %",
    "HOLDS at 0.5 %",
    "BROKEN at 2 %",
    "requests at 0.3 / 2 %",
)


def table(found: Mapping[Row, Tally]) -> str:
    """Both tables, with a heading each."""
    return (
        "### p99, at true shares over the limit of 0.3, 0.5, 1 and 2 %\n\n"
        f"{_main_table(found)}\n\n"
        "### Other objectives whose limit is the truth: false HOLDS / false BROKEN\n\n"
        f"{_other_table(found)}"
    )


def _other_table(found: Mapping[Row, Tally]) -> str:
    kinds = ("mean", *OTHERS)
    lines = [f"| series | n | {' | '.join(kinds)} |", f"|---|---:|{'---:|' * len(kinds)}"]
    for row, tally in found.items():
        cells = (
            " / ".join(
                f"{100 * tally.rate(kind, ALLOWED, ruling):.1f}" for ruling in ("HOLDS", "BROKEN")
            )
            for kind in kinds
        )
        lines.append(f"| {row.process.name} | {row.n:,} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _main_table(found: Mapping[Row, Tally]) -> str:
    """A line a row; each cell has the methods in the order of _COMPARED, in percent of the runs."""
    lines = [
        f"| {' | '.join(_HEAD)} |",
        f"|{'|'.join('---' if index == 0 else '---:' for index in range(len(_HEAD)))}|",
    ]
    name = ""
    for row, tally in found.items():
        cells = [
            row.process.name if row.process.name != name else "",
            f"{row.n:,}",
            f"{tally.runs:,}",
            _false(tally, "HOLDS"),
            _false(tally, "BROKEN"),
            *(_power(tally, ruling, truth) for ruling, truth in _POWER),
            " / ".join(f"{tally.mean_requests('looking', truth):,.0f}" for truth in (0.003, 0.02)),
        ]
        name = row.process.name
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _false(tally: Tally, ruling: str) -> str:
    """With the upper bound of the last two; bold where that is more than it may be."""
    shown = []
    for method in _COMPARED:
        rate = f"{100 * tally.rate(method, ALLOWED, ruling):.1f}"
        if method in ("loadproof", "looking"):
            most = tally.at_most(method, ALLOWED, ruling)
            rate += f" (≤ {100 * most:.1f})"
            if most > MOST:
                rate = f"**{rate}**"
        shown.append(rate)
    return " / ".join(shown)


def _power(tally: Tally, ruling: str, truth: float) -> str:
    """Of the methods that do not always say something."""
    return " / ".join(
        f"{100 * tally.rate(method, truth, ruling):.0f}"
        for method in ("ranks", "loadproof", "looking")
    )
