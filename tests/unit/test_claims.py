"""Claims on runs: reproduced, refuted, inconclusive or not tested; what claims leave out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from rich.console import Console
from typer.testing import CliRunner

from loadproof.analysis.claim_gaps import answers_to_tell_apart, contradictions, gaps
from loadproof.analysis.claims import claims_on
from loadproof.cli import app, main
from loadproof.model.claim import Claim, Claims
from loadproof.model.errors import ConfigurationError
from loadproof.model.exit_codes import ExitCode
from loadproof.model.scenario import read_scenario
from loadproof.model.standing import ClaimsVerdict, Standing
from loadproof.recording.directory import HEADER
from loadproof.recording.reader import read_run
from loadproof.report.claims import print_claims
from unit.made_up_run import MadeUpLevel, write_made_up_run

ARTICLE = Path(__file__).parents[2] / "scenarios" / "article-claims.toml"
T4 = ({"gpu_memory": 9_200_000_000, "gpus": [{"name": "Tesla T4"}]},) * 30
MODEL = "DeepSeek-R1-Distill-Qwen-1.5B"


def said(*texts: str, model: str = MODEL, **keys: Any) -> list[Claim]:
    return list(Claims(model=model, says=texts, **keys).parsed())


def times(mean_ms: float, n: int = 300, seed: int = 1) -> list[float]:
    return np.random.default_rng(seed).gamma(40, mean_ms / 40, n).tolist()


def answers(share: float, n: int, users: int = 1) -> MadeUpLevel:
    good = round(share * n)
    grades = [{"accuracy": 1.0}] * good + [{"accuracy": 0.0}] * (n - good)
    return MadeUpLevel(users, times(76, n), task="commonsense", grades=grades, telemetry=T4)


def on_run(
    folder: Path, claims: Sequence[Claim], *levels: MadeUpLevel, **options: Any
) -> ClaimsVerdict:
    options = {"server": "deepseek-r1-distill-qwen-1.5b", **options}
    run = write_made_up_run(folder / "run", levels, **options)
    return claims_on(claims, [(run, read_run(run))], "claims.toml")


@pytest.mark.parametrize(
    ("text", "mean_ms", "standing"),
    [
        ("mean(ttft) = 76ms ± 8ms", 76, Standing.REPRODUCED),
        ("mean(ttft) = 76ms ± 8ms", 92, Standing.REFUTED),
        ("mean(ttft) = 76ms ± 8ms", 60, Standing.REFUTED),
        ("mean(ttft) = 76ms ± 8ms", 84.6, Standing.INCONCLUSIVE),
        ("mean(ttft) = 76ms", 76.4, Standing.INCONCLUSIVE),
        ("mean(ttft) < 80ms", 76, Standing.REPRODUCED),
        ("mean(ttft) < 80ms", 84, Standing.REFUTED),
        ("mean(ttft) > 70ms", 76, Standing.REPRODUCED),
        ("mean(ttft) > 90ms", 76, Standing.REFUTED),
        ("p99(ttft) = 107ms ± 15ms", 76, Standing.REPRODUCED),
        ("p99(ttft) = 150ms ± 15ms", 76, Standing.REFUTED),
    ],
)
def test_a_latency_claim_is_an_equivalence_or_a_bound(
    tmp_path: Path, text: str, mean_ms: float, standing: Standing
) -> None:
    values = np.array(times(mean_ms, 2000))
    values *= mean_ms / values.mean()
    level = MadeUpLevel(1, values.tolist(), task="commonsense", telemetry=T4)
    verdict = on_run(tmp_path, said(text), level)
    assert verdict.claims[0].standing is standing
    # The burst of the start is cut: the first request and those that came with it.
    assert 1_980 <= verdict.claims[0].tests[0].n <= 2000


@pytest.mark.parametrize(
    ("text", "share", "n", "standing"),
    [
        ("accuracy(commonsense) = 89.2% ± 3%", 0.892, 2000, Standing.REPRODUCED),
        ("accuracy(commonsense) = 89.2% ± 3%", 0.892, 100, Standing.INCONCLUSIVE),
        ("accuracy(commonsense) = 89.2% ± 3%", 0.80, 2000, Standing.REFUTED),
        ("accuracy(commonsense) = 89.2% ± 3%", 0.97, 2000, Standing.REFUTED),
        ("accuracy(commonsense) = 99% ± 3%", 0.995, 2000, Standing.REPRODUCED),
        ("accuracy(commonsense) < 95%", 0.892, 2000, Standing.REPRODUCED),
        ("accuracy(commonsense) > 95%", 0.892, 2000, Standing.REFUTED),
    ],
)
def test_a_quality_claim_is_too(
    tmp_path: Path, text: str, share: float, n: int, standing: Standing
) -> None:
    assert on_run(tmp_path, said(text), answers(share, n)).claims[0].standing is standing


def test_peak_memory_is_compared_as_sampled(tmp_path: Path) -> None:
    claims = said("peak(gpu_memory) = 9.2GB ± 0.5GB", "peak(gpu_memory) = 14.8GB ± 0.5GB")
    found = on_run(tmp_path, claims, answers(0.9, 50)).claims
    assert [claim.standing for claim in found] == [Standing.REPRODUCED, Standing.REFUTED]


def test_each_load_level_is_judged_by_itself(tmp_path: Path) -> None:
    levels = [
        MadeUpLevel(users, times(mean_ms, 2000), task="commonsense", telemetry=T4)
        for users, mean_ms in ((1, 75), (4, 77), (16, 120))
    ]
    claims = [*said("mean(ttft) = 76ms ± 8ms"), *said("mean(ttft) < 80ms", users=16)]
    anywhere, at_16 = on_run(tmp_path, claims, *levels).claims
    assert anywhere.standing is Standing.REPRODUCED
    assert anywhere.summary == "reproduced at 1 and 4 users, refuted at 16 users"
    assert at_16.standing is Standing.REFUTED
    assert [test.users for test in at_16.tests] == [16]
    (nowhere,) = on_run(tmp_path / "b", said("mean(ttft) < 80ms", users=64), *levels).claims
    assert nowhere.summary == "not tested: nothing was measured at 64 users"


@pytest.mark.parametrize(
    ("claim", "options", "reason"),
    [
        ({}, {"simulated": True}, "the server was simulated"),
        ({"gpu": "A10"}, {}, "another GPU: Tesla T4"),
        ({"gpu": "T"}, {}, "another GPU: Tesla T4"),
        ({}, {"server": "some-other-model"}, f"no run of {MODEL}"),
    ],
)
def test_what_cannot_be_tested_says_why(
    tmp_path: Path, claim: dict[str, Any], options: dict[str, Any], reason: str
) -> None:
    claims = said("mean(ttft) = 76ms ± 8ms", **claim)
    (found,) = on_run(tmp_path, claims, answers(0.9, 50), **options).claims
    assert found.standing is Standing.NOT_TESTED
    assert found.summary == f"not tested: {reason}"


def test_without_a_gpu_answers_are_tested_and_latency_is_not(tmp_path: Path) -> None:
    level = MadeUpLevel(1, times(76, 500), task="commonsense", grades=[{"accuracy": 1.0}] * 500)
    claims = said("mean(ttft) = 76ms ± 8ms", "accuracy(commonsense) = 99.9% ± 3%")
    latency, quality = on_run(tmp_path, claims, level).claims
    assert latency.summary == "not tested: no GPU was sampled in this run"
    assert latency.tests[0].measured.startswith("7")
    assert quality.standing is Standing.REPRODUCED


def test_random_weights_prove_nothing(tmp_path: Path) -> None:
    run = write_made_up_run(tmp_path / "run", [answers(0.9, 500)], server=MODEL.lower())
    header = json.loads((run / HEADER).read_text())
    header["server"]["flags"] = ["--load-format", "dummy"]
    (run / HEADER).write_text(json.dumps(header))
    claims = said("accuracy(commonsense) = 90% ± 5%")
    (found,) = claims_on(claims, [(run, read_run(run))], "c").claims
    assert found.summary == "not tested: no weights: the server made them up (--load-format dummy)"


def test_a_run_without_the_task_does_not_tell(tmp_path: Path) -> None:
    (found,) = on_run(tmp_path, said("f1(medical_qa) = 80%"), answers(0.9, 50)).claims
    assert found.summary == (
        "not tested: the run does not tell: it would take a task of this scenario's traffic "
        "(commonsense), not medical_qa"
    )


@pytest.mark.parametrize(
    ("points", "standing"),
    [(12, Standing.REPRODUCED), (30, Standing.REFUTED), (6, Standing.INCONCLUSIVE)],
)
def test_a_difference_takes_a_run_of_each_model(
    tmp_path: Path, points: int, standing: Standing
) -> None:
    claims = said(f"accuracy(commonsense) = {points}% ± 4%", model="one", against="other")
    one = write_made_up_run(tmp_path / "a", [answers(0.9, 1500, 4)], server="the-One")
    other = write_made_up_run(
        tmp_path / "b", [answers(0.5, 90, 1), answers(0.78, 1500, 4)], server="other"
    )
    runs = [(path, read_run(path)) for path in (one, other)]
    (found,) = claims_on(claims, runs, "c").claims
    assert (found.standing, [test.users for test in found.tests]) == (standing, [4])
    assert found.tests[0].measured.startswith("12 points, 9.")
    (alone,) = claims_on(claims, runs[:1], "c").claims
    assert alone.summary == "not tested: no run of other"


def test_the_articles_contradiction_and_gaps_are_computed() -> None:
    claims = read_scenario(ARTICLE).parsed_claims()
    (contradiction,) = contradictions(claims)
    assert "12.3 points higher" in contradiction
    assert contradiction.endswith("86.4 % and 79.1 % are 7.3 points apart")
    no_concurrency, no_sample, no_gpu = gaps(claims, 0.95)
    assert "at how many concurrent users" in no_concurrency
    assert "to tell 89.2 % from 92.7 % in accuracy(commonsense) takes 1,054 of each" in no_sample
    assert no_gpu.startswith("6 of the 8 claims")


def test_what_is_stated_is_no_gap_and_what_rounding_explains_no_contradiction() -> None:
    full = [
        *said("mean(ttft) = 76ms", users=1, answers=500, gpu="T4"),
        *said("mean(ttft) < 80ms", users=1, gpu="T4"),
        *said("mean(ttft) < 70ms", users=16, gpu="T4"),
        *said("mean(ttft) < 70ms", users=1, gpu="A10G"),
    ]
    assert gaps(full, 0.95) == contradictions(full) == []
    (found,) = contradictions(said("mean(ttft) = 76ms", "mean(ttft) < 70ms"))
    assert found == f"mean(ttft) = 76ms and mean(ttft) < 70ms cannot both be true of {MODEL}"
    rounded = [
        *said("accuracy(x) = 90%"),
        *said("accuracy(x) = 80.4%", model="b"),
        *said("accuracy(x) = 9.2%", against="b"),
    ]
    assert contradictions(rounded) == []


def test_sample_sizes_are_fleisss() -> None:
    # Fleiss (1981), table A.3, 0.60 against 0.70, alpha 0.05, power 0.80: 376 with the correction,
    # which adds 2 / |difference| to 356 or so without it.
    assert answers_to_tell_apart(0.6, 0.7, 0.95) == pytest.approx(356, abs=1)


def run_of_article(tmp_path: Path, **options: Any) -> Path:
    return write_made_up_run(
        tmp_path / "run", [answers(0.892, 2000)], server=MODEL.lower(), **options
    )


def test_the_command_prints_and_writes_the_same(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, output = run_of_article(tmp_path), tmp_path / "claims.json"
    command = ["claims", str(run), "--claims", str(ARTICLE), "--json", str(output)]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == ExitCode.INCONCLUSIVE
    verdict = msgspec.json.decode(output.read_bytes(), type=ClaimsVerdict)
    assert len(verdict.claims) == 15
    text = " ".join(done.stdout.split())
    for claim in verdict.claims:
        assert f"{claim.claim} {claim.summary}" in text
    assert "7.3 points apart" in text
    assert "no claim says of how many answers it is" in text
    assert text.endswith("Exit code 11")


def test_a_refuted_claim_decides_the_exit_code(tmp_path: Path) -> None:
    claims = said("accuracy(commonsense) = 50% ± 5%", "accuracy(commonsense) = 89.2% ± 5%")
    refuted = on_run(tmp_path / "a", claims, answers(0.892, 900))
    assert refuted.exit_code == ExitCode.BROKEN
    assert on_run(tmp_path / "b", claims[1:], answers(0.892, 900)).exit_code == ExitCode.HOLDS


def test_claims_of_the_runs_own_scenario_are_the_default(tmp_path: Path) -> None:
    run = run_of_article(tmp_path)
    with pytest.raises(ConfigurationError, match="its scenario has no claims; expected --claims"):
        CliRunner().invoke(app, ["claims", str(run)], catch_exceptions=False)
    header = json.loads((run / HEADER).read_text())
    header["scenario"]["claims"] = [{"model": MODEL, "says": ["mean(ttft) < 90ms"]}]
    (run / HEADER).write_text(json.dumps(header))
    done = CliRunner().invoke(app, ["claims", str(run)])
    assert done.exit_code == ExitCode.HOLDS
    assert "Claims of ramp on run" in done.stdout


def test_a_file_without_claims_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    demo = ARTICLE.with_name("demo.toml")
    run = run_of_article(tmp_path)
    monkeypatch.setattr("sys.argv", ["loadproof", "claims", str(run), "--claims", str(demo)])
    with pytest.raises(SystemExit) as end:
        main()
    assert end.value.code == ExitCode.BAD_CONFIGURATION
    assert capsys.readouterr().err == f"{demo}: claims: missing; expected a [[claims]] table\n"


def test_foreign_text_is_printed_as_text(tmp_path: Path) -> None:
    claims = said("accuracy(commonsense) = 89%", model="模型[red]\x1b[2J")
    verdict = on_run(tmp_path, claims, answers(0.9, 20))
    console = Console(width=120, record=True, file=(tmp_path / "out").open("w"))
    print_claims(verdict, console)
    text = console.export_text()
    assert "模型[red]\ufffd[2J" in text
    assert "\x1b" not in text
