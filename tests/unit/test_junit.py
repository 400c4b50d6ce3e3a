"""JUnit XML: every judgement is a case, and whatever is no pass is visible."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from loadproof.analysis.judge import analyse
from loadproof.model.record import Failure
from loadproof.model.verdict import RunVerdict
from loadproof.recording.reader import read_run
from loadproof.report.junit import junit_xml
from unit.made_up_run import MadeUpLevel, write_made_up_run

P99 = "p99(ttft) <= 120ms"
GOOD, BAD, FEW = [100.0] * 400, [131.0] * 400, [100.0] * 20


def verdict_of(tmp_path: Path, *levels: MadeUpLevel, **options: Any) -> RunVerdict:
    run = write_made_up_run(tmp_path / "run", levels, **({"objectives": [P99]} | options))
    return analyse(read_run(run), run)


def suite_of(verdict: RunVerdict) -> ElementTree.Element:
    root = ElementTree.fromstring(junit_xml(verdict))
    (suite,) = root.findall("testsuite")
    return suite


def test_a_case_an_objective_and_level(tmp_path: Path) -> None:
    levels = [MadeUpLevel(1, GOOD), MadeUpLevel(16, BAD), MadeUpLevel(64, FEW)]
    suite = suite_of(verdict_of(tmp_path, *levels))
    cases = {case.attrib["name"]: case for case in suite.findall("testcase")}
    assert list(cases) == [f"{P99} @ {users}" for users in ("1 user", "16 users", "64 users")]
    assert {case.attrib["classname"] for case in cases.values()} == {"ramp.made-up"}
    assert [[child.tag for child in case] for case in cases.values()] == [
        ["system-out"],
        ["failure"],
        ["error"],
    ]
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("3", "1", "1")
    failure = cases[f"{P99} @ 16 users"].find("failure")
    assert failure is not None
    assert failure.get("message", "").startswith("BROKEN: p99 was 131 ms; 400 of 400 requests")


@pytest.mark.parametrize(
    "options",
    [
        {"end": None},
        {"end": "interrupted"},
        {"end": "server_failed"},
        {"events": [{"kind": "warning", "message": "late", "invalid": True}]},
        {"objectives": [{"require": P99, "at": [64]}], "planned": []},
    ],
)
def test_no_run_with_another_exit_code_than_0_is_all_green(
    tmp_path: Path, options: dict[str, Any]
) -> None:
    verdict = verdict_of(tmp_path, MadeUpLevel(1, GOOD), **options)
    suite = suite_of(verdict)
    assert verdict.exit_code != 0
    assert int(suite.get("failures", "0")) + int(suite.get("errors", "0")) > 0


def test_a_run_without_objectives_is_one_case_that_passes(tmp_path: Path) -> None:
    (case,) = suite_of(verdict_of(tmp_path, MadeUpLevel(1, GOOD), objectives=[])).findall(
        "testcase"
    )
    assert (case.get("name"), list(case)) == ("run", [])


def test_percentiles_are_properties(tmp_path: Path) -> None:
    suite = suite_of(verdict_of(tmp_path, MadeUpLevel(16, GOOD)))
    found = {p.attrib["name"]: p.attrib["value"] for p in suite.iter("property")}
    assert found["16 users/ttft/p99_ms"] == "100.000"
    assert found["16 users/sent"] == "400"
    assert found["ruling"] == "HOLDS"


def test_whatever_a_server_is_called_or_says_it_stays_xml(tmp_path: Path) -> None:
    verdict = verdict_of(
        tmp_path,
        MadeUpLevel(1, GOOD, failures={Failure.RESET: 9}),
        server='<b>&"\x00\x1b[31m\ufffe',
        events=[{"kind": "warning", "message": "]]> <failure/> \x0b"}],
    )
    suite = suite_of(verdict)
    assert suite.get("name", "").startswith('ramp.<b>&"')
    assert "]]> <failure/>" in (suite.findtext("system-out") or "")


SCHEMA = {
    "testsuites": ({"testsuite"}, set(), {"name", "time", "tests", "failures", "errors"}),
    "testsuite": (
        {"testsuite", "properties", "testcase", "system-out", "system-err"},
        {"name", "tests", "failures", "errors"},
        {
            "group",
            "time",
            "skipped",
            "timestamp",
            "hostname",
            "id",
            "package",
            "file",
            "log",
            "url",
        },
    ),
    "testcase": (
        {"skipped", "error", "failure", "system-out", "system-err"},
        {"name"},
        {"time", "classname", "group"},
    ),
    "properties": ({"property"}, set(), set()),
    "property": (set(), {"name", "value"}, set()),
    "failure": (set(), set(), {"type", "message"}),
    "error": (set(), set(), {"type", "message"}),
    "system-out": (set(), set(), set()),
}
"""Children, required and further attributes, as in junit-10.xsd of Jenkins' xUnit plugin, which
refuses a file with anything else."""


@pytest.fixture(params=["ramp", "cut off", "without objectives", "failed"])
def any_verdict(request: pytest.FixtureRequest, tmp_path: Path) -> RunVerdict:
    levels = [MadeUpLevel(1, GOOD), MadeUpLevel(16, BAD), MadeUpLevel(64, FEW)]
    warning = {"kind": "warning", "message": "slow disk"}
    match request.param:
        case "cut off":
            return verdict_of(tmp_path, *levels, end=None, events=[warning])
        case "without objectives":
            return verdict_of(tmp_path, *levels, objectives=[], events=[warning])
        case "failed":
            return verdict_of(tmp_path, end="server_failed", planned=[])
        case _:
            return verdict_of(tmp_path, *levels)


def test_jenkins_schema_allows_all_of_it(any_verdict: RunVerdict) -> None:
    for element in ElementTree.fromstring(junit_xml(any_verdict)).iter():
        children, required, further = SCHEMA[element.tag]
        assert {child.tag for child in element} <= children
        assert required <= set(element.attrib) <= required | further
        if element.tag in ("testsuite", "testsuites"):
            assert re.fullmatch(r"\d+\.\d{3}", element.attrib["time"])


def test_gitlab_finds_each_case_and_its_reason(any_verdict: RunVerdict) -> None:
    """It goes by class and name, drops the second of two that share them, and shows the text of
    a failure alone."""
    cases = suite_of(any_verdict).findall("testcase")
    assert len({(case.get("classname"), case.get("name")) for case in cases}) == len(cases)
    for case in cases:
        for complaint in (*case.findall("failure"), *case.findall("error")):
            assert complaint.text == complaint.get("message")
            assert len(complaint.text or "") > 20


def test_two_levels_of_the_same_users_are_two_cases(tmp_path: Path) -> None:
    suite = suite_of(verdict_of(tmp_path, MadeUpLevel(16, GOOD), MadeUpLevel(16, BAD)))
    assert [case.get("name") for case in suite.findall("testcase")] == [
        f"{P99} @ 16 users, step 0",
        f"{P99} @ 16 users, step 1",
    ]


def test_the_times_of_the_cases_add_up_to_that_of_the_levels(tmp_path: Path) -> None:
    verdict = verdict_of(
        tmp_path, MadeUpLevel(1, GOOD), objectives=[P99, "rate(failed) <= 1%", "mean(e2e) <= 9s"]
    )
    suite = suite_of(verdict)
    times_s = [float(case.attrib["time"]) for case in suite.findall("testcase")]
    assert sum(times_s) == pytest.approx(verdict.levels[0].duration_s, abs=0.01)
    assert float(suite.attrib["time"]) == pytest.approx(sum(times_s), abs=0.01)


def test_a_name_with_dots_is_one_class_in_jenkins(tmp_path: Path) -> None:
    verdict = verdict_of(tmp_path, MadeUpLevel(1, GOOD), server="qwen-1.5b")
    assert suite_of(verdict).get("name") == "ramp.qwen-1_5b"


def test_the_suite_began_when_the_run_did(tmp_path: Path) -> None:
    verdict = replace(verdict_of(tmp_path, MadeUpLevel(1, GOOD)), run="2026-11-23T21-08-43Z_x_y")
    assert suite_of(verdict).get("timestamp") == "2026-11-23T21:08:43Z"
