"""Drawing lengths: the same ones for the same seed, on any machine."""

import math
from collections.abc import Iterator
from hashlib import blake2b
from pathlib import Path
from statistics import NormalDist

from loadproof.model.errors import ConfigurationError
from loadproof.model.lengths import Lengths
from loadproof.tasks.rows import Row, read_rows

INPUT_KEYS = ("input_tokens", "prompt_tokens", "input_length", "ContextTokens")
OUTPUT_KEYS = ("output_tokens", "completion_tokens", "output_length", "GeneratedTokens")
"""What files call the two lengths: loadproof's records, OpenAI's usage, and published traces."""

_NORMAL = NormalDist()


def fraction(*key: object) -> float:
    """A number between 0 and 1, both excluded, that stands for `key`: a hash of it."""
    words = "/".join(str(part) for part in key).encode()
    return (int.from_bytes(blake2b(words, digest_size=6).digest()) + 0.5) / 2**48


def drawn(lengths: Lengths, at: float) -> int:
    """The length at the quantile `at` of the distribution, which is between 0 and 1."""
    low, high = lengths.min, lengths.max
    if lengths.median is None or lengths.sigma is None:
        return low + int(at * (high - low + 1))
    mean, sigma = math.log(lengths.median), lengths.sigma
    below, above = (_NORMAL.cdf((math.log(end) - mean) / sigma) for end in (low, high))
    quantile = min(max(below + at * (above - below), 1e-12), 1 - 1e-12)
    return min(max(round(math.exp(mean + sigma * _NORMAL.inv_cdf(quantile))), low), high)


def read_lengths(path: Path) -> tuple[tuple[int, int], ...]:
    """Pairs of input and output tokens, one a row of a file of JSON lines or CSV.

    A run's own requests.jsonl will do: rows without one of the two are left out. Raises
    ConfigurationError.
    """
    if not path.is_file():
        raise ConfigurationError(
            f"got {str(path)!r}, expected a file with {INPUT_KEYS[0]} and {OUTPUT_KEYS[0]} in each "
            "row, such as a run's requests.jsonl (there is none)"
        )
    pairs = tuple(_pairs(path))
    if not pairs:
        raise ConfigurationError(
            f"{path}: no lengths; expected rows with {' or '.join(INPUT_KEYS)}, and "
            f"{' or '.join(OUTPUT_KEYS)}"
        )
    return pairs


def tokens_in(row: Row, keys: tuple[str, ...]) -> int | None:
    """The length at the first of `keys` that `row` has. Raises ConfigurationError."""
    for key in keys:
        value = row.fields.get(key)
        if value is None or value == "":
            continue
        try:
            count = int(value)
        except (TypeError, ValueError):
            count = 0
        if count < 1:
            raise row.problem(key, value, "a number of tokens, 1 or more")
        return count
    return None


def _pairs(path: Path) -> Iterator[tuple[int, int]]:
    for row in read_rows(path):
        given, asked = tokens_in(row, INPUT_KEYS), tokens_in(row, OUTPUT_KEYS)
        if given is not None and asked is not None:
            yield given, asked
