"""The page in a real browser: it fits a phone, and all of it is drawn without a script."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from loadproof.analysis.judge import analyse
from loadproof.recording.directory import REPORT
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


@pytest.mark.skipif(BROWSER is None, reason="no chromium or chrome on this machine")
@pytest.mark.parametrize("width", [360, 1280])
def test_the_page_fits_its_width_and_draws_its_charts(tmp_path: Path, width: int) -> None:
    run = write_lifelike_run(tmp_path / "run")
    recorded = read_run(run)
    write_reports(run, recorded, analyse(recorded, run))
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(report=REPORT, width=width))
    assert BROWSER is not None
    found = subprocess.run(
        [
            *(BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run"),
            *("--allow-file-access-from-files", f"--user-data-dir={tmp_path / 'profile'}"),
            *("--virtual-time-budget=5000", "--dump-dom", frame.as_uri()),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    title = re.search(r"<title>(\d+) / (\d+) / (.*?)</title>", found.stdout)
    assert title is not None, found.stdout[:2000] + found.stderr[:2000]
    assert int(title[1]) <= width
    assert int(title[2]) == 4 + 4 + 1
    assert title[3] == "rgb(251, 230, 229)"
