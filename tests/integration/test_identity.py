"""Asking a server who it is: each engine by its own endpoints, and what goes wrong."""

import http.server
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from integration.simulated_server import running, simulated
from loadproof.model.errors import ConfigurationError, ServerFailedError
from loadproof.model.server import Server
from loadproof.servers.identity import identify, without_secrets

VLLM = {
    "/v1/models": {"data": [{"id": "llama", "owned_by": "vllm", "max_model_len": 8192}]},
    "/version": {"version": "0.32.0"},
}
LLAMA_CPP = {
    "/v1/models": {
        "data": [{"id": "q.gguf", "owned_by": "llamacpp", "meta": {"n_ctx_train": 131072}}]
    },
    "/props": {"build_info": "b6000-abc", "default_generation_settings": {"n_ctx": 4096}},
}
TGI = {
    "/v1/models": {"data": [{"id": "org/model", "owned_by": "org/model"}]},
    "/info": {"model_id": "org/model", "version": "3.3.0", "max_total_tokens": 2048},
}


@contextmanager
def answering(
    pages: Mapping[str, Any], key: str | None = None
) -> Iterator[tuple[str, list[tuple[str, str | None]]]]:
    """A server of fixed JSON pages; a page that is text redirects there. Gives its address and
    the (path, Authorization) of each request."""
    asked: list[tuple[str, str | None]] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            authorization = self.headers.get("Authorization")
            asked.append((self.path, authorization))
            page = pages.get(self.path)
            if key is not None and authorization != f"Bearer {key}":
                self.send_response(401)
            elif isinstance(page, str):
                self.send_response(307)
                self.send_header("Location", page)
            else:
                self.send_response(404 if page is None else 200)
            body = json.dumps(page).encode()
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


def server_at(url: str, **fields: Any) -> Server:
    return Server.model_validate({"name": "asked", "url": url, **fields})


def test_the_simulator_says_that_it_is_one(tmp_path: Path) -> None:
    server = simulated(context_tokens=4096)
    with running(tmp_path, context_tokens=4096) as found:
        known = identify(server, found.url, None)
        unknown = identify(server_at(found.url), found.url, None)
    assert known["engine"] == unknown["engine"] == "simulator"
    assert known["simulated"] is unknown["simulated"] is True
    assert (known["model"], known["max_model_len"]) == ("tiny", 4096)
    assert known["version"]


@pytest.mark.parametrize(
    ("pages", "engine", "model", "version", "context"),
    [
        (VLLM, "vllm", "llama", "0.32.0", 8192),
        (LLAMA_CPP, "llama.cpp", "q.gguf", "b6000-abc", 4096),
        (TGI, "tgi", "org/model", "3.3.0", 2048),
        ({"/v1/models": {"data": [{"id": "m"}]}}, "other", "m", None, None),
    ],
)
def test_each_engine_is_known_by_what_it_tells(
    pages: dict[str, Any], engine: str, model: str, version: str | None, context: int | None
) -> None:
    with answering(pages) as (url, _):
        found = identify(server_at(url), url, None)
    assert (found["engine"], found["model"]) == (engine, model)
    assert (found["version"], found["max_model_len"]) == (version, context)
    assert found["simulated"] is False


def test_name_policy_and_flags_come_from_the_file() -> None:
    with answering(VLLM) as (url, _):
        server = server_at(
            url,
            engine="vllm",
            start={"command": ["vllm", "serve", "x", "--api-key", "sk-secret", "--port", "1"]},
            policy={"temperature": 0.6, "lead": "newline"},
        )
        found = identify(server, url, None)
    assert found["name"] == "asked"
    assert found["policy"]["temperature"] == 0.6
    assert found["flags"] == ["serve", "x", "--api-key", "***", "--port", "1"]
    assert "sk-secret" not in json.dumps(found)


@pytest.mark.parametrize(
    ("flags", "shown"),
    [
        (("--api-key=sk-1",), ["--api-key=***"]),
        (
            ("--api-key", "sk-1", "sk-2", "--port", "8000"),
            ["--api-key", "***", "***", "--port", "8000"],
        ),
        (("--hf-token", "hf_1"), ["--hf-token", "***"]),
        (("--api-key", "-dashed"), ["--api-key", "***"]),
        (("--tokenizer", "t", "--max-tokens", "9"), ["--tokenizer", "t", "--max-tokens", "9"]),
    ],
)
def test_flags_that_hold_secrets_are_masked(flags: tuple[str, ...], shown: list[str]) -> None:
    assert without_secrets(flags) == shown


def test_a_model_that_is_not_served_is_refused_with_those_that_are() -> None:
    with answering(VLLM) as (url, _), pytest.raises(ConfigurationError) as caught:
        identify(server_at(url, model="other"), url, None)
    assert f"model: got 'other', expected one that {url} serves: llama" in str(caught.value)


def test_a_model_is_taken_from_the_file_where_the_server_lists_none() -> None:
    with answering({}) as (url, _):
        assert identify(server_at(url, model="mine"), url, None)["model"] == "mine"
        with pytest.raises(ConfigurationError, match="model: missing"):
            identify(server_at(url), url, None)


def test_the_key_is_sent_and_a_refused_one_is_said() -> None:
    with answering(VLLM, key="sk-right") as (url, asked):
        assert identify(server_at(url), url, "sk-right")["model"] == "llama"
        assert {authorization for _, authorization in asked} == {"Bearer sk-right"}
        with pytest.raises(ConfigurationError) as caught:
            identify(server_at(url), url, "sk-wrong")
    assert "refuses the API key with HTTP 401" in str(caught.value)
    assert "sk-wrong" not in str(caught.value)


def test_the_key_follows_no_redirect() -> None:
    with (
        answering(VLLM) as (elsewhere, asked_elsewhere),
        answering({"/v1/models": f"{elsewhere}/v1/models"}) as (url, _),
    ):
        identify(server_at(url, model="m"), url, "sk-secret")
    assert asked_elsewhere == []


def test_an_address_with_a_path_keeps_it() -> None:
    pages = {f"/proxy{path}": page for path, page in VLLM.items()}
    with answering(pages) as (url, _):
        assert identify(server_at(f"{url}/proxy"), f"{url}/proxy", None)["engine"] == "vllm"


def test_a_dead_server_is_a_server_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        url = f"http://127.0.0.1:{probe.getsockname()[1]}"
    with pytest.raises(ServerFailedError, match=r"asked: nothing answers at .*Connection refused"):
        identify(server_at(url), url, None)


def test_something_that_speaks_no_http_is_a_server_failure() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def greet() -> None:
            with listening.accept()[0] as client:
                client.recv(1000)
                client.sendall(b"220 smtp ready\r\n")

        thread = threading.Thread(target=greet)
        thread.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        with pytest.raises(ServerFailedError, match="no HTTP answer"):
            identify(server_at(url), url, None)
        thread.join()
