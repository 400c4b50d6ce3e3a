"""Which question is asked next: the same at each level, however many workers share it out."""

from collections import Counter

from loadproof.load.prompts import PromptSource, Talks
from loadproof.model.answer import Answer
from loadproof.tasks.catalog import load_task

WEIGHTS = {"chat": 2.0, "boxed_math": 1.0, "commonsense": 1.0}
TASKS = {name: load_task(name) for name in WEIGHTS}
FINE = Answer(text="Fine.", thinking=None, finished_thinking=True, finish_reason="stop")


def asked(source: PromptSource, count: int) -> list[str]:
    return [next(source.next_conversation(source.next_task())).id for _ in range(count)]


def test_a_seed_asks_the_same_questions_again() -> None:
    first, second = (PromptSource(TASKS, WEIGHTS, 7, (0, 1)) for _ in range(2))
    assert asked(first, 50) == asked(second, 50)
    assert asked(PromptSource(TASKS, WEIGHTS, 8, (0, 1)), 50) != asked(second, 50)


def test_the_mix_follows_the_weights() -> None:
    source = PromptSource(TASKS, WEIGHTS, 1, (0, 1))
    counts = Counter(source.next_task() for _ in range(4000))
    assert abs(counts["chat"] / 4000 - 0.5) < 0.05
    assert abs(counts["boxed_math"] / 4000 - 0.25) < 0.05


def test_workers_share_one_sequence_without_asking_twice() -> None:
    weights = {"commonsense": 1.0}
    whole = asked(PromptSource(TASKS, weights, 3, (0, 1)), 40)
    shares = [asked(PromptSource(TASKS, weights, 3, (index, 2)), 20) for index in (0, 1)]
    dealt = [question for pair in zip(*shares, strict=True) for question in pair]
    assert dealt == whole


def test_a_conversation_goes_on_with_the_answer_that_came() -> None:
    source = PromptSource(TASKS, {"chat": 1.0}, 1, (0, 1))
    talks = Talks()
    first = talks.next(source, epoch=1)
    talks.answered(first, FINE)
    second = talks.next(source, epoch=1)
    assert second.prompt.turn == 1
    before, answer, follow_up = second.prompt.messages[-3:]
    assert before == first.prompt.messages[-1]
    assert (answer.role, answer.content) == ("assistant", "Fine.")
    assert follow_up.role == "user"


def test_a_new_level_begins_with_new_conversations() -> None:
    source = PromptSource(TASKS, {"chat": 1.0}, 1, (0, 1))
    talks = Talks()
    talks.answered(talks.next(source, epoch=1), FINE)
    assert talks.next(source, epoch=2).prompt.turn == 0


def test_a_conversation_without_an_answer_is_not_gone_on_with() -> None:
    source = PromptSource(TASKS, {"chat": 1.0}, 1, (0, 1))
    talks = Talks()
    talks.next(source, epoch=1)
    assert talks.next(source, epoch=1).prompt.turn == 0
