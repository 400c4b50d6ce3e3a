"""In which order a pool of questions is asked: a fresh seeded permutation for every pass."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from hashlib import blake2b
from itertools import count
from typing import Protocol, TypeVar


class Identified(Protocol):
    """Whatever has an id of its own."""

    @property
    def id(self) -> str:
        """Tells it apart, in any run."""


Asked = TypeVar("Asked", bound=Identified)


def endless(questions: Sequence[Asked], seed: int) -> Iterator[Asked]:
    """`questions` in a new order for every pass, without end.

    The k-th question depends on `seed`, k and the questions' ids alone: each pass sorts them by a
    hash, so that no version of Python or of a random number generator changes a run.
    """
    ids = tuple(question.id for question in questions)
    for number in count():
        for index in _order(ids, seed, number):
            yield questions[index]


@lru_cache(maxsize=8)
def _order(ids: tuple[str, ...], seed: int, number: int) -> tuple[int, ...]:
    """The places of `ids` in the order of one pass. Kept, as a large set takes a tenth of a second
    and the same passes are begun again at each load level, on the loop that reads."""
    return tuple(sorted(range(len(ids)), key=lambda index: _rank(ids[index], seed, number)))


def _rank(question_id: str, seed: int, number: int) -> bytes:
    return blake2b(f"{seed}/{number}/{question_id}".encode(), digest_size=16).digest()
