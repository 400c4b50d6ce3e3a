"""The page in a real browser: it fits a phone, and all of it is drawn without a script."""

import io
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from rich.console import Console

from loadproof.analysis.judge import analyse
from loadproof.commands.compare import compare
from loadproof.model.exit_codes import ExitCode
from loadproof.recording.directory import COMPARISON_PAGE, REPORT
from loadproof.recording.reader import read_run
from loadproof.report.outputs import write_reports
from unit.lifelike_run import write_lifelike_run

BROWSER = next(
    (
        path
        for name in ("chromium", "chromium-browser", "google-chrome")
        if (path := shutil.which(name))
    ),
    None,
)
RUNS = (("base", 12), ("run", 10))
FRAME = """<!doctype html><iframe id="page" src="run/{report}" style="width:{width}px;height:900px">
</iframe><script>
const frame = document.getElementById("page");
frame.onload = () => {{
  const page = frame.contentDocument;
  const charts = [...page.querySelectorAll("svg")].map((svg) => svg.getBoundingClientRect());
  document.title = [
    page.documentElement.scrollWidth,
    charts.filter((box) => box.width > 250 && box.height > 100).length,
    getComputedStyle(page.querySelector(".badge")).backgroundColor,
  ].join(" / ");
}};
</script>"""


def title_of(folder: Path, report: str, width: int) -> re.Match[str]:
    """Width, charts and the badge's colour of a page of the run in `folder`, as it is drawn."""
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(report=report, width=width))
    assert BROWSER is not None
    found = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--allow-file-access-from-files", f"--user-data-dir={folder / 'profile'}"),
            *("--virtual-time-budget=5000", "--dump-dom", frame.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    title = re.search(r"<title>(\d+) / (\d+) / (.*?)</title>", found.stdout)
    assert title is not None, found.stdout[:2000] + found.stderr[:2000]
    return title


@pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on this machine")
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_its_width_and_draws_its_charts(tmp_path: Path, width: int) -> None:
    run = write_lifelike_run(tmp_path / "run")
    recorded = read_run(run)
    write_reports(run, recorded, analyse(recorded, run))
    title = title_of(tmp_path, REPORT, width)
    assert int(title[1]) <= width
    assert int(title[2]) == 4 + 4 + 1
    assert title[3] == "rgb(251, 230, 229)"


@pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on this machine")
@pytest.mark.parametrize("width", [360, 1280])
def test_a_comparison_fits_its_width_and_shows_what_it_fails_on(tmp_path: Path, width: int) -> None:
    runs = [write_lifelike_run(tmp_path / name, requests_a_user=more) for name, more in RUNS]
    console = Console(file=io.StringIO(), width=100)
    code = compare(runs[0], runs[1], [], ["undecided"], None, console)
    title = title_of(tmp_path, COMPARISON_PAGE, width)
    assert code == ExitCode.INCONCLUSIVE
    assert int(title[1]) <= width
    assert title[3] == "rgb(251, 230, 229)"
