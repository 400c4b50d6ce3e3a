"""verdict.json: the verdict as other programs read it, and the schema of that."""

from typing import Any

import msgspec

from loadproof.model.verdict import RunVerdict


def encode_verdict(verdict: RunVerdict) -> str:
    """The verdict as indented JSON, with a newline at its end."""
    encoded = msgspec.json.format(msgspec.json.encode(verdict), indent=2)
    return encoded.decode("utf-8") + "\n"


def decode_verdict(text: str | bytes) -> RunVerdict:
    """The verdict of a verdict.json. Raises msgspec.DecodeError for what is none."""
    return msgspec.json.decode(text, type=RunVerdict)


def verdict_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of verdict.json."""
    schema = msgspec.json.schema(RunVerdict)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "verdict.json of a loadproof run",
        **schema,
    }
