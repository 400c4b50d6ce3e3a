"""How claims stand, in a terminal."""

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loadproof.analysis import wording
from loadproof.model.standing import ClaimsVerdict, Standing, TestedClaim
from loadproof.report.signs import plain

_MARKS = {
    Standing.REPRODUCED: ("✓", "green"),
    Standing.REFUTED: ("✗", "bold red"),
    Standing.INCONCLUSIVE: ("?", "yellow"),
    Standing.NOT_TESTED: ("–", "dim"),
}


def print_claims(verdict: ClaimsVerdict, console: Console) -> None:
    """Prints each model's claims with what every level says of them, then what they leave out."""
    console.print()
    runs = ", ".join(verdict.runs)
    console.print(Text(plain(f"Claims of {verdict.source} on {runs}"), style="bold"))
    for heading in dict.fromkeys(_heading(claim) for claim in verdict.claims):
        console.print()
        console.print(Text(plain(heading), style="bold"))
        for claim in verdict.claims:
            if _heading(claim) == heading:
                _print_claim(claim, console)
    for title, sentences in (
        ("The claims contradict each other", verdict.contradictions),
        ("What the claims leave out", verdict.gaps),
    ):
        if sentences:
            console.print()
            console.print(Text(title, style="bold"))
        for sentence in sentences:
            console.print(_hanging(Text(plain(f"- {sentence}"))))
    console.print()
    console.print(Text(_closing(verdict)))


def _heading(claim: TestedClaim) -> str:
    against = f", more than {claim.against}" if claim.against else ""
    return f"{claim.model}{f' on {claim.gpu}' if claim.gpu else ''}{against}"


def _print_claim(claim: TestedClaim, console: Console) -> None:
    mark, style = _MARKS[claim.standing]
    line = Text.assemble(
        (mark, style), " ", (plain(claim.claim), "bold"), "  ", plain(claim.summary)
    )
    console.print(_hanging(line))
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    for column in range(3):
        table.add_column(no_wrap=column < 2, overflow="fold")
    several = len({test.run for test in claim.tests}) > 1
    for test in claim.tests:
        if test.step is None and not several:
            continue  # the summary has said it
        mark, style = _MARKS[test.standing]
        where = "" if test.step is None else wording.level(test.users, test.step)
        name = f"{test.run} {where}".strip() if several else where
        said = Text(f"{mark} {test.standing}", style=style)
        told = "" if test.reason in claim.summary else test.reason
        parts = [part for part in (test.measured, told) if part]
        table.add_row(Text(plain(name)), said, Text(plain("; ".join(parts))))
    if table.row_count:
        console.print(Padding(table, (0, 0, 0, 6)))


def _closing(verdict: ClaimsVerdict) -> str:
    counts = {s: sum(claim.standing is s for claim in verdict.claims) for s in Standing}
    said = ", ".join(f"{count} {standing}" for standing, count in counts.items() if count)
    return (
        f"Of {len(verdict.claims)} claims: {said}; each at "
        f"{wording.share_limit(verdict.confidence)} confidence. Exit code {verdict.exit_code}"
    )


def _hanging(text: Text) -> Padding:
    return Padding(text, (0, 0, 0, 2))
