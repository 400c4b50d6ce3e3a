"""Synthetic prompts and traces in a whole run: lengths as the server itself counts them."""

import json
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from integration.locust_process import finished, only_run, read_only_run
from loadproof.model.errors import ServerFailedError
from loadproof.model.server import server_at
from loadproof.servers.calibration import token_cost
from loadproof.servers.launch import RunningServer

STEPS = """
[[steps]]
users = 4
requests = 16
duration = "30s"
"""
SYNTHETIC = """
name = "capacity"
[[traffic]]
task = "synthetic"
input_tokens = { min = 40, max = 90 }
output_tokens = 12
shared_prefix = 0.5
"""
TRACE = """
name = "again"
[[traffic]]
task = "trace"
trace = "trace.jsonl"
"""


@pytest.fixture
def folder(tmp_path: Path, simulator: RunningServer) -> Path:
    """A folder with a server file of a simulator that runs."""
    server = f'name = "s"\nengine = "simulator"\nurl = "{simulator.url}"\n'
    (tmp_path / "server.toml").write_text(server, encoding="utf-8")
    return tmp_path


def run(folder: Path, text: str) -> list[tuple[int | None, int | None, str]]:
    """Runs a scenario; prompt tokens, output tokens and prompt id of each measured request."""
    (folder / "s.toml").write_text(text + STEPS, encoding="utf-8")
    server = f"{folder}/server.toml"
    done = finished(
        *("locust", "-f", Path(__file__).parents[2] / "locustfiles/mixed.py", "--headless"),
        *("--scenario", "s.toml", "--server", server),
        cwd=folder,
    )
    assert done.returncode == 0, done.stdout
    records = read_only_run(folder).records
    return [(each.prompt_tokens, each.output_tokens, each.prompt_id) for each in records]


def test_prompts_have_the_lengths_that_the_server_counts(folder: Path) -> None:
    found = run(folder, SYNTHETIC)
    assert {output for _, output, _ in found} == {12}
    assert all(prompt is not None and 40 <= prompt <= 90 for prompt, _, _ in found)
    assert len({prompt for prompt, _, _ in found}) > 5
    header = json.loads((only_run(folder) / "run.json").read_text(encoding="utf-8"))
    (entry,) = header["scenario"]["traffic"]
    assert entry["tokens"]["exact"] is True


def test_a_trace_is_asked_with_its_lengths(folder: Path) -> None:
    rows = [{"arrival_s": at, "input_tokens": 50 + at, "output_tokens": 3 + at} for at in range(16)]
    text = "".join(json.dumps(row) + "\n" for row in rows)
    (folder / "trace.jsonl").write_text(text, encoding="utf-8")
    found = run(folder, TRACE)
    assert {(prompt, output) for prompt, output, _ in found} == {
        (row["input_tokens"], row["output_tokens"]) for row in rows
    }
    assert {id_ for _, _, id_ in found} == {f"trace/{number}" for number in range(1, 17)}


def test_ask_shows_a_synthetic_prompt(folder: Path) -> None:
    (folder / "s.toml").write_text(SYNTHETIC + STEPS, encoding="utf-8")
    done = finished(
        *("loadproof", "ask", "server.toml", "synthetic", "--scenario", "s.toml"), cwd=folder
    )
    assert done.returncode == 0, done.stdout
    assert '"ignore_eos":true' in done.stdout
    assert "12 tokens" in done.stdout
    assert "nothing to grade" in done.stdout


class _Uncounting(BaseHTTPRequestHandler):
    """Answers whatever it is asked with an object that counts nothing."""

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"choices": []}')

    def log_message(self, *_: object) -> None:
        pass


def test_a_server_that_counts_no_tokens_is_said_to() -> None:
    with HTTPServer(("127.0.0.1", 0), _Uncounting) as uncounting:
        thread = Thread(target=uncounting.serve_forever)
        thread.start()
        try:
            server = server_at(f"http://127.0.0.1:{uncounting.server_port}")
            with pytest.raises(ServerFailedError, match="tells no prompt_tokens, by which"):
                token_cost(server, "any", None)
        finally:
            uncounting.shutdown()
            thread.join()
