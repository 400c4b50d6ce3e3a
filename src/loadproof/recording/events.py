"""Events as lines of events.jsonl."""

import time
from typing import Any

import msgspec


def encode_event(kind: str, **fields: Any) -> bytes:
    """A line of events.jsonl, without its newline: `t_ns`, the monotonic time of now unless
    `fields` give another, `kind`, and the fields."""
    return msgspec.json.encode({"t_ns": time.monotonic_ns(), "kind": kind, **fields})


def decode_object(line: bytes) -> dict[str, Any]:
    """A line that holds a JSON object. Raises msgspec.DecodeError where it is torn or none."""
    return msgspec.json.decode(line, type=dict[str, Any])
