"""Who is it that gets measured: engine, version, model, limits, as far as the server says."""

import re
from typing import Any

from loadproof.model.errors import ConfigurationError, ServerFailedError
from loadproof.model.server import Server
from loadproof.servers.probe import Response, UnreachableError, get

_SECRET = re.compile(r"key|token|secret|passw|credential", re.IGNORECASE)
_NO_SECRET = re.compile(r"tokeni[sz]er|tokens", re.IGNORECASE)
HIDDEN = "***"

_OWNERS = {
    "vllm": "vllm",
    "llamacpp": "llama.cpp",
    "loadproof-simulator": "simulator",
    "sglang": "sglang",
}
"""What engines write into `owned_by` of /v1/models."""


def identify(server: Server, url: str, key: str | None) -> dict[str, Any]:
    """The "server" object of run.json: `name`, `engine`, `url`, `model`, `version`, `simulated`,
    `max_model_len`, `policy` and `flags` of the start command. What the server does not tell is
    None. It works for whatever lists its model under /v1/models.

    Raises ServerFailedError where nothing answers there, and ConfigurationError where the key is
    refused, or where the file names a model that the server does not serve, or none and the
    server lists none.
    """
    try:
        listed = get(url, "/v1/models", key)
        version = get(url, "/version", key).json() or {}
        info = get(url, "/info", key).json() if "version" not in version else None
        props = get(url, "/props", key).json() if "version" not in version else None
    except UnreachableError as error:
        raise ServerFailedError(f"{server.name}: nothing answers at {url}: {error}") from None
    if listed.status in (401, 403):
        raise ConfigurationError(
            f"{server.name}: {url} refuses the API key with HTTP {listed.status}; expected a "
            "[key] table that names the environment variable or file of a valid one"
        )
    info, props = info or {}, props or {}
    model, card = _model(server, url, _cards(listed), info)
    return {
        "name": server.name,
        "engine": _engine(server, card, info, props),
        "url": url,
        "model": model,
        "version": _text(version, "version") or _text(info, "version") or _build(props),
        "simulated": server.engine == "simulator" or version.get("simulated") is True,
        "max_model_len": _context(card, info, props),
        "policy": server.policy.model_dump(mode="json"),
        "flags": without_secrets(server.start.command[1:] if server.start else ()),
    }


def without_secrets(flags: tuple[str, ...]) -> list[str]:
    """Command-line flags with the values of those that look like a key or token masked."""
    shown: list[str] = []
    hide_next = False
    for flag in flags:
        name, equals, _ = flag.partition("=")
        is_secret = (
            name.startswith("-") and bool(_SECRET.search(name)) and not _NO_SECRET.search(name)
        )
        if hide_next and not flag.startswith("--"):
            shown.append(HIDDEN)
        elif is_secret and equals:
            shown.append(f"{name}={HIDDEN}")
        else:
            shown.append(flag)
        # vLLM takes several keys after one --api-key.
        hide_next = (is_secret and not equals) or (hide_next and not flag.startswith("-"))
    return shown


def _cards(listed: Response) -> list[dict[str, Any]]:
    data = (listed.json() or {}).get("data")
    found = data if isinstance(data, list) else []
    return [card for card in found if isinstance(card, dict) and isinstance(card.get("id"), str)]


def _model(
    server: Server, url: str, cards: list[dict[str, Any]], info: dict[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The model's name in requests and its card in the list, which may be empty."""
    names = [card["id"] for card in cards]
    if server.model is None:
        if cards:
            return names[0], cards[0]
        model = _text(info, "model_id")
        if model is None:
            raise ConfigurationError(
                f"{server.name}: model: missing, and {url} lists none under /v1/models; expected "
                "the model's name in the server file"
            )
        return model, {}
    if cards and server.model not in names:
        raise ConfigurationError(
            f"{server.name}: model: got {server.model!r}, expected one that {url} serves: "
            f"{', '.join(names)}"
        )
    return server.model, next((card for card in cards if card["id"] == server.model), {})


def _engine(
    server: Server, card: dict[str, Any], info: dict[str, Any], props: dict[str, Any]
) -> str:
    """The engine by the file, or by what gives it away where the file does not say."""
    if server.engine != "other":
        return server.engine
    owner = _OWNERS.get(str(card.get("owned_by")))
    if owner is not None:
        return owner
    if "model_id" in info:
        return "tgi"
    return "llama.cpp" if "default_generation_settings" in props else "other"


def _context(card: dict[str, Any], info: dict[str, Any], props: dict[str, Any]) -> int | None:
    """Longest prompt plus answer: vLLM's name for it, TGI's, llama.cpp's two."""
    meta, defaults = card.get("meta"), props.get("default_generation_settings")
    candidates = (
        card.get("max_model_len"),
        info.get("max_total_tokens"),
        defaults.get("n_ctx") if isinstance(defaults, dict) else None,
        meta.get("n_ctx_train") if isinstance(meta, dict) else None,
    )
    return next((value for value in candidates if isinstance(value, int)), None)


def _text(data: dict[str, Any], name: str) -> str | None:
    value = data.get(name)
    return value if isinstance(value, str) else None


def _build(props: dict[str, Any]) -> str | None:
    return _text(props, "build_info")
