"""The objective grammar: what parses to what, and what is refused where."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadproof.model.grammar import parse_objective
from loadproof.model.objective import Bound, Kind, Objective
from loadproof.model.sentence import ObjectiveError

WORDS = """
    p99 p99.9 mean rate goodput throughput drop peak max preemptions accuracy f1 ttft itl tpot e2e
    failed output_tokens requests gpu_memory kv_usage waiting chat 数学 task and = ( ) { } <= >= < %
    0 0.07 120ms 4s 95% 10GB 800/s 7/m .1 99999999999999999999
"""
SENTENCE_LIKE = st.lists(st.sampled_from(WORDS.split())).map(" ".join)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("p99(ttft) <= 120ms", (Kind.PERCENTILE, "ttft", True, 120.0, 0.99, None)),
        ("p99.9(itl{task=chat}) <= 80ms", (Kind.PERCENTILE, "itl", True, 80.0, 0.999, "chat")),
        ("p50 ( e2e ) <= 1.5 s", (Kind.PERCENTILE, "e2e", True, 1500.0, 0.5, None)),
        ("mean(e2e) <= 4s", (Kind.MEAN, "e2e", True, 4000.0, None, None)),
        ("rate(failed) <= 0.1%", (Kind.RATE, "failed", True, 0.001, None, None)),
        ("rate(cut_off{task=chat}) <= 0.5", (Kind.RATE, "cut_off", True, 0.5, None, "chat")),
        (
            "accuracy(commonsense) >= 85%",
            (Kind.QUALITY, "accuracy", False, 0.85, None, "commonsense"),
        ),
        (
            "macro_f1(medical_qa) >= 75%",
            (Kind.QUALITY, "macro_f1", False, 0.75, None, "medical_qa"),
        ),
        ("f1(medical_qa) >= 0.8", (Kind.QUALITY, "f1", False, 0.8, None, "medical_qa")),
        (
            "compliance(boxed_math)>=90%",
            (Kind.QUALITY, "compliance", False, 0.9, None, "boxed_math"),
        ),
        ("peak(gpu_memory) <= 10GB", (Kind.PEAK, "gpu_memory", True, 10e9, None, None)),
        ("peak(server_memory) <= 512 MiB", (Kind.PEAK, "server_memory", True, 2.0**29, None, None)),
        ("max(kv_usage) <= 95%", (Kind.GAUGE, "kv_usage", True, 0.95, None, None)),
        ("max(waiting) <= 10", (Kind.GAUGE, "waiting", True, 10.0, None, None)),
        ("preemptions <= 0", (Kind.COUNTER, "preemptions", True, 0.0, None, None)),
        (
            "throughput(output_tokens) >= 800/s",
            (Kind.THROUGHPUT, "output_tokens", False, 800.0, None, None),
        ),
        (
            "throughput(requests{task=chat}) >= 90 / m",
            (Kind.THROUGHPUT, "requests", False, 1.5, None, "chat"),
        ),
        (
            "drop(correct(boxed_math)) <= 2%",
            (Kind.DROP, "correct", True, 0.02, None, "boxed_math"),
        ),
        (
            "rate(unfinished_thinking{task=boxed_math}) <= 5%",
            (Kind.RATE, "unfinished_thinking", True, 0.05, None, "boxed_math"),
        ),
        ("politeness(my_task) >= 0.5", (Kind.QUALITY, "politeness", False, 0.5, None, "my_task")),
        ("accuracy(数学) >= 80%", (Kind.QUALITY, "accuracy", False, 0.8, None, "数学")),
        ("p99(tpot{task=poetry}) <= 70ms", (Kind.PERCENTILE, "tpot", True, 70.0, 0.99, "poetry")),
    ],
)
def test_a_sentence_parses(
    text: str, wanted: tuple[Kind, str, bool, float, float | None, str | None]
) -> None:
    found = parse_objective(text)
    kind, metric, at_most, limit, quantile, task = wanted
    assert found == Objective(
        text=" ".join(text.split()),
        kind=kind,
        metric=metric,
        at_most=at_most,
        limit=pytest.approx(limit),
        quantile=quantile if quantile is None else pytest.approx(quantile),
        task=task,
    )


def test_goodput_is_a_share_or_a_rate_of_requests_within_bounds() -> None:
    text = "goodput(ttft <= 200ms and tpot <= 0.05 s {task=chat}) >= 95%"
    share = parse_objective(text)
    assert (share.kind, share.limit, share.task) == (Kind.GOODPUT, 0.95, "chat")
    assert share.bounds == (Bound("ttft", 200.0), Bound("tpot", 50.0))
    rate = parse_objective("goodput(itl<=1s) >= 2.5/s")
    assert (rate.kind, rate.limit, rate.bounds) == (
        Kind.GOODPUT_RATE,
        2.5,
        (Bound("itl", 1000.0),),
    )


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        (" p99.90 ( ttft{ task = chat } )<=1500.0ms", "p99.9(ttft{task=chat}) <= 1.5s"),
        ("rate(failed) <= 0.001", "rate(failed) <= 0.1%"),
        ("peak(gpu_memory) <= 10000 MB", "peak(gpu_memory) <= 10GB"),
        ("peak(gpu_memory) <= 0GB", "peak(gpu_memory) <= 0B"),
        ("goodput(ttft<=0.2s and e2e<=4s{task=x})>=.5", None),
        ("goodput(ttft <= 200ms) >= 120/m", "goodput(ttft <= 200ms) >= 2/s"),
        ("throughput(requests) >= 100/h", "throughput(requests) >= 0.027777777777777776/s"),
        ("max(waiting) <= 10.0", "max(waiting) <= 10"),
        ("drop( f1(medical_qa) ) <= .02", "drop(f1(medical_qa)) <= 2%"),
    ],
)
def test_a_sentence_has_a_normal_form(text: str, normal: str | None) -> None:
    normal = normal or "goodput(ttft <= 200ms and e2e <= 4s {task=x}) >= 50%"
    assert str(parse_objective(text)) == normal
    assert str(parse_objective(normal)) == normal


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "one of p99, mean"),
        ("p99", "'(' at character 4, where it ends"),
        ("p100(ttft) <= 1s", "between p0 and p100"),
        ("p0(ttft) <= 1s", "between p0 and p100"),
        ("q99(ttft) <= 1s", "one of p99, mean, rate, goodput, throughput, drop, peak, max"),
        ("men(ttft) <= 1s", "at character 1, where 'men' stands; did you mean 'mean'?"),
        ("preemtions <= 0", "did you mean 'preemptions'?"),
        ("p99(ttff) <= 1s", "at character 5, where 'ttff' stands; did you mean 'ttft'?"),
        (
            "p99(latency) <= 1s",
            "a latency (ttft, ttfat, itl, tpot, e2e, start_delay) at character 5",
        ),
        ("p99(ttft <= 1s", "')' or '{task=…}' at character 10"),
        ("p99(ttft{task=a-b}) <= 1s", "'}' at character 16, where '-b' stands"),
        (
            "p99(ttft{task=7}) <= 1s",
            "a task, a name of letters, digits and underscores, at character 15",
        ),
        ("p99(ttft{user=x}) <= 1s", "'task' at character 10, where 'user' stands"),
        ("p99(ttft) < 120ms", "'<='"),
        ("p99(ttft) >= 120ms", "'<='"),
        ("p99(ttft) <= 120", "a duration with its unit"),
        ("p99(ttft) <= -1ms", "a duration with its unit"),
        ("p99(ttft) <= 120ms or so", "nothing more at character 20, where 'or' stands"),
        (f"p99(ttft) <= {'9' * 400}ms", "a number that is not too large at character 14"),
        ("p99.99999999999999999(ttft) <= 1s", "between p0 and p100"),
        ("rate(failed) <= 120%", "from 0% to 100%"),
        ("rate(succeeded) <= 1%", "an outcome (failed, cut_off, unfinished_thinking)"),
        ("goodput() >= 95%", "a latency (ttft, ttfat, itl, tpot, e2e) at character 9"),
        ("goodput(ttft) >= 95%", "'<=' at character 13, where ')' stands"),
        ("goodput(ttft <= 1s or tpot <= 1s) >= 95%", "')' or '{task=…}' or 'and'"),
        ("goodput(ttft <= 1s and) >= 95%", "a latency (ttft, ttfat, itl, tpot, e2e)"),
        ("goodput(ttft <= 1s) >= 200ms", "a share such as 0.1% or 0.85 or a rate such as 800/s"),
        ("goodput(ttft <= 1s) >= 95", "a share from 0 to 1"),
        ("goodput(start_delay <= 1s) >= 95%", "a latency (ttft, ttfat, itl, tpot, e2e)"),
        ("throughput(requests) >= 2", "a rate such as 800/s at character 25, where '2' stands"),
        ("throughput(requests) <= 2/s", "'>='"),
        ("throughput(words) >= 2/s", "what flows (output_tokens, requests)"),
        ("drop(boxed_math) <= 2%", "'(' at character 16, where ')' stands"),
        ("drop(correct(boxed_math)) >= 2%", "'<='"),
        ("accuracy(commonsense) <= 85%", "'>='"),
        ("peak(gpu_memory) <= 10", "an amount of memory with its unit"),
        ("peak(gpu_memory) <= 1.2.3GB", "an amount of memory with its unit"),
        ("max(kv_usage) <= many", "a share"),
        ("preemptions <= none", "a plain number"),
    ],
)
def test_a_sentence_that_is_no_objective_is_refused_at_its_place(text: str, message: str) -> None:
    with pytest.raises(ObjectiveError) as caught:
        parse_objective(text)
    assert message in str(caught.value)


@given(st.one_of(st.text(), SENTENCE_LIKE))
def test_whatever_is_given_it_is_an_objective_with_a_normal_form_or_an_objective_error(
    text: str,
) -> None:
    try:
        objective = parse_objective(text)
    except ObjectiveError:
        return
    again = parse_objective(str(objective))
    assert str(again) == str(objective)
    assert again == replace(objective, text=again.text)
