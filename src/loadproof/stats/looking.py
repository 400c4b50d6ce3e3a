"""Looking at a series again and again while it grows, without the error adding up."""

import math
from dataclasses import dataclass

FIRST_LOOK = 100
RATIO = 1.4


@dataclass(frozen=True, slots=True)
class Plan:
    """A series that is looked at while it grows, up to `requests` of it at most.

    Bounds change at looks only, which are a fixed ratio of requests apart: whoever asks in between
    gets the last look's answer, so asking more often gains nothing.
    """

    requests: int

    def looks(self) -> tuple[int, ...]:
        """After how many requests, in order; the last one is `requests`."""
        if self.requests <= FIRST_LOOK:
            return (max(self.requests, 1),)
        steps = math.ceil(math.log(self.requests / FIRST_LOOK) / math.log(RATIO))
        ratio = (self.requests / FIRST_LOOK) ** (1 / steps)
        return tuple(round(FIRST_LOOK * ratio**k) for k in range(steps + 1))
