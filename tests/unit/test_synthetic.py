"""Synthetic prompts: their lengths, their shared beginnings, and what words cost a tokenizer."""

import re
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from loadproof.model.answer import Answer, Prompt
from loadproof.model.errors import ConfigurationError
from loadproof.model.lengths import Lengths
from loadproof.model.scenario import read_scenario
from loadproof.model.toml_file import checked
from loadproof.model.traffic import TokenCost, Traffic
from loadproof.tasks.filler import WORDS, Filler, calibrated
from loadproof.tasks.lengths import drawn, fraction
from loadproof.tasks.traffic import load_scenario, task_of, wants_calibration

EXACT = {"overhead": 10, "per_word": 1.0, "exact": True}


def synthetic(**keys: Any) -> Traffic:
    return checked({"task": "synthetic", "tokens": EXACT, **keys}, Traffic, "s.toml")


def prompts(entry: Traffic, count: int, seed: int = 1) -> list[Prompt]:
    return [next(talk) for talk in islice(task_of(entry).conversations(seed), count)]


def words(prompt: Prompt) -> list[str]:
    (message,) = prompt.messages
    return message.content.split()


def test_prompts_have_the_length_asked_for_and_answers_too() -> None:
    found = prompts(synthetic(input_tokens=512, output_tokens=64), 5)
    assert {len(words(prompt)) for prompt in found} == {502}
    assert {(prompt.max_tokens, prompt.ignore_eos) for prompt in found} == {(64, True)}
    assert (
        task_of(synthetic(input_tokens=512, output_tokens=64)).grade(
            found[0].id, Answer("", None, finished_thinking=True, finish_reason="length")
        )
        == {}
    )


def test_the_same_seed_gives_the_same_prompts_and_no_two_begin_alike() -> None:
    entry = synthetic(input_tokens={"min": 20, "max": 400}, output_tokens=8)
    found = prompts(entry, 300)
    assert found == prompts(entry, 300)
    assert len({tuple(words(prompt)[:8]) for prompt in found}) == 300
    assert not {prompt.id for prompt in found} & {prompt.id for prompt in prompts(entry, 9, seed=2)}


def test_very_short_and_very_long_prompts_can_be_had() -> None:
    (short,) = prompts(synthetic(input_tokens=1, output_tokens=1), 1)
    assert len(words(short)) == 1
    (long,) = prompts(synthetic(input_tokens=100_010, output_tokens=1), 1)
    assert len(words(long)) == 100_000


