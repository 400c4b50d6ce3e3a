"""The objective grammar: what parses to what, and what is refused where."""

import pytest

from loadproof.model.objective import Kind, Objective, ObjectiveError, parse_objective


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


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "one of p99, mean"),
        ("p99", "'(' at character 4, where 'the end'"),
        ("p100(ttft) <= 1s", "between p0 and p100"),
        ("p0(ttft) <= 1s", "between p0 and p100"),
        ("q99(ttft) <= 1s", "one of p99, mean, rate, peak, max"),
        (
            "p99(latency) <= 1s",
            "a latency (ttft, ttfat, itl, tpot, e2e, start_delay) at character 5",
        ),
        ("p99(ttft <= 1s", "')' or '{task=…}' at character 10"),
        ("p99(ttft{task=poetry}) <= 1s", "a task (chat, medical_qa"),
        ("p99(ttft) < 120ms", "'<='"),
        ("p99(ttft) >= 120ms", "'<='"),
        ("p99(ttft) <= 120", "a duration with its unit"),
        ("p99(ttft) <= -1ms", "a duration with its unit"),
        ("p99(ttft) <= 120ms or so", "a duration with its unit"),
        ("rate(failed) <= 120%", "from 0% to 100%"),
        ("rate(succeeded) <= 1%", "an outcome (failed, cut_off)"),
        ("accuracy(chat) >= 85%", "a task that gives accuracy (medical_qa, commonsense)"),
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
