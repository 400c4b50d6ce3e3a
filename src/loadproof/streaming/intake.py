"""Reads that have arrived and wait to be decoded. No sockets."""

from array import array

from loadproof.streaming.clock import KernelClock
from loadproof.streaming.response import Response


class Intake:
    """Holds what one exchange has read, and feeds it to its response when told to.

    `held_bytes` is what is not decoded yet, `total_bytes` all that ever came. `first_byte_ns` and
    `last_ns` are the arrivals of the first and the last decoded read, monotonic. `stamps_hold`
    tells whether every read so far had a kernel stamp that could be believed; where one had not,
    the time of its reading stands in for it, and whoever assembles the reply uses no stamp at all.
    """

    __slots__ = (
        "_clock",
        "_not_before_ns",
        "_read_at",
        "_reads",
        "_response",
        "_stamps",
        "first_byte_ns",
        "held_bytes",
        "last_ns",
        "stamps_hold",
        "total_bytes",
    )

    def __init__(self, response: Response, clock: KernelClock, not_before_ns: int) -> None:
        self._response = response
        self._clock = clock
        self._not_before_ns = not_before_ns
        self._reads: list[bytes] = []
        self._stamps: array[int] = array("q")
        self._read_at: array[int] = array("q")
        self.held_bytes = 0
        self.total_bytes = 0
        self.first_byte_ns: int | None = None
        self.last_ns: int | None = None
        self.stamps_hold = True

    def add(self, data: bytes, stamp_ns: int, read_ns: int) -> None:
        """Keep one read: its bytes, its kernel stamp (wall clock, 0 for none), when it was read.

        An empty read is left out: below TLS, bytes may come that are none of the response's.
        """
        if not data:
            return
        self._reads.append(data)
        self._stamps.append(stamp_ns)
        self._read_at.append(read_ns)
        size = len(data)
        self.held_bytes += size
        self.total_bytes += size

    def decode(self, at_most: int) -> bool:
        """Feed the oldest `at_most` reads to the response. Returns whether any are left."""
        reads, stamps, read_at = self._reads, self._stamps, self._read_at
        feed, arrival_of = self._response.feed, self._clock.arrival_ns
        earliest_ns = self._not_before_ns
        count = min(at_most, len(reads))
        for index in range(count):
            data = reads[index]
            read_ns = read_at[index]
            arrival_ns = arrival_of(stamps[index], read_ns, earliest_ns)
            if arrival_ns is None:
                self.stamps_hold = False
                arrival_ns = max(read_ns, earliest_ns)
            earliest_ns = arrival_ns
            self.held_bytes -= len(data)
            feed(data, arrival_ns, read_ns)
            if self.first_byte_ns is None:
                self.first_byte_ns = arrival_ns
        if count:
            self._not_before_ns = self.last_ns = earliest_ns
            del reads[:count], stamps[:count], read_at[:count]
        return bool(reads)
