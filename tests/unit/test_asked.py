"""What a run asked, in a line."""

from pathlib import Path
from typing import Any

import pytest

from loadproof.analysis.judge import analyse
from loadproof.model.traffic import Traffic
from loadproof.recording.reader import read_run
from loadproof.report.asked import asked
from loadproof.report.page import report_html
from unit.made_up_run import MadeUpLevel, write_made_up_run


@pytest.mark.parametrize(
    ("keys", "wanted"),
    [
        ({"task": "chat", "think_time": "2s"}, "chat, weight 1, pauses of 2s"),
        (
            {"task": "medical_qa", "weight": 2.5, "questions": "/d/medqa.jsonl", "format": "medqa"},
            "medical_qa, weight 2.5, questions in medqa.jsonl (medqa)",
        ),
        (
            {"task": "sums", "file": "/d/sums.py", "max_tokens": 1024},
            "sums, weight 1, a task of its own in sums.py, at most 1,024 tokens",
        ),
        (
            {
                "task": "synthetic",
                "input_tokens": 512,
                "output_tokens": {"median": 180, "sigma": 0.9, "max": 2000},
                "shared_prefix": 0.5,
                "prefix_groups": 4,
                "tokens": {"overhead": 9, "per_word": 1.0, "exact": True},
            },
            "synthetic, weight 1, prompts of 512 tokens, answers of 180 (median, sigma 0.9, at "
            "most 2,000) tokens, 50 % of each prompt shared in 4 groups, lengths exact",
        ),
        (
            {"task": "chat", "output_tokens": {"min": 50, "max": 400}},
            "chat, weight 1, answers of 50 to 400 tokens",
        ),
        (
            {"task": "trace", "trace": "/d/t.jsonl"},
            "trace, weight 1, requests in t.jsonl",
        ),
    ],
)
def test_a_task_of_the_traffic_in_words(keys: dict[str, Any], wanted: str) -> None:
    assert asked(Traffic.model_validate(keys)) == wanted


def test_the_page_says_what_was_asked(tmp_path: Path) -> None:
    run = write_made_up_run(tmp_path / "run", [MadeUpLevel(1, [100.0] * 5, task="commonsense")])
    recorded = read_run(run)
    assert "commonsense, weight 1" in report_html(recorded, analyse(recorded, run))
