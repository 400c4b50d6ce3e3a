"""What is asked, in which order, and how a conversation goes on."""

from itertools import islice

import pytest

from loadproof.model.answer import Answer, Message, Prompt
from loadproof.model.errors import ConfigurationError
from loadproof.model.metrics import TASKS
from loadproof.tasks.catalog import load_task
from loadproof.tasks.questions import load_questions


def first_ids(task: str, seed: int, count: int) -> list[str]:
    return [next(talk).id for talk in islice(load_task(task).conversations(seed), count)]


@pytest.mark.parametrize("task", TASKS)
def test_the_same_seed_asks_the_same_and_another_seed_something_else(task: str) -> None:
    assert first_ids(task, 7, 150) == first_ids(task, 7, 150)
    assert first_ids(task, 7, 50) != first_ids(task, 8, 50)


@pytest.mark.parametrize("task", TASKS)
def test_each_pass_asks_everything_once_in_a_fresh_order(task: str) -> None:
    size = len(load_questions(task))
    ids = first_ids(task, 3, 2 * size)
    assert len(set(ids[:size])) == size
    assert sorted(ids[:size]) == sorted(ids[size:])
    assert ids[:size] != ids[size:]


def test_the_order_is_pinned_so_that_old_runs_can_be_repeated() -> None:
    assert first_ids("commonsense", 1, 4) == PINNED


PINNED = ["commonsense/zh-009", "commonsense/zh-022", "commonsense/en-043", "commonsense/en-050"]


def test_single_questions_end_after_their_answer() -> None:
    for task in ("medical_qa", "boxed_math", "commonsense"):
        talk = next(load_task(task).conversations(1))
        prompt = next(talk)
        assert prompt.task == task
        assert prompt.turn == 0
        with pytest.raises(StopIteration):
            talk.send(reply("B"))
        assert load_task(task).think_time_s == 0


def test_a_choice_shows_its_options_and_every_prompt_its_question() -> None:
    for task in ("medical_qa", "boxed_math", "commonsense"):
        questions = {question.id: question for question in load_questions(task)}
        for talk in islice(load_task(task).conversations(1), len(questions)):
            prompt = next(talk)
            question = questions[prompt.id]
            text = prompt.messages[-1].content
            assert prompt.messages[-1].role == "user"
            assert text.startswith(question.question)
            for letter, option in (question.options or {}).items():
                assert f"\n{letter}. {option}" in text


def test_a_chat_grows_by_what_the_model_really_said_without_its_thinking() -> None:
    talk = next(load_task("chat").conversations(5))
    opening = next(talk)
    second = talk.send(Answer("First reply", "a secret thought", True, "stop"))
    assert (opening.turn, second.turn) == (0, 1)
    assert opening.id.endswith("#0")
    assert second.id == opening.id.replace("#0", "#1")
    assert second.messages[: len(opening.messages)] == opening.messages
    assert second.messages[len(opening.messages)] == Message("assistant", "First reply")
    assert second.messages[-1].role == "user"
    assert "secret" not in str(second)


def test_a_chat_ends_after_its_last_turn() -> None:
    talk = next(load_task("chat").conversations(5))
    prompt: Prompt = next(talk)
    opening = next(q for q in load_questions("chat") if prompt.id.startswith(f"{q.id}#"))
    turns = [prompt, *(talk.send(reply("go on")) for _ in opening.follow_ups)]
    with pytest.raises(StopIteration):
        talk.send(reply("the last word"))
    said = [turn.messages[-1].content for turn in turns]
    assert said == [opening.question, *opening.follow_ups]


@pytest.mark.parametrize(
    "nothing",
    [None, Answer("", None, True, "stop"), Answer("", "still thinking", False, "length")],
)
def test_a_chat_ends_when_there_is_nothing_to_reply_to(nothing: Answer | None) -> None:
    talk = next(load_task("chat").conversations(5))
    next(talk)
    with pytest.raises(StopIteration):
        talk.send(nothing)


def test_only_chat_users_pause_to_read() -> None:
    assert load_task("chat").think_time_s > 0


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="expected one of: chat, medical_qa"):
        load_task("poetry")


def reply(text: str) -> Answer:
    return Answer(text, None, finished_thinking=True, finish_reason="stop")
