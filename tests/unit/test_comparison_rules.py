"""`--margin` and `--fail-on`: what they mean, and errors that point at the character."""

import pytest

from loadproof.model.comparison import Family
from loadproof.model.comparison_rules import (
    margin_of,
    matches,
    parse_fail_on,
    parse_margin,
    refuse_unused,
)
from loadproof.model.errors import ConfigurationError


@pytest.mark.parametrize(
    ("text", "outcome", "pattern", "amount"),
    [
        ("worse", "worse", "*", None),
        ("worse:5%", "worse", "*", 0.05),
        (" worse : 2.5 % ", "worse", "*", 0.025),
        ("worse:p99(ttft)", "worse", "p99(ttft)", None),
        ("worse:p99(ttft):5%", "worse", "p99(ttft)", 0.05),
        ("worse:quality:0%", "worse", "quality", 0.0),
        ("undecided", "undecided", "*", None),
        ("undecided:p99", "undecided", "p99", None),
        ("worse:accuracy(医学):1%", "worse", "accuracy(医学)", 0.01),
    ],
)
def test_a_rule_is_read(text: str, outcome: str, pattern: str, amount: float | None) -> None:
    rule = parse_fail_on(text)
    assert (rule.outcome, rule.pattern) == (outcome, pattern)
    assert rule.amount == (amount if amount is None else pytest.approx(amount))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "worse or undecided at character 1, where it ends"),
        ("slower:5%", "worse or undecided at character 1, where 'slower:5%' stands"),
        ("worse:", "a metric such as p99(ttft) or throughput at character 7, where it ends"),
        ("worse:5", "a percentage such as 5% at character 7, where '5' stands"),
        ("worse:5ms", "a percentage such as 5% at character 7"),
        ("worse:p99:5", "a percentage such as 5% at character 11"),
        ("worse:p99:fast", "an amount such as 5% at character 11, where 'fast' stands"),
        ("worse:5%:p99", "an amount such as 5% at character 10, where 'p99' stands"),
        ("worse:p99:ttft:5%", "an amount such as 5%, or nothing more at character 11"),
        ("undecided:5%", "a metric (undecided takes no amount) at character 11"),
    ],
)
def test_a_bad_rule_is_refused_at_its_character(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^--fail-on ") as error:
        parse_fail_on(text)
    assert f"expected {said}" in str(error.value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("p99", "':' and an amount, as in p99:10%, at character 4, where it ends"),
        ("p99:ten", "a percentage such as 5% at character 5, where 'ten' stands"),
        (":10%", "a metric such as p99(ttft) or throughput at character 1"),
        ("p99:10%:5%", "nothing more at character 8"),
    ],
)
def test_a_bad_margin_is_refused_at_its_character(text: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=r"^--margin ") as error:
        parse_margin(text)
    assert f"expected {said}" in str(error.value)


@pytest.mark.parametrize(
    ("pattern", "metric", "family", "meant"),
    [
        ("*", "p99(ttft)", Family.LATENCY, True),
        ("p99(ttft)", "p99(ttft)", Family.LATENCY, True),
        ("p99", "p99(ttft)", Family.LATENCY, True),
        ("ttft", "p99(ttft)", Family.LATENCY, True),
        ("p9*", "p90(itl)", Family.LATENCY, True),
        ("latency", "mean(e2e)", Family.LATENCY, True),
        ("p99", "p90(ttft)", Family.LATENCY, False),
        ("ttf", "p90(ttft)", Family.LATENCY, False),
        ("commonsense", "accuracy(commonsense)", Family.QUALITY, True),
        ("goodput(ttft<=200ms)", "goodput(ttft <= 200ms)", Family.RATE, True),
    ],
)
def test_a_pattern_means_metrics(pattern: str, metric: str, family: Family, meant: bool) -> None:
    assert matches(pattern, metric, family) is meant


def test_the_last_margin_that_matches_counts() -> None:
    margins = [parse_margin("latency:8%"), parse_margin("p99:10%")]
    assert margin_of(margins, "p99(ttft)", Family.LATENCY) == pytest.approx(0.1)
    assert margin_of(margins, "p50(ttft)", Family.LATENCY) == pytest.approx(0.08)
    assert margin_of(margins, "rate(failed)", Family.RATE) == 0.01


def test_a_rule_that_means_no_metric_is_refused() -> None:
    with pytest.raises(ConfigurationError) as error:
        refuse_unused(
            "fail-on", [parse_fail_on("worse: tfft :5%")], [("p99(ttft)", Family.LATENCY)]
        )
    assert str(error.value) == (
        "--fail-on 'worse: tfft :5%': expected a metric of this comparison (p99(ttft)) "
        "at character 8, where 'tfft :5%' stands"
    )
