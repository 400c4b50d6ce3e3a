"""Locust's own table keeps three digits."""

import os
import subprocess
import sys

import pytest

from loadproof.load.response_time import three_digits


@pytest.mark.parametrize(
    ("response_time", "kept"),
    [
        (0, 0),
        (-0.1, 0),
        (0.12345, 0.123),
        (3.14159, 3.14),
        (45.678, 45.7),
        (99.96, 100),
        (104.9, 105),
        (999.6, 1000),
        (1_234.5, 1_230),
        (10_499, 10_500),
        (123_456, 123_000),
    ],
)
def test_three_significant_digits_are_kept(response_time: float, kept: float) -> None:
    assert three_digits(response_time) == kept


def test_what_is_over_a_hundred_milliseconds_stays_a_whole_number() -> None:
    assert isinstance(three_digits(104.9), int)


def test_locusts_percentiles_have_three_digits_where_loadproof_is_imported() -> None:
    program = """
import loadproof.plugin
from locust.stats import StatsEntry
entry = StatsEntry(None, "chat", "TTFT")
for response_time in (71.28, 104.9, 10_499):
    entry.log(response_time, 0)
print(*(entry.get_response_time_percentile(q) for q in (0.3, 0.5, 0.99)))
"""  # in a process of its own: Locust patches the one that imports it
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    printed = subprocess.check_output([sys.executable, "-c", program], text=True, env=environment)
    assert printed.split() == ["71.3", "105", "10500"]
