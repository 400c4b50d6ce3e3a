"""The simulator over real sockets: what it answers, counts, refuses and does wrong."""

import concurrent.futures
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import openai
import pytest

import loadproof
from integration.simulated_server import (
    chat_body,
    connect,
    events,
    metrics,
    post,
    running,
    simulated,
    text_of,
)
from loadproof.servers.launch import RunningServer, launched

USAGE = {"include_usage": True, "continuous_usage_stats": True}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    with running(tmp_path_factory.mktemp("simulator"), answer_tokens=20) as found:
        yield found


def test_stream_and_whole_answer_say_the_same(server: RunningServer) -> None:
    _, raw = post(server, chat_body(stream=True, stream_options=USAGE))
    streamed = events(raw)
    whole = json.loads(post(server, chat_body())[1])
    assert text_of(streamed) == whole["choices"][0]["message"]["content"]
    assert streamed[-1] == "[DONE]"
    assert streamed[-2]["choices"] == []
    for name, count in streamed[-2]["usage"].items():
        assert whole["usage"][name] == count
    assert streamed[-3]["choices"][0]["finish_reason"] == "stop"
    assert whole["choices"][0]["finish_reason"] == "stop"


def test_continuous_usage_counts_every_token(server: RunningServer) -> None:
    streamed = events(post(server, chat_body(stream=True, stream_options=USAGE))[1])
    counts = [event["usage"]["completion_tokens"] for event in streamed[:-2]]
    assert counts == list(range(len(counts)))
    assert streamed[-2]["usage"]["completion_tokens"] == counts[-1]


def test_the_openai_client_reads_it(server: RunningServer) -> None:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="none", max_retries=0)
    assert [model.id for model in client.models.list()] == ["tiny"]
    stream = client.chat.completions.create(
        model="tiny",
        messages=[{"role": "user", "content": "你好"}],
        max_tokens=7,
        stream=True,
        stream_options={"include_usage": True},
        extra_body={"ignore_eos": True},
    )
    chunks = list(stream)
    assert sum(bool(chunk.choices and chunk.choices[0].delta.content) for chunk in chunks) == 7
    assert chunks[-1].usage is not None
    assert chunks[-1].usage.completion_tokens == 7
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="other", messages=[{"role": "user", "content": "x"}])


def test_one_connection_carries_many_requests(server: RunningServer) -> None:
    connection = connect(server)
    for stream in (True, False, True):
        connection.request("POST", "/v1/chat/completions", chat_body(stream=stream))
        answer = connection.getresponse()
        assert answer.status == 200
        answer.read()
        local = connection.sock.getsockname()
    connection.request("GET", "/health")
    assert connection.getresponse().status == 200
    assert connection.sock.getsockname() == local


@pytest.mark.parametrize(
    ("field", "texts"), [("reasoning", True), ("reasoning_content", True), ("none", False)]
)
def test_thinking_comes_in_its_field_or_in_the_text(
    tmp_path: Path, field: str, texts: bool
) -> None:
    with running(tmp_path, thinks=True, reasoning_field=field, thinking_tokens=10) as thinker:
        streamed = events(post(thinker, chat_body(stream=True))[1])
    content = text_of(streamed)
    assert ("</think>" in content) is not texts
    assert "<think>" not in content
    if texts:
        assert text_of(streamed, field)
        assert content.startswith("\n\n")


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        (b"{", 400, "truncated"),
        (b'{"messages": 3}', 400, "Expected `array`"),
        (chat_body(model="other"), 404, "The model `other` does not exist."),
        (chat_body(max_tokens=99999), 400, "maximum context length is 32768 tokens"),
        (chat_body(max_tokens=0), 400, "at least 1"),
        (chat_body("word " * 40_000), 400, "Please reduce the length"),
        (chat_body(stream_options=USAGE), 400, "stream=True"),
        (chat_body(n=2), 400, "n must be 1"),
    ],
)
def test_what_vllm_refuses_is_refused_in_its_shape(
    server: RunningServer, body: bytes, status: int, message: str
) -> None:
    got, raw = post(server, body)
    error = json.loads(raw)["error"]
    assert got == error["code"] == status
    assert message in error["message"]


def test_unknown_paths_and_methods_are_refused(server: RunningServer) -> None:
    connection = connect(server)
    for method, path, status in (("GET", "/nothing", 404), ("POST", "/health", 405)):
        connection.request(method, path)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == status


