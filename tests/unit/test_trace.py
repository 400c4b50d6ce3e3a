"""Traces: requests in the order and at the times in which they once came."""

from itertools import islice
from pathlib import Path

import pytest

from loadproof.model.answer import Message, Prompt
from loadproof.model.errors import ConfigurationError
from loadproof.model.traffic import TokenCost, Traffic
from loadproof.tasks.trace import Trace, read_trace
from loadproof.tasks.traffic import task_of, wants_calibration

TRACE = """{"arrival_s": 2.5, "input_tokens": 60, "output_tokens": 9}
{"arrival_s": 1.0, "prompt": "Name a bird."}
{"arrival_s": 4.0, "output_tokens": 7, "messages": [
{"role": "system", "content": "简短。"}, {"role": "user", "content": "说一种树。"}]}
""".replace("[\n", "[")


def traced(tmp_path: Path, text: str = TRACE, name: str = "trace.jsonl") -> Trace:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    cost = TokenCost(overhead=10, per_word=1.0, exact=True)
    task = task_of(Traffic(task="trace", trace=str(path), tokens=cost))
    assert isinstance(task, Trace)
    return task


def first(task: Trace, count: int) -> list[Prompt]:
    return [next(talk) for talk in islice(task.conversations(3), count)]


def test_prompts_come_in_the_order_of_their_arrivals_with_their_times(tmp_path: Path) -> None:
    bird, made, tree = first(traced(tmp_path), 3)
    assert [prompt.due_s for prompt in (bird, made, tree)] == [0.0, 1.5, 3.0]
    assert bird.messages == (Message("user", "Name a bird."),)
    assert (bird.max_tokens, bird.ignore_eos) == (512, False)
    assert len(made.messages[0].content.split()) == 50
    assert (made.max_tokens, made.ignore_eos) == (9, True)
    assert tree.messages[0] == Message("system", "简短。")
    assert (tree.language, tree.max_tokens, tree.ignore_eos) == ("zh", 7, True)


def test_after_the_last_it_begins_anew_and_the_times_go_on(tmp_path: Path) -> None:
    task = traced(tmp_path)
    assert task.span_s == pytest.approx(4.5)
    found = first(task, 6)
    assert [prompt.due_s for prompt in found] == pytest.approx([0, 1.5, 3, 4.5, 6, 7.5])
    assert [prompt.id for prompt in found[:4]] == ["trace/1", "trace/2", "trace/3", "trace/1~1"]
    assert found[1].messages != found[4].messages  # no cached prefix of the first pass


def test_published_traces_can_be_read(tmp_path: Path) -> None:
    mooncake = (
        '{"timestamp": 0, "input_length": 6758, "output_length": 500, "hash_ids": [0, 1]}\n'
        '{"timestamp": 3250, "input_length": 15, "output_length": 2, "hash_ids": [2]}\n'
    )
    found = traced(tmp_path, mooncake).arrivals
    assert [(each.at_s, each.input_tokens, each.output_tokens) for each in found] == [
        (0.0, 6758, 500),
        (3.25, 15, 2),
    ]
    azure = (
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2023-11-16 18:17:03.9799600,4808,10\n"
        "2023-11-16 18:17:04.0319600,110,27\n"
    )
    found = traced(tmp_path, azure, "azure.csv").arrivals
    assert [each.at_s for each in found] == pytest.approx([0.0, 0.052])
    assert found[1].output_tokens == 27


def test_a_single_request_is_a_trace(tmp_path: Path) -> None:
    task = traced(tmp_path, '{"arrival_s": 9, "prompt": "Hi"}\n')
    assert [prompt.due_s for prompt in first(task, 2)] == [0.0, 0.0]


def test_only_a_trace_with_lengths_asks_what_words_cost(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_text('{"arrival_s": 9, "prompt": "Hi"}\n', encoding="utf-8")
    assert not wants_calibration(Traffic(task="trace", trace=str(path)))
    other = tmp_path / "u.jsonl"
    other.write_text('{"arrival_s": 9, "input_tokens": 5}\n', encoding="utf-8")
    assert wants_calibration(Traffic(task="trace", trace=str(other)))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"prompt": "Hi"}', ":1: arrival_s: is missing; expected seconds, or timestamp"),
        ('{"arrival_s": "x", "prompt": "Hi"}', ":1: arrival_s: got 'x'; expected a time from 0"),
        ('{"arrival_s": -1, "prompt": "Hi"}', ":1: arrival_s: got -1; expected a time from 0 on"),
        ('{"arrival_s": 1}', ":1: prompt: is missing; expected it, or messages, or input_tokens"),
        ('{"arrival_s": 1, "messages": "Hi"}', ":1: messages: got 'Hi'; expected turns with role"),
        ('{"arrival_s": 1, "messages": [{"role": "user"}]}', ":1: messages: got [{'role'"),
        ('{"arrival_s": 1, "input_tokens": "many"}', ":1: input_tokens: got 'many'; expected"),
        ('{"TIMESTAMP": "yesterday", "prompt": "Hi"}', ":1: TIMESTAMP: got 'yesterday'; expected"),
        ("", ": no requests; expected a row for each"),
        ("[", ": not JSON"),
    ],
)
def test_a_bad_row_is_refused_with_its_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_trace(path)
    assert f"{path}{message}" in str(caught.value)


def test_a_missing_file_says_what_to_put_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="expected a file of JSON lines with arrival_s"):
        read_trace(tmp_path / "none.jsonl")
