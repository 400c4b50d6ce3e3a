"""The pipelines of the kit: each command in them exists, and so does each file that they name."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from string import Template
from typing import Any

import pytest
from typer.main import get_command

from loadproof.cli import app
from loadproof.commands.gate import check_report_url
from loadproof.commands.kit import kit_folder
from loadproof.model.exit_codes import ExitCode
from loadproof.model.scenario import read_scenario
from loadproof.model.server import read_server
from loadproof.recording.directory import JUNIT, SUMMARY

yaml = pytest.importorskip("yaml")

KIT = kit_folder()
GITHUB, GITLAB = KIT / "ci/github-actions.yml", KIT / "ci/gitlab-ci.yml"


def github() -> dict[Any, Any]:
    found: dict[Any, Any] = yaml.safe_load(GITHUB.read_text(encoding="utf-8"))
    return found


def gitlab() -> dict[str, Any]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(GITLAB.read_text(encoding="utf-8"))
    return found["loadproof"]


def github_steps() -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = github()["jobs"]["gate"]["steps"]
    return steps


PIPELINES = {
    "github": (github()["env"], [step["run"] for step in github_steps() if "run" in step]),
    "gitlab": (gitlab()["variables"], [*gitlab()["script"], *gitlab()["after_script"]]),
}


def commands(name: str) -> Iterator[list[str]]:
    """The words of each call of loadproof, with the pipeline's variables put in."""
    variables, scripts = PIPELINES[name]
    for line in "\n".join(scripts).splitlines():
        if line.split()[:1] == ["loadproof"]:
            yield shlex.split(Template(line).safe_substitute(variables))[1:]


@pytest.mark.parametrize("name", PIPELINES)
def test_each_command_is_one_that_loadproof_has_with_these_options(name: str) -> None:
    found = list(commands(name))
    assert [words[0] for words in found] == ["run"]
    group: Any = get_command(app)
    for command, *arguments in found:
        context = group.commands[command].make_context(command, arguments)
        scenario, server = KIT / context.params["scenario"], KIT / context.params["server"]
        assert read_scenario(scenario).objectives
        found_server = read_server(server)
        assert found_server.start is not None or found_server.engine == "simulator"
        assert context.params["runs"] == Path("runs")


@pytest.mark.parametrize("name", PIPELINES)
def test_the_summary_links_a_report_that_can_be_reached(name: str) -> None:
    variables, _ = PIPELINES[name]
    url = re.sub(r"\$\{\{.*?\}\}", "x", variables["LOADPROOF_REPORT_URL"])
    check_report_url(url.replace("x/x", "https://x/x", 1).replace("$CI_JOB_URL", "https://x"))


def test_github_pins_the_major_version_of_each_action() -> None:
    used = [step["uses"] for step in github_steps() if "uses" in step]
    assert used
    assert all(re.fullmatch(r"[\w.-]+/[\w.-]+@v\d+", action) for action in used)


def test_github_shows_and_keeps_the_results_of_a_gate_that_failed() -> None:
    steps = {step.get("name", ""): step for step in github_steps()}
    after = ["Summary", "Keep the run", "Test cases"]
    assert [name for name in steps if name in after] == after
    assert list(steps).index("Gate") < list(steps).index("Summary")
    assert all(steps[name]["if"] == "${{ !cancelled() }}" for name in after)
    assert steps["Summary"]["run"] == f'cat runs/*/{SUMMARY} >> "$GITHUB_STEP_SUMMARY"'
    assert steps["Keep the run"]["with"]["path"] == "runs/"
    assert steps["Test cases"]["with"]["report_paths"] == f"runs/*/{JUNIT}"
    assert github()["permissions"]["checks"] == "write"


def test_gitlab_shows_and_keeps_the_results_of_a_gate_that_failed() -> None:
    artifacts = gitlab()["artifacts"]
    assert artifacts["when"] == "always"
    assert artifacts["paths"] == ["runs/"]
    assert artifacts["reports"]["junit"] == f"runs/*/{JUNIT}"
    assert f"runs/*/{SUMMARY}" in gitlab()["after_script"][0]
    assert gitlab()["allow_failure"]["exit_codes"] == ExitCode.INCONCLUSIVE
