"""The page: it says what was judged, fetches nothing, and shows what others wrote as text."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from loadproof.analysis.judge import analyse
from loadproof.recording.reader import read_run
from loadproof.report.page import report_html
from loadproof.report.scale import log_scale, place_scale, spread, value_scale
from loadproof.report.timeline import thinned, timeline
from unit.lifelike_run import write_lifelike_run
from unit.made_up_run import MadeUpLevel, write_made_up_run

VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Text, tags and addresses of a page; fails on tags that are not closed in order."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.open: list[str] = []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [
            value or "" for name, value in attrs if name in ("src", "href", "action")
        ]
        assert not [name for name, _ in attrs if name.startswith("on")]

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split()).replace("\u00a0", " ")


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Page:
    return page_of(write_lifelike_run(tmp_path_factory.mktemp("runs") / "run"))


def page_of(run: Path) -> Page:
    recorded = read_run(run)
    return Page(report_html(recorded, analyse(recorded, run)))


def test_the_page_fetches_and_runs_nothing(page: Page) -> None:
    assert page.addresses == []
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)


def test_the_page_says_verdict_server_and_that_it_is_simulated(page: Page) -> None:
    assert "✗ BROKEN" in page.text
    assert "SIMULATED server" in page.text
    assert "Broken: p99(ttft) <= 400ms at 64 users" in page.text


def test_every_judgement_is_given_with_its_reason(tmp_path: Path, page: Page) -> None:
    run = write_lifelike_run(tmp_path / "run")
    for judgement in analyse(read_run(run), run).judgements:
        assert judgement.reason in page.text


def test_charts_and_timeline_are_drawn(page: Page) -> None:
    for title in ("Time to first token", "Inter-token latency", "Throughput", "GPU memory"):
        assert title in page.text
    assert page.tags.count("svg") == 4 + 4 + 1
    assert "Requests in the server" in page.text


def test_what_others_wrote_is_shown_and_never_obeyed(tmp_path: Path) -> None:
    evil = "</style></svg><script>alert(1)</script><img src=x onerror=alert(1)>\x1b[2J"
    found = page_of(write_lifelike_run(tmp_path / "run", server=evil, failure_detail=evil))
    assert "script" not in found.tags
    assert "img" not in found.tags
    assert found.text.count("<script>alert(1)</script>") >= 3


def test_a_run_that_measured_nothing_has_a_page(tmp_path: Path) -> None:
    found = page_of(write_made_up_run(tmp_path / "run", [], end=None))
    assert "? INCONCLUSIVE" in found.text
    assert "no request completed" in found.text


def test_a_run_without_objectives_telemetry_or_users_has_a_page(tmp_path: Path) -> None:
    found = page_of(write_made_up_run(tmp_path / "run", [MadeUpLevel(None, [50.0] * 5)]))
    assert "NOT JUDGED" in found.text
    assert "SIMULATED" not in found.text


def test_a_million_requests_fit_a_page_of_2_mb(tmp_path: Path) -> None:
    run = write_lifelike_run(tmp_path / "run")
    recorded = read_run(run)
    verdict = analyse(recorded, run)
    many = replace(recorded, records=recorded.records * (1_000_000 // len(recorded.records)))
    assert len(report_html(many, verdict)) < 2_000_000


def test_a_thinned_timeline_keeps_the_slowest_and_the_fastest_of_every_moment() -> None:
    rng = np.random.default_rng(3)
    times_s, values = rng.uniform(0, 100, 200_000), rng.lognormal(4, 1, 200_000)
    kept = thinned(times_s, values, 100.0)
    assert len(kept) <= 8 * 400
    assert len(set(kept.tolist())) == len(kept)
    for moment in range(0, 400, 37):
        inside = np.flatnonzero((times_s * 4).astype(int) == moment)
        drawn = kept[(times_s[kept] * 4).astype(int) == moment]
        assert values[drawn].max() == values[inside].max()
        assert values[drawn].min() == values[inside].min()


def test_steps_are_marked_in_the_timeline(tmp_path: Path) -> None:
    drawn = timeline(read_run(write_lifelike_run(tmp_path / "run")))
    assert drawn is not None
    assert re.findall(r'class="band-name"[^>]*>([^<]*)', drawn.svg) == [
        "1 user",
        "4 users",
        "16 users",
        "64 users",
    ]
    assert drawn.drawn == drawn.requests == 1080


def test_scales_hold_their_values_and_read_in_round_numbers() -> None:
    linear = value_scale([3.0, 9.7], 100, 0)
    assert (linear.low, linear.ticks[-1] >= 9.7) == (0.0, True)
    log = value_scale([0.4, 900.0], 100, 0)
    assert log.log
    assert log.low <= 0.4
    assert log.high >= 900
    assert log_scale(50, 50, 100, 0).at(50) > 0
    assert place_scale([16, 1, 4], 0, 90).ticks == (1, 4, 16)
    assert place_scale([16], 0, 90).at(16) == 45
    assert value_scale([], 100, 0).ticks == (0.0, 1.0)


def test_names_of_lines_that_end_together_are_moved_apart() -> None:
    moved = spread([50.0, 51.0, 52.0], 13, 0, 60)
    assert moved == [60 - 26, 60 - 13, 60]
    assert spread([10.0, 90.0], 13, 0, 100) == [10.0, 90.0]