def test_bytes_that_are_no_http_get_a_400_and_the_end(server: RunningServer) -> None:
    parts = urlsplit(server.url)
    with socket.create_connection((str(parts.hostname), parts.port)) as raw:
        raw.sendall(b"\x16\x03\x01 nonsense\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.1 400 ")


def test_a_required_key_is_required_under_v1_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOADPROOF_SIMULATOR_KEY", "sk-secret")
    with running(tmp_path) as locked:
        assert post(locked, chat_body())[0] == 401
        assert post(locked, chat_body(), {"Authorization": "Bearer sk-other"})[0] == 401
        assert post(locked, chat_body(), {"Authorization": "Bearer sk-secret"})[0] == 200
        assert metrics(locked)["generation_tokens_total"] > 0
    assert "sk-secret" not in (tmp_path / "server.log").read_text()


def test_counters_agree_exactly_with_what_clients_got(tmp_path: Path) -> None:
    with running(tmp_path, max_batch=4, kv_blocks=16, context_tokens=256) as busy:

        def ask(k: int) -> dict[str, int]:
            options = {"stream": True, "stream_options": USAGE, "max_tokens": 90}
            body = chat_body(f"Question {k}", **options, ignore_eos=k % 2 == 0)
            usage: dict[str, int] = events(post(busy, body)[1])[-2]["usage"]
            return usage

        with concurrent.futures.ThreadPoolExecutor(12) as pool:
            usages = list(pool.map(ask, range(36)))
        found = metrics(busy)
    tokens = sum(usage["completion_tokens"] for usage in usages)
    assert found["generation_tokens_total"] == tokens
    assert found["prompt_tokens_total"] == sum(usage["prompt_tokens"] for usage in usages)
    assert found["time_to_first_token_seconds_count"] == 36
    assert found["inter_token_latency_seconds_count"] == tokens - 36
    assert found["e2e_request_latency_seconds_count"] == 36
    assert found["request_success_total/length"] + found["request_success_total/stop"] == 36
    assert found["request_queue_time_seconds_sum"] > 0
    assert found["num_preemptions_total"] > 0
    assert found["num_requests_running"] == found["kv_cache_usage_perc"] == 0


def test_first_token_and_gaps_take_what_the_engine_model_says(tmp_path: Path) -> None:
    with running(tmp_path, base_us=20_000.0, per_prefill_token_us=1000.0) as modelled:
        body = chat_body(stream=True, stream_options=USAGE, max_tokens=6, ignore_eos=True)
        usage = events(post(modelled, body)[1])[-2]["usage"]
        found = metrics(modelled)
    expected_s = 0.020 + 0.001 * usage["prompt_tokens"]
    assert found["time_to_first_token_seconds_sum"] >= expected_s
    # Deadlines are absolute: lateness of one token makes the next gap shorter, not all later.
    assert found["e2e_request_latency_seconds_sum"] >= expected_s + 5 * 0.020


def test_a_client_that_goes_frees_its_place(tmp_path: Path) -> None:
    with running(tmp_path, max_batch=1) as server:
        connection = connect(server)
        endless = chat_body(stream=True, ignore_eos=True, max_tokens=30_000)
        connection.request("POST", "/v1/chat/completions", endless)
        answer = connection.getresponse()
        answer.read1(100)
        assert metrics(server)["num_requests_running"] == 1
        connection.sock.shutdown(socket.SHUT_RDWR)
        connection.close()
        assert post(server, chat_body())[0] == 200
        found = metrics(server)
    assert found["request_success_total/abort"] == 1
    assert found["kv_cache_usage_perc"] == 0


def fault(kind: str) -> dict[str, str]:
    return {"x-simulator-fault": kind}


@pytest.mark.parametrize("status", [429, 500, 503])
def test_status_faults_answer_with_json(server: RunningServer, status: int) -> None:
    got, raw = post(server, chat_body(stream=True), fault(f"status_{status}"))
    assert got == json.loads(raw)["error"]["code"] == status


def test_a_reset_comes_in_mid_stream(server: RunningServer) -> None:
    with pytest.raises(ConnectionResetError):
        post(server, chat_body(stream=True), fault("reset"))


def test_a_truncated_stream_ends_without_its_end(server: RunningServer) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        post(server, chat_body(stream=True), fault("truncate; after=3"))
    partial = events(caught.value.partial)
    assert len(partial) == 1 + 3
    assert partial[-1]["choices"][0]["finish_reason"] is None