@pytest.mark.parametrize("groups", [1, 3])
def test_a_share_of_each_prompt_begins_like_the_others_of_its_group(groups: int) -> None:
    lengths = {"min": 210, "max": 410}
    entry = synthetic(
        input_tokens=lengths, output_tokens=1, shared_prefix=0.5, prefix_groups=groups
    )
    found = [words(prompt) for prompt in prompts(entry, 60)]
    beginnings = {tuple(each[:100]) for each in found}
    assert len(beginnings) == groups
    assert len({tuple(each[len(each) // 2 + 1 :][:8]) for each in found}) == 60
    whole = synthetic(input_tokens=110, output_tokens=1, shared_prefix=1.0)
    assert len({tuple(words(prompt)) for prompt in prompts(whole, 5)}) == 1


def test_lengths_follow_their_distribution() -> None:
    uniform = Lengths(min=10, max=19)
    counts = [drawn(uniform, fraction("u", k)) for k in range(5000)]
    assert set(counts) == set(range(10, 20))
    assert all(400 < counts.count(value) < 600 for value in range(10, 20))
    normal = Lengths(median=200.0, sigma=0.8, max=2000)
    values = sorted(drawn(normal, fraction("n", k)) for k in range(5000))
    assert 185 < median(values) < 212
    assert values[0] >= 1
    assert values[-1] <= 2000
    below, above = values[round(0.1587 * 5000)], values[round(0.8413 * 5000)]
    assert above / median(values) == pytest.approx(2.2255, rel=0.1)  # e to the power of 0.8
    assert median(values) / below == pytest.approx(2.2255, rel=0.1)
    assert {drawn(Lengths(min=7, max=7), fraction(k)) for k in range(50)} == {7}


def test_lengths_come_in_pairs_out_of_a_runs_own_records(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text(
        '{"prompt_tokens": 30, "output_tokens": 5}\n'
        '{"prompt_tokens": null, "output_tokens": null}\n'
        '{"prompt_tokens": 110, "output_tokens": 50}\n',
        encoding="utf-8",
    )
    found = prompts(synthetic(lengths=str(path)), 4)
    pairs = [(len(words(prompt)) + 10, prompt.max_tokens) for prompt in found]
    assert sorted(pairs) == [(30, 5), (30, 5), (110, 50), (110, 50)]
    azure = tmp_path / "azure.csv"
    azure.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\nx,40,9\n", encoding="utf-8")
    (prompt,) = prompts(synthetic(lengths=str(azure)), 1)
    assert (len(words(prompt)), prompt.max_tokens) == (30, 9)


SCENARIO = """
name = "x"
[[traffic]]
task = "synthetic"
KEYS
[[steps]]
users = 1
requests = 1
"""


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ("", "traffic[0].input_tokens: got None, expected input_tokens and output_tokens, or a"),
        ("input_tokens = 5", "expected input_tokens and output_tokens, or a file of lengths"),
        ("input_tokens = 0\noutput_tokens = 5", "traffic[0].input_tokens.min: got 0, expected"),
        ("input_tokens = 1.5\noutput_tokens = 5", "traffic[0].input_tokens: got 1.5, expected a"),
        ('input_tokens = "5"\noutput_tokens = 5', "got '5', expected a number of tokens, or a"),
        ("input_tokens = { max = 9, median = 5 }\noutput_tokens = 5", "median and sigma together"),
        ("input_tokens = { min = 9, max = 5 }\noutput_tokens = 5", "expected min at most max"),
        (
            "input_tokens = { median = 50, sigma = 1.0, max = 9 }\noutput_tokens = 5",
            "expected a median from min to max",
        ),
        ("input_tokens = 5\noutput_tokens = 5\nmax_tokens = 5", "traffic[0].max_tokens: got 5"),
        ("input_tokens = 5\noutput_tokens = 5\nprefix_groups = 2", "expected shared_prefix"),
        ('lengths = "x.jsonl"\noutput_tokens = 5', "or a file of lengths"),
        ('lengths = "x.jsonl"', "traffic[0].lengths: got '"),
        ('trace = "x.jsonl"', "traffic[0].trace: got 'x.jsonl', expected no such key for"),
    ],
)
def test_bad_keys_are_refused_in_a_line(tmp_path: Path, keys: str, message: str) -> None:
    path = tmp_path / "s.toml"
    path.write_text(SCENARIO.replace("KEYS", keys), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_scenario(path)
    assert any(message in line for line in str(caught.value).splitlines()), caught.value
    assert str(caught.value).startswith(f"{path}: traffic[0]")


def test_lengths_without_a_single_pair_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_text('{"id": 1}\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match="no lengths; expected rows with input_tokens"):
        task_of(synthetic(lengths=str(path)))
    path.write_text('{"input_tokens": -1, "output_tokens": 2}\n', encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"jsonl:1: input_tokens: got -1; expected a num"):
        task_of(Traffic(task="synthetic", lengths=str(path), weight=2.0))


def test_a_scenario_of_them_survives_the_way_through_json(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    keys = "input_tokens = { median = 50, sigma = 1, max = 900 }\noutput_tokens = 5"
    path.write_text(SCENARIO.replace("KEYS", keys.replace("= 1,", "= 1.0,")), encoding="utf-8")
    scenario = read_scenario(path)
    assert type(scenario).model_validate_json(scenario.model_dump_json()) == scenario
    again = checked(scenario.model_dump(mode="json"), type(scenario), "run.json")
    assert again == scenario
    assert wants_calibration(scenario.traffic[0])
    assert not wants_calibration(synthetic(input_tokens=5, output_tokens=5))


def test_the_words_are_short_and_none_stands_twice() -> None:
    assert len(set(WORDS)) == len(WORDS) > 250
    assert all(re.fullmatch("[a-z]{2,6}", word) for word in WORDS)


def tokenizer(odd: dict[str, int], overhead: int) -> Callable[[str], int]:
    """A tokenizer that gives each word one token but for the odd ones."""
    return lambda text: overhead + sum(odd.get(word, 1) for word in text.split())


def counted(count: Callable[[str], int]) -> tuple[TokenCost, int]:
    calls = [0]

    def counting(text: str) -> int:
        calls[0] += 1
        return count(text)

    return calibrated(counting), calls[0]


def test_where_each_word_is_a_token_three_requests_prove_it() -> None:
    cost, calls = counted(tokenizer({}, overhead=17))
    assert cost == TokenCost(overhead=17, per_word=1.0, exact=True)
    assert calls == 3


def test_words_that_cost_more_are_found_and_left_out() -> None:
    odd = {"street": 2, "young": 3, "and": 2}
    cost, calls = counted(tokenizer(odd, overhead=5))
    assert cost.exact
    assert set(cost.without) == set(odd)
    assert calls <= 66
    text = Filler(cost).text(500, "any")
    assert not set(text.split()) & set(odd)
    assert tokenizer(odd, 5)(text) == 505


def test_a_tokenizer_that_cuts_everything_gives_a_mean() -> None:
    count = tokenizer({word: len(word) for word in WORDS if word != "the"}, overhead=5)
    cost, calls = counted(count)
    assert calls <= 70
    assert not cost.exact
    assert cost.without == ()
    filler = Filler(cost)
    tokens = [count(filler.text(filler.words_for(800), str(key))) for key in range(20)]
    assert all(abs(found - 800) < 80 for found in tokens)
