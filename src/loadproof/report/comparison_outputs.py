"""All reports of a comparison, written into one directory."""

from pathlib import Path

from loadproof.model.comparison import Comparison
from loadproof.model.errors import RunUnwritableError
from loadproof.recording.directory import COMPARISON, COMPARISON_PAGE, COMPARISON_SUMMARY
from loadproof.recording.outputs import write_output
from loadproof.report.comparison_json import encode_comparison
from loadproof.report.comparison_markdown import comparison_md
from loadproof.report.comparison_page import comparison_html


def write_comparison(folder: Path, comparison: Comparison) -> Path:
    """Writes comparison.json, comparison.md and comparison.html into `folder`, which is made where
    it lacks, and returns the path of the page. Raises RunUnwritableError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunUnwritableError(f"{folder}: cannot be made: {error.strerror}") from None
    write_output(folder, COMPARISON, encode_comparison(comparison))
    write_output(folder, COMPARISON_SUMMARY, comparison_md(comparison))
    return write_output(folder, COMPARISON_PAGE, comparison_html(comparison))