def test_a_truncated_whole_answer_is_half_of_it(server: RunningServer) -> None:
    with pytest.raises(http.client.IncompleteRead) as caught:
        post(server, chat_body(), fault("truncate"))
    assert caught.value.partial.startswith(b'{"id":"chatcmpl-')


def test_a_malformed_event_stands_among_good_ones(server: RunningServer) -> None:
    _, raw = post(server, chat_body(stream=True), fault("malformed; after=2"))
    lines = raw.decode().split("\n\n")
    with pytest.raises(json.JSONDecodeError):
        json.loads(lines[3].removeprefix("data: "))
    assert raw.endswith(b"data: [DONE]\n\n")


def test_an_error_event_ends_the_stream(server: RunningServer) -> None:
    streamed = events(post(server, chat_body(stream=True), fault("error_event; after=2"))[1])
    assert streamed[-2]["error"]["type"] == "InternalServerError"
    assert streamed[-1] == "[DONE]"


@pytest.mark.parametrize("after", [0, 2])
def test_a_stall_says_nothing_more_and_keeps_no_place(server: RunningServer, after: int) -> None:
    connection = connect(server)
    headers = fault(f"stall; after={after}")
    connection.request("POST", "/v1/chat/completions", chat_body(stream=True), headers)
    answer = connection.getresponse()
    for _ in range(after * 2 + 2 if after else 0):  # the role's event, the tokens', blank lines
        assert answer.readline()
    # Other requests are served meanwhile, and nothing has come here when they have ended.
    assert post(server, chat_body())[0] == 200
    connection.sock.settimeout(0.05)
    with pytest.raises(TimeoutError):
        answer.read(1)
    assert metrics(server)["num_requests_running"] == 0
    connection.close()


def test_an_unknown_fault_is_refused(server: RunningServer) -> None:
    got, raw = post(server, chat_body(), fault("explode"))
    assert got == 400
    assert "none of stall" in json.loads(raw)["error"]["message"]


def test_faults_of_the_settings_hit_their_share(tmp_path: Path) -> None:
    with running(tmp_path, faults={"status_503": 0.5}) as faulty:
        statuses = [post(faulty, chat_body(max_tokens=1))[0] for _ in range(60)]
    assert 15 <= statuses.count(503) <= 45
    assert set(statuses) == {200, 503}


def start_command(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    root = str(Path(loadproof.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-m", "loadproof.servers.simulator", *arguments],
        env={**os.environ, "PYTHONPATH": root},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,
    )


def test_the_command_serves_a_file_until_sigterm(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text('name = "s"\nengine = "simulator"\nurl = "http://127.0.0.1:8000"\n')
    with start_command(str(path), "--port", "0") as process:
        assert process.stdout is not None
        announced = process.stdout.readline().decode()
        url = announced.split()[-1]
        assert announced.startswith("simulating simulated at http://127.0.0.1:")
        found = RunningServer(url, process.pid)
        stalled = connect(found)
        stalled.request("POST", "/v1/chat/completions", chat_body(stream=True), fault("stall"))
        stalled.getresponse()
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
        assert (process.returncode, errors) == (0, b"")
        stalled.close()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('name = "s"\nurl = "http://127.0.0.1:8000"\n', "engine: got 'other'"),
        ('name = "s"\nengin = "simulator"\nurl = "http://x"\n', "did you mean 'engine'"),
    ],
)
def test_the_command_refuses_a_bad_file_in_one_line(
    tmp_path: Path, text: str, problem: str
) -> None:
    path = tmp_path / "server.toml"
    path.write_text(text)
    with start_command(str(path)) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 20
    assert problem in errors.decode()
    assert len(errors.decode().splitlines()) == 1


def test_the_simulator_goes_when_its_starter_goes(tmp_path: Path) -> None:
    with start_command("-", "--port", "0", stdin=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(simulated().model_dump_json().encode() + b"\n")
        process.stdin.flush()
        process.stdout.readline()
        process.stdin.close()
        assert process.wait(30) == 0


def test_settings_of_the_file_reach_the_child(tmp_path: Path) -> None:
    with launched(simulated(model="中-model", context_tokens=512), tmp_path / "log") as found:
        connection = connect(found)
        connection.request("GET", "/v1/models")
        card = json.loads(connection.getresponse().read())["data"][0]
        connection.close()
    assert (card["id"], card["max_model_len"]) == ("中-model", 512)
