"""A short fingerprint of prompts, to know in another process or run whether they are the same."""

from collections.abc import Iterable
from hashlib import blake2b


def digest_of(parts: Iterable[object]) -> str:
    """16 hexadecimal digits of the representations of `parts`, in their order."""
    found = blake2b(digest_size=8)
    for part in parts:
        found.update(repr(part).encode("utf-8", "replace") + b"\0")
    return found.hexdigest()


def id_of(*words: object) -> str:
    """12 hexadecimal digits that stand for `words`, for a prompt that has no id of its own."""
    return blake2b(repr(words).encode("utf-8", "replace"), digest_size=6).hexdigest()
