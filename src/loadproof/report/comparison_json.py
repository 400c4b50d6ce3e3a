"""comparison.json: a comparison as other programs read it, and the schema of that."""

from typing import Any

import msgspec

from loadproof.model.comparison import Comparison


def encode_comparison(comparison: Comparison) -> str:
    """The comparison as indented JSON, with a newline at its end."""
    encoded = msgspec.json.format(msgspec.json.encode(comparison), indent=2)
    return encoded.decode("utf-8") + "\n"


def decode_comparison(text: str | bytes) -> Comparison:
    """The comparison of a comparison.json. Raises msgspec.DecodeError for what is none."""
    return msgspec.json.decode(text, type=Comparison)


def comparison_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of comparison.json."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "comparison.json of two loadproof runs",
        **msgspec.json.schema(Comparison),
    }
