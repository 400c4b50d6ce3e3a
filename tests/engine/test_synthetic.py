"""Synthetic prompts on a real vLLM: as long as was asked for, by its own count."""

from pathlib import Path

import pytest

from integration.locust_process import finished, read_only_run
from loadproof.model.server import read_server
from loadproof.servers import calibration
from loadproof.servers.calibration import token_cost

SCENARIO = """
name = "lengths"
[[traffic]]
task = "synthetic"
input_tokens = { min = 40, max = 400 }
output_tokens = { median = 12, sigma = 0.5, max = 40 }
shared_prefix = 0.5
[[steps]]
users = 4
requests = 24
duration = "2m"
"""


def test_both_ways_of_counting_say_the_same(
    server_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = read_server(server_file)
    by_tokenizer = token_cost(server, "tiny", None)
    monkeypatch.setattr(calibration, "TOKENIZE_PATH", "/no-such-path")
    assert token_cost(server, "tiny", None) == by_tokenizer
    assert by_tokenizer.overhead > 0


def test_prompts_and_answers_have_the_lengths_that_were_drawn(
    server_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "s.toml").write_text(SCENARIO, encoding="utf-8")
    locustfile = Path(__file__).parents[2] / "locustfiles/mixed.py"
    done = finished(
        *("locust", "-f", locustfile, "--headless", "--scenario", "s.toml"),
        *("--server", server_file),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    run = read_only_run(tmp_path)
    cost = run.header["scenario"]["traffic"][0]["tokens"]
    lengths = [record.prompt_tokens or 0 for record in run.records]
    assert len(lengths) == 24
    slack = 0 if cost["exact"] else 40
    assert min(lengths) >= 40 - slack
    assert max(lengths) <= 400 + slack
    assert all(0 < (record.output_tokens or 0) <= 40 for record in run.records)
    assert len({record.output_tokens for record in run.records}) > 3
