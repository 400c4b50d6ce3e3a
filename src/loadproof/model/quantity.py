"""Numbers with units, as people write them: "500ms", "2m", "10GB", "0.1%", "800/s"."""

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Annotated

from pydantic import BeforeValidator, Field, PlainSerializer, WithJsonSchema

NUMBER = r"(?:\d+(?:\.\d*)?|\.\d+)"
"""A number as people write one, as a regular expression: no sign, no exponent."""

MILLISECONDS: Mapping[str, Decimal] = {
    "us": Decimal("0.001"),
    "µs": Decimal("0.001"),
    "ms": Decimal(1),
    "s": Decimal(1_000),
    "m": Decimal(60_000),
    "h": Decimal(3_600_000),
}
"""Milliseconds in a unit of time."""

_DURATION = re.compile(rf"\s*({NUMBER})\s*(us|µs|ms|s|m|h)\s*")

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
    return float(Decimal(match[1]) * MILLISECONDS[match[2]] / 1000)


def duration_text(seconds: float) -> str:
    """A duration as `duration_s` reads it, in the largest unit that leaves no fraction."""
    for unit in ("h", "m", "s", "ms"):
        count = 1e3 * seconds / float(MILLISECONDS[unit])
        if count >= 1 and abs(count - round(count)) < 1e-9:
            return f"{round(count)}{unit}"
    return f"{seconds:.12g}s"


def number_text(value: float, unit: Decimal | int = 1) -> str:
    """`value` in units of `unit`, all of its digits and no exponent: reading it gives it back."""
    return f"{(Decimal(repr(value)) / unit).normalize():f}"


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
            "pattern": rf"^\s*{NUMBER}\s*(us|µs|ms|s|m|h)\s*$",
            "examples": ["500ms", "20s", "5m"],
        }
    ),
]
"""A duration in a TOML file: written with its unit, held in seconds."""
