"""Two runs compared: what is said of each metric, what fails, and what cannot be compared."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from loadproof.analysis.comparison import compare
from loadproof.cli import app
from loadproof.commands.schemas import schemas
from loadproof.model.comparison import Change, Comparison, Contrast
from loadproof.model.comparison_rules import parse_fail_on, parse_margin
from loadproof.model.errors import ConfigurationError, LoadproofError
from loadproof.model.exit_codes import ExitCode
from loadproof.recording.directory import (
    COMPARISON,
    COMPARISON_PAGE,
    COMPARISON_SUMMARY,
    HEADER,
)
from loadproof.recording.reader import read_run
from loadproof.report.comparison_json import decode_comparison, encode_comparison
from loadproof.report.comparison_markdown import comparison_md
from loadproof.report.comparison_page import comparison_html
from loadproof.report.comparison_terminal import print_comparison
from unit.made_up_run import MadeUpLevel, write_made_up_run
from unit.test_html_report import Page

ROOT = Path(__file__).parents[2]
PAST = "p99(ttft)"


def ttfts(n: int = 1_500, *, seed: int, slower: float = 1.0) -> list[float]:
    drawn = 100 * slower * np.random.default_rng(seed).lognormal(0, 0.2, n)
    return [round(float(value), 3) for value in drawn]


def level(users: int, seed: int, slower: float = 1.0, **more: Any) -> MadeUpLevel:
    return MadeUpLevel(users, ttfts(seed=seed, slower=slower), **more)


def compared(
    tmp_path: Path,
    base: Sequence[MadeUpLevel],
    new: Sequence[MadeUpLevel],
    *,
    margins: Sequence[str] = (),
    fail_on: Sequence[str] = (),
    **options: Any,
) -> Comparison:
    named = {"base": base, "new": new}
    paths = tuple(
        write_made_up_run(tmp_path / name, levels, **options) for name, levels in named.items()
    )
    return compare(
        (read_run(paths[0]), read_run(paths[1])),
        (paths[0], paths[1]),
        [parse_margin(text) for text in margins],
        [parse_fail_on(text) for text in fail_on],
    )


def of(comparison: Comparison, metric: str, users: int = 8) -> Contrast:
    (found,) = [c for c in comparison.contrasts if (c.metric, c.users) == (metric, users)]
    return found


@pytest.mark.parametrize(
    ("slower", "change"),
    [
        (1.0, Change.EQUIVALENT),
        (1.3, Change.WORSE),
        (0.7, Change.BETTER),
    ],
)
def test_a_latency_is_judged_by_its_difference(
    tmp_path: Path, slower: float, change: Change
) -> None:
    found = compared(tmp_path, [level(8, 1)], [level(8, 2, slower)])
    contrast = of(found, "p90(ttft)")
    assert contrast.change is change
    assert contrast.difference == pytest.approx(slower - 1, abs=0.05)
    assert contrast.low is not None
    assert contrast.high is not None
    assert contrast.low < contrast.difference < contrast.high
    assert found.exit_code == ExitCode.HOLDS


def test_a_wider_margin_makes_more_equivalent(tmp_path: Path) -> None:
    found = compared(tmp_path, [level(8, 1)], [level(8, 2, 1.05)], margins=["p90:10%"])
    assert of(found, "p90(ttft)").change is Change.EQUIVALENT
    assert of(found, "p50(ttft)").margin == 0.05


def test_a_difference_about_as_large_as_the_margin_is_undecided(tmp_path: Path) -> None:
    base, new = (MadeUpLevel(8, ttfts(300, seed=s, slower=1 + 0.05 * s)) for s in (0, 1))
    assert of(compared(tmp_path, [base], [new]), "p50(ttft)").change is Change.UNDECIDED


def test_few_requests_leave_it_undecided(tmp_path: Path) -> None:
    few = [MadeUpLevel(8, ttfts(40, seed=seed)) for seed in (1, 2)]
    found = compared(tmp_path, [few[0]], [few[1]])
    assert of(found, PAST).change is Change.UNDECIDED
    assert "too few independent requests" in of(found, PAST).reason


@pytest.mark.parametrize(
    ("rules", "code"),
    [
        ((), ExitCode.HOLDS),
        (("worse",), ExitCode.BROKEN),
        (("worse:5%",), ExitCode.BROKEN),
        (("worse:40%",), ExitCode.HOLDS),
        (("worse:ttft:5%",), ExitCode.BROKEN),
        (("worse:rate:5%",), ExitCode.HOLDS),
        (("undecided",), ExitCode.INCONCLUSIVE),
        (("undecided", "worse:p50(ttft):10%"), ExitCode.BROKEN),
        (("undecided:mean(tpot)",), ExitCode.HOLDS),
    ],
)
def test_rules_decide_the_exit_code(tmp_path: Path, rules: tuple[str, ...], code: ExitCode) -> None:
    base = [level(1, 1), MadeUpLevel(8, ttfts(60, seed=3))]
    new = [level(1, 2, 1.25), MadeUpLevel(8, ttfts(60, seed=4))]
    found = compared(tmp_path, base, new, fail_on=rules)
    assert found.exit_code == code
    assert [rule.rule for rule in found.rules] == list(rules)
    assert any(rule.failures for rule in found.rules) == (code is not ExitCode.HOLDS)


def test_higher_is_better_of_answers_and_throughput(tmp_path: Path) -> None:
    grades = [[{"accuracy": float(k % 100 < right)} for k in range(1_500)] for right in (90, 75)]
    base, new = (level(8, seed, task="commonsense", grades=g) for seed, g in enumerate(grades))
    found = compared(tmp_path, [base], [new], fail_on=["worse:accuracy:5%"])
    contrast = of(found, "accuracy(commonsense)")
    assert contrast.change is Change.WORSE
    assert contrast.difference == pytest.approx(-0.15)
    assert contrast.pairs == 1_500
    assert "1,500 pairs of answers to the same questions" in contrast.reason
    assert found.exit_code == ExitCode.BROKEN
    assert of(found, "throughput(requests)").lower_is_better is False


def test_answers_to_other_questions_are_compared_as_two_samples(tmp_path: Path) -> None:
    base = level(8, 1, task="commonsense", grades=[{"accuracy": 1.0}] * 300)
    paths = [write_made_up_run(tmp_path / "base", [base]), tmp_path / "new"]
    write_made_up_run(paths[1], [base])
    requests = (paths[1] / "requests.jsonl").read_text().replace("commonsense-", "other-")
    (paths[1] / "requests.jsonl").write_text(requests)
    found = compare((read_run(paths[0]), read_run(paths[1])), (paths[0], paths[1]))
    contrast = of(found, "accuracy(commonsense)")
    assert (contrast.pairs, contrast.difference) == (None, 0.0)


def every_eighth_fails(run: Path) -> None:
    lines = (run / "requests.jsonl").read_text().splitlines()
    for index in range(0, len(lines), 8):
        lines[index] = lines[index].replace('"completed"', '"failed"')
    (run / "requests.jsonl").write_text("\n".join(lines) + "\n")


def test_macro_f1_of_choices_is_compared_by_pairs(tmp_path: Path) -> None:
    """The options chosen and right are no grades themselves."""
    base, new = (
        level(
            8,
            1,
            task="medical_qa",
            grades=[
                {"accuracy": float(k % 10 < right), "truth": 2.0, "chosen": 2.0 - (k % 10 >= right)}
                for k in range(1_500)
            ],
        )
        for right in (9, 7)
    )
    found = compared(tmp_path, [base], [new])
    contrast = of(found, "macro_f1(medical_qa)")
    assert (contrast.change, contrast.pairs) == (Change.WORSE, 1_500)
    assert contrast.base is not None
    assert contrast.base.low is not None
    assert contrast.base.low < contrast.base.value
    assert not [c for c in found.contrasts if "chosen" in c.metric or "truth" in c.metric]


def test_failures_and_goodput_are_compared_in_points(tmp_path: Path) -> None:
    objectives = ["goodput(ttft <= 200ms) >= 50%", "goodput(e2e <= 1s) >= 1/s"]
    runs = [
        write_made_up_run(tmp_path / name, [level(8, 1)], objectives=objectives)
        for name in ("base", "new")
    ]
    every_eighth_fails(runs[1])
    found = compare((read_run(runs[0]), read_run(runs[1])), (runs[0], runs[1]))
    contrast = of(found, "rate(failed)")
    assert contrast.change is Change.WORSE
    assert contrast.difference == pytest.approx(188 / 1_500)
    good = of(found, "goodput(ttft <= 200ms)")
    assert (good.change, good.relative) == (Change.WORSE, False)
    rate = of(found, "goodput(e2e <= 1s)/s")
    assert (rate.relative, rate.difference) == (True, pytest.approx(-0.125, abs=0.01))


def test_memory_is_shown_and_not_judged(tmp_path: Path) -> None:
    base, new = (
        level(8, 1, telemetry=[{"gpu_memory": gigabytes * 10**9}] * 3) for gigabytes in (9, 18)
    )
    found = compared(tmp_path, [base], [new], fail_on=["worse", "undecided:memory"])
    contrast = of(found, "peak(gpu_memory)")
    assert (contrast.change, contrast.difference) == (Change.OBSERVED, 1.0)
    assert found.rules[1].failures == ()


def test_gaps_between_tokens_are_compared_by_request(tmp_path: Path) -> None:
    quick = [20.0 + k % 5 for k in range(1_500)]
    base = MadeUpLevel(8, quick, itl_ms=[2.0] * 9 + [4.0])
    new = MadeUpLevel(8, quick, itl_ms=[2.6] * 9 + [5.2])
    found = compared(tmp_path, [base], [new])
    for metric in ("p50(itl)", "mean(itl)", "p50(tpot)"):
        assert of(found, metric).change is Change.WORSE
        assert of(found, metric).difference == pytest.approx(0.3, abs=0.01)


def test_a_level_that_only_one_run_has_is_said(tmp_path: Path) -> None:
    found = compared(tmp_path, [level(1, 1), level(8, 2)], [level(1, 3)], planned=[1, 8])
    assert found.missing_levels == ("8 users: nothing was measured in NEW",)
    assert {contrast.users for contrast in found.contrasts} == {1}


def test_equal_loads_are_compared_in_their_order(tmp_path: Path) -> None:
    twice = [level(8, 1), level(8, 2, 1.5)]
    found = compared(tmp_path, twice, twice)
    assert [c.difference for c in found.contrasts if c.metric == PAST] == [0.0, 0.0]


def test_an_invalid_run_decides_nothing_and_is_said_at_the_top(tmp_path: Path) -> None:
    event = {"kind": "warning", "message": "a worker was lost", "invalid": True}
    found = compared(tmp_path, [level(8, 1)], [level(8, 2, 1.5)], events=[event], fail_on=["worse"])
    assert found.notes[0] == "BASE is INVALID: a worker was lost"
    assert {contrast.change for contrast in found.contrasts} == {Change.INVALID}
    assert found.exit_code == ExitCode.INVALID


def test_a_level_that_never_got_steady_is_no_evidence(tmp_path: Path) -> None:
    growing = [round(100 * (1 + k / 300), 3) for k in range(1_500)]
    found = compared(tmp_path, [level(8, 1)], [MadeUpLevel(8, growing)])
    contrast = of(found, PAST)
    assert contrast.change is Change.INVALID
    assert contrast.reason.startswith("NEW never got steady: ")
    assert found.exit_code == ExitCode.INVALID


def test_runs_that_ended_too_soon_are_said(tmp_path: Path) -> None:
    found = compared(tmp_path, [level(8, 1)], [level(8, 2)], end=None)
    assert "BASE was cut off before its end" in found.notes


def changed_header(run: Path, **changes: Any) -> None:
    header = json.loads((run / HEADER).read_text())
    for key, value in changes.items():
        header[key] |= value
    (run / HEADER).write_text(json.dumps(header))


def pair(tmp_path: Path, **changes: Any) -> list[str]:
    runs = [write_made_up_run(tmp_path / name, [level(8, 1)]) for name in ("base", "new")]
    changed_header(runs[1], **changes)
    return [str(run) for run in runs]


def run_compare(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["compare", *arguments])
    if isinstance(result.exception, LoadproofError):
        return ExitCode.BAD_CONFIGURATION, str(result.exception)
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


def test_what_the_runs_were_measured_with_is_said_where_it_differs(tmp_path: Path) -> None:
    code, output = run_compare(
        *pair(
            tmp_path,
            machine={"hostname": "bench-2"},
            server={"simulated": True},
            scenario={"name": "other", "seed": 9},
        )
    )
    said = " ".join(output.split())
    assert code == 0
    assert "NEW is of a SIMULATED server and the other is not" in said
    assert "bench-1, 2 CPUs, Linux in BASE, bench-2, 2 CPUs, Linux in NEW" in said
    assert "the scenarios differ in seed (1 in BASE, 9 in NEW); that changes no load" in said


@pytest.mark.parametrize(
    ("scenario", "said"),
    [
        (
            {"steps": [{"users": [8], "duration": "60s"}]},
            "steps[0].duration (30s in BASE, 1m in NEW)",
        ),
        (
            {"traffic": [{"task": "boxed_math"}]},
            "traffic[0].task (chat in BASE, boxed_math in NEW)",
        ),
        ({"steps": [{"users": [8, 16], "duration": "30s"}]}, "steps[0].users ("),
    ],
)
def test_runs_of_different_scenarios_are_refused_with_what_differs(
    tmp_path: Path, scenario: dict[str, Any], said: str
) -> None:
    code, output = run_compare(*pair(tmp_path, scenario=scenario))
    assert code == ExitCode.BAD_CONFIGURATION
    assert said in output
    assert "expected runs of one scenario" in output


def test_the_same_directory_twice_is_refused(tmp_path: Path) -> None:
    run = write_made_up_run(tmp_path / "run", [level(8, 1)])
    code, output = run_compare(str(run), str(tmp_path / "x" / ".." / "run"))
    assert code == ExitCode.BAD_CONFIGURATION
    assert "the same run directory twice" in output


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("--fail-on=worse:5ms", "expected a percentage such as 5% at character 7"),
        ("--fail-on=worse:tfft:5%", "expected a metric of this comparison (p50(ttft), "),
        ("--margin=p99", "expected ':' and an amount"),
    ],
)
def test_an_option_that_cannot_be_meant_is_refused(tmp_path: Path, option: str, said: str) -> None:
    code, output = run_compare(*pair(tmp_path), option)
    assert code == ExitCode.BAD_CONFIGURATION
    assert said in output


def test_a_missing_run_is_named(tmp_path: Path) -> None:
    run = write_made_up_run(tmp_path / "run", [level(8, 1)])
    code, output = run_compare(str(run), str(tmp_path / "none"))
    assert code == ExitCode.BAD_CONFIGURATION
    assert output == f"{tmp_path / 'none'}: no such run directory"


def test_the_reports_go_where_they_are_asked_to_and_again(tmp_path: Path) -> None:
    runs, out = pair(tmp_path), tmp_path / "reports" / "比较"
    for _ in range(2):
        code, output = run_compare(*runs, "--out", str(out))
        assert code == 0
        assert str(out / COMPARISON_PAGE) in output
        assert {path.name for path in out.iterdir()} == {
            COMPARISON,
            COMPARISON_PAGE,
            COMPARISON_SUMMARY,
        }
    run_compare(*runs)
    assert (Path(runs[1]) / COMPARISON).exists()


def test_a_report_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    code, output = run_compare(*pair(tmp_path), "--out", str(tmp_path / "file"))
    assert code == ExitCode.BAD_CONFIGURATION
    assert "file: cannot be made" in output


def test_the_json_is_what_the_schema_says(tmp_path: Path) -> None:
    found = compared(tmp_path, [level(8, 1)], [level(8, 2)], fail_on=["worse"])
    text = encode_comparison(found)
    jsonschema.validate(json.loads(text), json.loads(schemas()["comparison.json"]))
    assert decode_comparison(text) == found


def test_every_report_says_the_same_and_obeys_nothing(tmp_path: Path) -> None:
    evil = "</td><script>alert(1)</script>|[x](http://e)\x1b[2J"
    found = compared(
        tmp_path, [level(8, 1)], [level(8, 2, 1.4)], server=evil, fail_on=["worse:10%"]
    )
    page = Page(comparison_html(found))
    assert "script" not in page.tags
    assert page.addresses == []
    console = Console(width=120, record=True, force_terminal=False)
    print_comparison(found, console)
    terminal = " ".join(console.export_text().split())
    markdown = comparison_md(found)
    assert "\x1b" not in terminal + markdown
    assert "<script>" not in markdown
    for said in (of(found, PAST).reason, "✗"):
        assert said in page.text
        assert said in terminal
    assert f"| `{PAST}` |" in markdown
    assert "**▼ WORSE**" in markdown


@pytest.mark.parametrize("width", [40, 79, 160])
def test_the_table_fits_its_terminal(tmp_path: Path, width: int) -> None:
    found = compared(tmp_path, [level(8, 1)], [level(8, 2)])
    console = Console(width=width, record=True, force_terminal=False)
    print_comparison(found, console)
    assert max(map(len, console.export_text().splitlines())) <= width


def test_nothing_measured_in_both_has_reports_too(tmp_path: Path) -> None:
    found = compared(tmp_path, [MadeUpLevel(8, [])], [MadeUpLevel(8, [])])
    assert found.contrasts == ()
    assert "Nothing was measured in both runs." in comparison_md(found)
    assert "NOTHING COMPARED" in Page(comparison_html(found)).text
    with pytest.raises(ConfigurationError, match="none"):
        compared(tmp_path / "x", [MadeUpLevel(8, [])], [MadeUpLevel(8, [])], fail_on=["worse:p9"])
