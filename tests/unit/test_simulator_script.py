"""An answer, token by token: pieces, thinking, lengths, stop strings."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadproof.model.server import Simulator
from loadproof.servers.simulator.answers import Said
from loadproof.servers.simulator.chat_request import ChatRequest
from loadproof.servers.simulator.pieces import is_chinese, prompt_tokens, split
from loadproof.servers.simulator.script import Script, script

PLAIN = Simulator()
PARSED = Simulator(thinks=True, reasoning_field="reasoning")
UNPARSED = Simulator(thinks=True, reasoning_field="none")
SAID = Said(None, "The capital of France is Paris.")


def asked(
    max_tokens: int = 100, stop: tuple[str, ...] = (), ignore_eos: bool = False
) -> ChatRequest:
    return ChatRequest(
        question="?",
        prompt_tokens=5,
        max_tokens=max_tokens,
        stream=True,
        usage="none",
        ignore_eos=ignore_eos,
        stop=stop,
        seed=None,
    )


def text_of(made: Script) -> str:
    return "".join(text for _, text in made.tokens)


@given(st.text())
def test_pieces_joined_are_the_text(text: str) -> None:
    assert "".join(split(text)) == text


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("The capital is Paris.", ["The", " capita", "l", " is", " Paris", "."]),
        ("北京是首都。", ["北京", "是首", "都", "。"]),
        ("x = 12345", ["x", " ", "=", " 123", "45"]),
        (r"\boxed{7}", [r"\boxed", "{", "7", "}"]),
        ("a</think>\n\nb", ["a", "</think>", "\n\n", "b"]),
    ],
)
def test_pieces_are_about_a_token_each(text: str, pieces: list[str]) -> None:
    assert split(text) == pieces


def test_a_prompt_counts_its_messages_and_their_template() -> None:
    assert prompt_tokens(["Hello there", "你好"]) == 1 + (4 + 2) + (4 + 1)


def test_language_is_seen_by_its_characters() -> None:
    assert is_chinese("什么是 GPU？")
    assert not is_chinese("What does 好 mean in English, and how is it written?")
    assert not is_chinese("")


def test_an_answer_ends_with_an_empty_token_that_counts() -> None:
    made = script(SAID, asked(), PLAIN)
    assert made.tokens[-1] == ("content", "")
    assert len(made.tokens) == len(split(SAID.text)) + 1
    assert (made.finish, made.stop_reason, text_of(made)) == ("stop", None, SAID.text)


def test_max_tokens_cuts_and_the_reason_is_length() -> None:
    made = script(SAID, asked(max_tokens=3), PLAIN)
    assert (len(made.tokens), made.finish) == (3, "length")
    exactly = script(SAID, asked(max_tokens=len(split(SAID.text))), PLAIN)
    assert (text_of(exactly), exactly.finish) == (SAID.text, "length")


def test_ignore_eos_goes_on_to_max_tokens() -> None:
    made = script(SAID, asked(max_tokens=50, ignore_eos=True), PLAIN)
    assert (len(made.tokens), made.finish) == (50, "length")
    assert all(text for _, text in made.tokens)


def test_a_stop_string_ends_the_text_before_it() -> None:
    made = script(SAID, asked(stop=("Paris", "France")), PLAIN)
    assert text_of(made) == "The capital of "
    assert (made.finish, made.stop_reason) == ("stop", "France")


def test_a_stop_string_across_pieces_is_found() -> None:
    made = script(SAID, asked(stop=("ital of Fr",)), PLAIN)
    assert text_of(made) == "The cap"
    assert len(made.tokens) == len(["The", " capita", "l", " of", " France"])


def test_a_stop_string_after_max_tokens_does_not_count() -> None:
    made = script(SAID, asked(max_tokens=2, stop=("Paris",)), PLAIN)
    assert (made.finish, made.stop_reason) == ("length", None)


def test_parsed_thinking_has_its_field_and_its_end_has_no_event() -> None:
    made = script(Said("Let me see.", "Yes."), asked(), PARSED)
    fields = [field for field, _ in made.tokens]
    assert fields == ["reasoning"] * 5 + [""] + ["content"] * 4
    assert made.reasoning_tokens == 5
    assert made.deltas()[5] == b""
    assert made.message() == {"reasoning": "Let me see.\n", "content": "\n\nYes."}


def test_unparsed_thinking_is_in_the_text_with_its_closing_tag_alone() -> None:
    made = script(Said("Let me see.", "Yes."), asked(), UNPARSED)
    assert text_of(made) == "Let me see.\n</think>\n\nYes."
    assert {field for field, _ in made.tokens} == {"content"}
    assert made.reasoning_tokens is None


def test_thinking_that_is_cut_off_counts_what_came() -> None:
    made = script(Said("Let me see.", "Yes."), asked(max_tokens=3), PARSED)
    assert (made.reasoning_tokens, made.finish) == (3, "length")
    assert made.message() == {"reasoning": "Let me see"}
