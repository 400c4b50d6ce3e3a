"""How a served model wants to be asked, applied in one place: from a prompt to a request's body."""

from dataclasses import replace
from typing import Any

import msgspec

from loadproof.model.answer import Message, Prompt
from loadproof.model.server import Policy, Server

MATH_TEMPLATE = {
    "en": r"Please reason step by step, and put your final answer within \boxed{}.",
    "zh": r"请逐步推理，并将最终答案放在\boxed{}内。",
}
"""What is added to a math question; the wording is DeepSeek's recommendation for its R1 models."""

CHAT_PATH = "/v1/chat/completions"
"""Where such a body is sent, below the server's root."""

THINK_LEAD = "<think>\n"


def request_body(
    server: Server, model: str, prompt: Prompt, *, max_tokens: int | None, seed: int | None
) -> bytes:
    """The body of the streaming chat completion that asks `prompt`, as UTF-8 JSON.

    `model` is the name that the server knows it by. `max_tokens` replaces the task's own limit
    where it is given; the policy's caps both. `seed` is the server's sampling seed.
    """
    policy = server.policy
    limit = prompt.max_tokens if max_tokens is None else max_tokens
    if policy.max_tokens is not None:
        limit = min(limit, policy.max_tokens)
    body: dict[str, Any] = {
        "model": model,
        "messages": messages(policy, prompt),
        "stream": True,
        **_usage(server),
        "max_tokens": limit,
    }
    if prompt.ignore_eos:
        body["ignore_eos"] = True
    if policy.temperature is not None:
        body["temperature"] = policy.temperature
    if policy.top_p is not None:
        body["top_p"] = policy.top_p
    if policy.stop:
        body["stop"] = policy.stop
    if seed is not None:
        body["seed"] = seed
    if policy.lead == "think":
        body["add_generation_prompt"] = False
        body["continue_final_message"] = True
    return msgspec.json.encode(body)


def messages(policy: Policy, prompt: Prompt) -> tuple[Message, ...]:
    """The messages of `prompt` as `policy` wants them.

    Every user turn is led in alike, so that a conversation's history stays the prefix of its next
    turn and the server's prefix cache finds it.
    """
    turns = list(prompt.messages)
    if not policy.system_prompt:
        turns = _without_system(turns)
    if policy.math_template and prompt.task == "boxed_math":
        last = turns[-1]
        turns[-1] = replace(last, content=f"{last.content}\n{MATH_TEMPLATE[prompt.language]}")
    if policy.lead == "newline":
        turns = [
            replace(turn, content=f"\n{turn.content}") if turn.role == "user" else turn
            for turn in turns
        ]
    if policy.lead == "think":
        turns.append(Message("assistant", THINK_LEAD))
    return tuple(turns)


def _without_system(turns: list[Message]) -> list[Message]:
    """The turns with the system messages' text at the head of the first user turn."""
    system = [turn.content for turn in turns if turn.role == "system"]
    rest = [turn for turn in turns if turn.role != "system"]
    first = next(index for index, turn in enumerate(rest) if turn.role == "user")
    rest[first] = Message("user", "\n\n".join([*system, rest[first].content]))
    return rest


def _usage(server: Server) -> dict[str, Any]:
    """The request's wish for token counts."""
    default = "continuous" if server.engine in ("vllm", "simulator") else "final"
    match server.usage or default:
        case "continuous":
            return {"stream_options": {"include_usage": True, "continuous_usage_stats": True}}
        case "final":
            return {"stream_options": {"include_usage": True}}
        case _:
            return {}
