"""A simulator in a process of its own, for tests, and a plain client's view of its answers."""

import http.client
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from loadproof.model.server import Server
from loadproof.servers.launch import RunningServer, launched

FAST = {
    "base_us": 1000.0,
    "per_sequence_us": 0.0,
    "per_cached_token_us": 0.0,
    "per_prefill_token_us": 0.0,
}
"""An engine of one iteration a millisecond."""


def simulated(model: str = "tiny", **settings: Any) -> Server:
    """The server file's content; its port is any free one."""
    return Server.model_validate(
        {
            "name": "simulated",
            "engine": "simulator",
            "url": "http://127.0.0.1",
            "model": model,
            "simulator": {**FAST, **settings},
        }
    )


@contextmanager
def running(folder: Path, **settings: Any) -> Iterator[RunningServer]:
    """A running simulator with these settings; its log is in `folder`."""
    with launched(simulated(**settings), folder / "server.log") as server:
        yield server


def connect(server: RunningServer) -> http.client.HTTPConnection:
    parts = urlsplit(server.url)
    return http.client.HTTPConnection(str(parts.hostname), parts.port, timeout=30)


def chat_body(text: str = "Hello", **fields: Any) -> bytes:
    return json.dumps({"messages": [{"role": "user", "content": text}], **fields}).encode()


def post(
    server: RunningServer, body: bytes, headers: dict[str, str] | None = None
) -> tuple[int, bytes]:
    """Status and body of one chat request on a connection of its own."""
    connection = connect(server)
    try:
        connection.request("POST", "/v1/chat/completions", body, headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def events(raw: bytes) -> list[Any]:
    """The JSON of a stream's events; the end mark as the text [DONE]."""
    found = []
    for line in raw.decode().split("\n\n"):
        if line:
            data = line.removeprefix("data: ")
            found.append(data if data == "[DONE]" else json.loads(data))
    return found


def text_of(found: list[Any], field: str = "content") -> str:
    """The text that a stream's events bear in one delta field."""
    return "".join(
        choice["delta"].get(field) or ""
        for event in found
        if event != "[DONE]"
        for choice in event["choices"]
    )


def metrics(server: RunningServer) -> dict[str, float]:
    """Samples of /metrics by name, without vllm: and without labels; summed over labels."""
    connection = connect(server)
    connection.request("GET", "/metrics")
    page = connection.getresponse().read().decode()
    connection.close()
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(page):
        for sample in family.samples:
            name = sample.name.removeprefix("vllm:")
            if "finished_reason" in sample.labels:
                name += "/" + sample.labels["finished_reason"]
            if "le" not in sample.labels:
                found[name] = found.get(name, 0.0) + sample.value
    return found
