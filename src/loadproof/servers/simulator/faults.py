"""What the simulator does wrong on purpose, and to which requests."""

import random
from dataclasses import dataclass
from enum import StrEnum

from loadproof.model.server import Simulator

HEADER = "x-simulator-fault"
"""A request's header that forces a fault on it: `reset`, or `reset; after=3`."""


class Kind(StrEnum):
    """A fault, by its name in a server file."""

    STALL = "stall"
    RESET = "reset"
    MALFORMED = "malformed"
    ERROR_EVENT = "error_event"
    TRUNCATE = "truncate"
    STATUS_429 = "status_429"
    STATUS_500 = "status_500"
    STATUS_503 = "status_503"

    @property
    def status(self) -> int | None:
        """The HTTP status that is answered instead of a stream; None for faults within one."""
        return int(self.value.removeprefix("status_")) if self.value.startswith("status_") else None


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault to commit once `after` tokens have gone out; None lets the kind decide: a stall
    begins before the first token, everything else comes halfway through the answer."""

    kind: Kind
    after: int | None = None

    def position(self, output_tokens: int) -> int:
        """After how many of `output_tokens` tokens it comes; always before the last."""
        wanted = self.after
        if wanted is None:
            wanted = 0 if self.kind is Kind.STALL else output_tokens // 2
        return min(wanted, output_tokens - 1)


class Faults:
    """Draws each request's fault, if any: the k-th request's depends on the seed and k alone."""

    def __init__(self, settings: Simulator) -> None:
        self._shares = [(Kind(name), share) for name, share in settings.faults.items() if share]
        self._random = random.Random(f"faults {settings.seed}")

    def next(self) -> Fault | None:
        """The next request's fault."""
        if not self._shares:
            return None
        drawn = self._random.random()
        for kind, share in self._shares:
            drawn -= share
            if drawn < 0:
                return Fault(kind)
        return None


def forced(header: str) -> Fault:
    """The fault that a request's header asks for. Raises ValueError, with what was expected."""
    name, _, option = (part.strip() for part in header.partition(";"))
    try:
        kind = Kind(name)
    except ValueError:
        raise ValueError(f"{HEADER}: {name!r} is none of {', '.join(Kind)}") from None
    if not option:
        return Fault(kind)
    key, _, value = option.partition("=")
    if key.strip() != "after" or not value.strip().isdecimal():
        raise ValueError(f"{HEADER}: {option!r} should be after=<number of tokens>")
    return Fault(kind, int(value))
