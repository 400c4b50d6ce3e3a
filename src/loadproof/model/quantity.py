"""Numbers with units, as people write them: "500ms", "2m", "10GB", "0.1%", "800/s"."""

import re
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

_NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
_DURATION = re.compile(rf"\s*({_NUMBER})\s*(us|µs|ms|s|m|h)\s*")
_SECONDS = {"us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}

BYTES = {
    "B": 1,
    "kB": 10**3,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
"""Bytes in a unit of memory, decimal and binary."""


def duration_s(text: str) -> float:
    """Seconds in a duration such as "20s", "500ms", "1.5m" or "2h".

    Raises ValueError, whose message says what was expected.
    """
    match = _DURATION.fullmatch(text)
    if match is None:
        raise ValueError('a duration with its unit, such as "500ms", "20s" or "5m"')
    return float(match[1]) * _SECONDS[match[2]]


def duration_text(seconds: float) -> str:
    """A duration as `duration_s` reads it, in the largest unit that leaves no fraction."""
    for unit in ("h", "m", "s", "ms"):
        count = seconds / _SECONDS[unit]
        if count >= 1 and abs(count - round(count)) < 1e-9:
            return f"{round(count)}{unit}"
    return f"{seconds:.12g}s"


def _read(value: object) -> object:
    if isinstance(value, str):
        return duration_s(value)
    raise ValueError('a duration with its unit in quotes, such as "500ms", "20s" or "5m"')


Duration = Annotated[
    float,
    Field(allow_inf_nan=False),
    BeforeValidator(_read),
    PlainSerializer(duration_text),
    WithJsonSchema(
        {
            "type": "string",
            "pattern": rf"^\s*{_NUMBER}\s*(us|µs|ms|s|m|h)\s*$",
            "examples": ["500ms", "20s", "5m"],
        }
    ),
]
"""A duration in a TOML file: written with its unit, held in seconds."""
