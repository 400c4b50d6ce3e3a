"""Claims as sentences: what they say, how they were rounded, what is refused."""

import pytest

from loadproof.model.claim import Relation, parse_claim
from loadproof.model.errors import ConfigurationError
from loadproof.model.scenario import Scenario
from loadproof.model.sentence import ObjectiveError
from loadproof.model.toml_file import checked


@pytest.mark.parametrize(
    ("text", "measure", "low", "high"),
    [
        ("mean(ttft) = 76ms ± 8ms", "mean(ttft)", 67.5, 84.5),
        ("mean(ttft)=1.20s+-0.05s", "mean(ttft)", 1145, 1255),
        ("p99(ttft{task=chat}) = 103ms", "p99(ttft{task=chat})", 102.5, 103.5),
        ("accuracy(commonsense) = 89.2% ± 3%", "accuracy(commonsense)", 0.8615, 0.9225),
        ("f1(medical_qa) = 0.80", "f1(medical_qa)", 0.795, 0.805),
        ("peak(gpu_memory) = 9.2GB", "peak(gpu_memory)", 9.15e9, 9.25e9),
        ("throughput(output_tokens) = 800/s", "throughput(output_tokens)", 799.5, 800.5),
        ("preemptions = 0", "preemptions", -0.5, 0.5),
        ("mean(ttft) < 80ms", "mean(ttft)", None, 80),
        ("compliance(boxed_math) > 90 %", "compliance(boxed_math)", 0.9, None),
        ("goodput(ttft <= 300ms) >= 0.95", "goodput(ttft <= 300ms)", 0.95, None),
        ("accuracy(commonsense) <= 50%", "accuracy(commonsense)", None, 0.5),
    ],
)
def test_a_claim_leaves_a_range(
    text: str, measure: str, low: float | None, high: float | None
) -> None:
    claim = parse_claim(text, "a model")
    assert claim.measure == measure
    assert claim.range == (low, high)


def test_a_claim_knows_what_depends_on_the_machine() -> None:
    assert parse_claim("mean(ttft) < 80ms", "m").needs_hardware
    assert parse_claim("peak(gpu_memory) = 9.2GB", "m").needs_hardware
    assert not parse_claim("f1(medical_qa) = 80%", "m").needs_hardware
    assert parse_claim("mean(ttft) < 80ms", "m").relation is Relation.BELOW


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mean(ttft) ~ 76ms", "one of = < <= > >=, and an amount"),
        ("fast", 'a claim such as "mean(ttft) = 76ms ± 8ms"'),
        ("mean(tfft) = 76ms", "at character 6, where 'tfft' stands; did you mean 'ttft'?"),
        ("mean(ttft) = 76", "a duration with its unit, such as 120ms or 4s,"),
        ("f1(medical_qa) = 120%", "a share from 0 to 1, or from 0% to 100%,"),
        ("mean(ttft) = 76ms ± 8", "a duration with its unit"),
        ("mean(ttft) < 80ms ± 8ms", "a margin only after an ="),
        ("f1(medical_qa) = 50% ± 60%", "a margin that leaves something to be refuted"),
    ],
)
def test_what_is_no_claim_is_refused(text: str, message: str) -> None:
    with pytest.raises(ObjectiveError, match=r".*") as caught:
        parse_claim(text, "m")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("claims", "line"),
    [
        (
            {"model": "m", "says": ["mean(ttft) = 5ms", "mean(ttft) = 5"]},
            "a.toml: claims[0].says[1]: got 'mean(ttft) = 5', expected a duration with its unit, "
            "such as 120ms or 4s, at character 15, where '5' stands",
        ),
        (
            {"model": "m", "says": ["f1(medical_qa) = 5%"]},
            "a.toml: claims[0].says[0]: got 'f1(medical_qa) = 5%', expected a task of this "
            "scenario's traffic (boxed_math), not medical_qa",
        ),
        (
            {"model": "m", "says": ["mean(ttft) = 5ms"], "gup": "T4"},
            "a.toml: claims[0].gup: unknown key; did you mean 'gpu'?; expected one of: model, "
            "says, gpu, against, users, answers",
        ),
        ({"says": ["mean(ttft) = 5ms"]}, "a.toml: claims[0].model: missing; it has to be given"),
    ],
)
def test_a_bad_claim_is_refused_in_one_line(claims: dict[str, object], line: str) -> None:
    data = {
        "name": "a",
        "traffic": [{"task": "boxed_math"}],
        "steps": [{"users": [4], "duration": "9s"}],
        "claims": [claims],
    }
    with pytest.raises(ConfigurationError) as caught:
        checked(data, Scenario, "a.toml")
    assert str(caught.value) == line
