"""`loadproof compare`: two recorded runs of a scenario, what has become better and what worse."""

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from loadproof.analysis.comparison import compare as compared
from loadproof.model.comparison_rules import parse_fail_on, parse_margin
from loadproof.model.errors import ConfigurationError
from loadproof.recording.reader import read_run
from loadproof.report.comparison_outputs import write_comparison
from loadproof.report.comparison_terminal import print_comparison


def compare(
    base: Path,
    new: Path,
    margins: Sequence[str],
    fail_on: Sequence[str],
    out: Path | None,
    console: Console,
) -> int:
    """Compares the runs in two directories and returns the exit code that `fail_on` asks for.

    Writes comparison.json, comparison.md and comparison.html into the directory `out`, which is
    made where it lacks, or into that of the new run. Raises ConfigurationError,
    RunUnreadableError, and RunUnwritableError.
    """
    parsed_margins = [parse_margin(text) for text in margins]
    rules = [parse_fail_on(text) for text in fail_on]
    if base.resolve() == new.resolve():
        raise ConfigurationError(
            f"{new}: the same run directory twice; expected two runs to compare"
        )
    runs = read_run(base), read_run(new)
    comparison = compared(runs, (base, new), parsed_margins, rules)
    page = write_comparison(out or new, comparison)
    print_comparison(comparison, console)
    console.print(f"  report: {page}", soft_wrap=True, highlight=False, markup=False)
    return comparison.exit_code
