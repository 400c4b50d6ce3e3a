"""The request's body, byte by byte what each served model wants."""

import json
from typing import Any

import pytest

from loadproof.model.answer import Message, Prompt
from loadproof.model.server import Server
from loadproof.tasks.policy import messages, request_body

MEDICAL = Prompt(
    "medical_qa/zh-001",
    "medical_qa",
    "zh",
    (Message("system", "你正在考试。"), Message("user", "高血压患者应避免摄入哪种电解质？")),
    max_tokens=1024,
)
MATH = {
    language: Prompt(f"boxed_math/{language}-001", "boxed_math", language, (user,), 2048)
    for language, user in (("en", Message("user", "2+2?")), ("zh", Message("user", "2+2=?")))
}
CHAT = Prompt(
    "chat/en-001#1",
    "chat",
    "en",
    (
        Message("system", "Be kind."),
        Message("user", "Hello"),
        Message("assistant", "Hi!"),
        Message("user", "How are you?"),
    ),
    max_tokens=512,
    turn=1,
)


def server(engine: str = "vllm", usage: str | None = None, **policy: Any) -> Server:
    return Server.model_validate(
        {
            "name": "it",
            "engine": engine,
            "url": "http://127.0.0.1:1",
            "usage": usage,
            "policy": policy,
        }
    )


def body(prompt: Prompt, where: Server | None = None, **options: Any) -> dict[str, Any]:
    given = {"max_tokens": None, "seed": None} | options
    decoded: dict[str, Any] = json.loads(request_body(where or server(), "m", prompt, **given))
    return decoded


def test_a_model_without_wishes_gets_the_prompt_and_nothing_else() -> None:
    assert body(MEDICAL, server("other")) == {
        "model": "m",
        "messages": [
            {"role": "system", "content": "你正在考试。"},
            {"role": "user", "content": "高血压患者应避免摄入哪种电解质？"},
        ],
        "stream": True,
        "stream_options": {"include_usage": True},
        "max_tokens": 1024,
    }


def test_the_body_is_utf8_with_chinese_as_it_is() -> None:
    raw = request_body(server(), "m", MEDICAL, max_tokens=None, seed=None)
    assert "高血压".encode() in raw
    assert b"\\u" not in raw


def test_the_policy_of_deepseek_r1_is_applied_as_a_whole() -> None:
    r1 = server(temperature=0.6, top_p=0.95, system_prompt=False, lead="newline")
    sent = body(MEDICAL, r1, seed=7)
    assert sent["messages"] == [
        {"role": "user", "content": "\n你正在考试。\n\n高血压患者应避免摄入哪种电解质？"}
    ]
    assert (sent["temperature"], sent["top_p"], sent["seed"]) == (0.6, 0.95, 7)


def test_the_think_lead_continues_an_assistant_turn() -> None:
    sent = body(MATH["en"], server(lead="think"))
    assert sent["messages"][-1] == {"role": "assistant", "content": "<think>\n"}
    assert sent["continue_final_message"] is True
    assert sent["add_generation_prompt"] is False


@pytest.mark.parametrize("lead", ["none", "newline"])
def test_other_leads_continue_nothing(lead: str) -> None:
    sent = body(MATH["en"], server(lead=lead))
    assert sent["messages"][-1]["role"] == "user"
    assert "continue_final_message" not in sent
    assert "add_generation_prompt" not in sent


@pytest.mark.parametrize(
    ("language", "template"),
    [
        ("en", r"Please reason step by step, and put your final answer within \boxed{}."),
        ("zh", r"请逐步推理，并将最终答案放在\boxed{}内。"),
    ],
)
def test_math_asks_for_a_box_in_its_own_language(language: str, template: str) -> None:
    question = MATH[language].messages[0].content
    assert body(MATH[language])["messages"][-1]["content"] == f"{question}\n{template}"
    plain = body(MATH[language], server(math_template=False))
    assert plain["messages"][-1]["content"] == question


def test_other_tasks_ask_for_no_box() -> None:
    assert "boxed" not in json.dumps(body(MEDICAL))
    assert "boxed" not in json.dumps(body(CHAT))


@pytest.mark.parametrize("lead", ["none", "newline"])
@pytest.mark.parametrize("system_prompt", [True, False])
def test_each_turn_of_a_chat_extends_the_one_before(lead: str, *, system_prompt: bool) -> None:
    policy = server(lead=lead, system_prompt=system_prompt).policy
    opening = Prompt("chat/en-001#0", "chat", "en", CHAT.messages[:2], 512)
    before, after = messages(policy, opening), messages(policy, CHAT)
    assert after[: len(before)] == before
    assert after[len(before)] == Message("assistant", "Hi!")


@pytest.mark.parametrize(
    ("engine", "usage", "wanted"),
    [
        ("vllm", None, {"include_usage": True, "continuous_usage_stats": True}),
        ("simulator", None, {"include_usage": True, "continuous_usage_stats": True}),
        ("other", None, {"include_usage": True}),
        ("vllm", "final", {"include_usage": True}),
        ("other", "continuous", {"include_usage": True, "continuous_usage_stats": True}),
        ("vllm", "none", None),
    ],
)
def test_token_counts_are_asked_for_as_the_server_gives_them(
    engine: str, usage: str | None, wanted: dict[str, bool] | None
) -> None:
    assert body(CHAT, server(engine, usage)).get("stream_options") == wanted


@pytest.mark.parametrize(
    ("scenario", "policy", "wanted"),
    [(None, None, 512), (64, None, 64), (4096, None, 4096), (None, 100, 100), (4096, 1000, 1000)],
)
def test_the_scenario_replaces_the_tasks_limit_and_the_policy_caps_it(
    scenario: int | None, policy: int | None, wanted: int
) -> None:
    sent = body(CHAT, server(max_tokens=policy), max_tokens=scenario)
    assert sent["max_tokens"] == wanted


def test_stop_sequences_are_sent() -> None:
    assert body(CHAT, server(stop=["###", "\n\n"]))["stop"] == ["###", "\n\n"]
