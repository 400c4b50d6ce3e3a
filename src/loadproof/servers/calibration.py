"""What the words of synthetic prompts cost in the served model's tokens, asked of the server."""

import json
from collections.abc import Callable
from typing import Any

from loadproof.model.answer import Message, Prompt
from loadproof.model.errors import ServerFailedError
from loadproof.model.scenario import Scenario
from loadproof.model.server import Server
from loadproof.model.traffic import TokenCost
from loadproof.servers.probe import UnreachableError, post
from loadproof.tasks.filler import calibrated
from loadproof.tasks.policy import CHAT_PATH, request_body
from loadproof.tasks.traffic import wants_calibration

TOKENIZE_PATH = "/tokenize"
"""vLLM's endpoint that counts the tokens of a chat request without answering it."""


def calibrated_scenario(
    scenario: Scenario, server: Server, model: str, key: str | None
) -> Scenario:
    """`scenario` with the token costs that its synthetic prompts want, measured at the server.

    Unchanged where it has no such prompts, or says the costs itself. Raises ServerFailedError
    where the server does not count.
    """
    if not any(wants_calibration(entry) for entry in scenario.traffic):
        return scenario
    cost = token_cost(server, model, key)
    traffic = tuple(
        entry.model_copy(update={"tokens": cost}) if wants_calibration(entry) else entry
        for entry in scenario.traffic
    )
    return scenario.model_copy(update={"traffic": traffic})


def token_cost(server: Server, model: str, key: str | None) -> TokenCost:
    """What words cost there: by vLLM's /tokenize, else by the usage of requests for one token.

    Raises ServerFailedError.
    """
    try:
        for count in (_by_tokenizer, _by_usage):
            counter = count(server, model, key)
            if counter is not None:
                return calibrated(counter)
    except UnreachableError as error:
        raise ServerFailedError(
            f"{server.name}: nothing answers at {server.url}: {error}"
        ) from None
    raise ServerFailedError(
        f"{server.name}: {server.url} tells no prompt_tokens, by which synthetic prompts get their "
        "lengths; expected a server that does, or tokens = { overhead = 8, per_word = 1.0, "
        "exact = false } in the scenario's traffic to do with an estimate"
    )


def _by_tokenizer(server: Server, model: str, key: str | None) -> Callable[[str], int] | None:
    """Counts by /tokenize; None where there is none."""

    def ask(text: str) -> dict[str, Any] | None:
        body = _body(server, model, text)
        chosen = ("model", "messages", "add_generation_prompt", "continue_final_message")
        kept = {name: body[name] for name in chosen if name in body}
        return post(server.url, TOKENIZE_PATH, json.dumps(kept).encode(), key).json()

    def count(text: str) -> int:
        answer = ask(text) or {}
        return _number(server, answer.get("count"))

    answer = ask("the")
    return count if answer is not None and isinstance(answer.get("count"), int) else None


def _by_usage(server: Server, model: str, key: str | None) -> Callable[[str], int] | None:
    """Counts by what the server says that it was sent; None where it does not say."""

    def ask(text: str) -> object:
        body = {**_body(server, model, text), "stream": False, "max_tokens": 1}
        body.pop("stream_options", None)
        body.pop("ignore_eos", None)
        answer = post(server.url, CHAT_PATH, json.dumps(body).encode(), key).json() or {}
        usage = answer.get("usage")
        return usage.get("prompt_tokens") if isinstance(usage, dict) else None

    return (lambda text: _number(server, ask(text))) if isinstance(ask("the"), int) else None


def _body(server: Server, model: str, text: str) -> dict[str, Any]:
    """The request as the policy makes it of a synthetic prompt."""
    prompt = Prompt("calibration", "synthetic", "en", (Message("user", text),), 1)
    body: dict[str, Any] = json.loads(
        request_body(server, model, prompt, max_tokens=None, seed=None)
    )
    return body


def _number(server: Server, value: object) -> int:
    if not isinstance(value, int):
        raise ServerFailedError(f"{server.name}: the server stopped telling how many tokens it got")
    return value
