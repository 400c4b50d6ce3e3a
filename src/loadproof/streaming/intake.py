"""Reads that have arrived and wait to be decoded. No sockets."""

from array import array

from loadproof.streaming.clock import OLDEST_STAMP_NS, KernelClock
from loadproof.streaming.response import Response

_READS_OF_AN_END = 4


class Intake:
    """Holds what one exchange has read, and feeds it to its response when told to.

    `held_bytes` is what is not decoded yet, `total_bytes` all that ever came. `first_byte_ns` and
    `last_ns` are the arrivals of the first and the last decoded read, monotonic; `not_before_ns` is
    the earliest that the next one can have arrived. `stamps_hold`
    tells whether every read so far had a kernel stamp that could be believed; where one had not,
    the time of its reading stands in for it, and whoever assembles the reply uses no stamp at all.
    """

    __slots__ = (
        "_clock",
        "_read_at",
        "_reads",
        "_response",
        "_stamps",
        "first_byte_ns",
        "held_bytes",
        "last_ns",
        "not_before_ns",
        "stamps_hold",
        "total_bytes",
    )

    def __init__(self, response: Response, clock: KernelClock, not_before_ns: int) -> None:
        self._response = response
        self._clock = clock
        self.not_before_ns = not_before_ns
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

    def add_all(
        self, data: bytes, sizes: "array[int]", stamps: "array[int]", read_at: "array[int]"
    ) -> None:
        """Keep several reads: `data` holds them one after the other, of `sizes` bytes each."""
        at = 0
        for size in sizes:
            self._reads.append(data[at : at + size])
            at += size
        self._stamps.extend(stamps)
        self._read_at.extend(read_at)
        self.held_bytes += at
        self.total_bytes += at

    @property
    def last_read_bytes(self) -> int:
        """The size of the last read that is held; 0 for none."""
        return len(self._reads[-1]) if self._reads else 0

    def ends_with(self, end: bytes) -> bool:
        """Whether what is held ends so. Not if the end stands in more than the last four reads."""
        reads = self._reads
        return bool(reads) and (
            reads[-1].endswith(end) or b"".join(reads[-_READS_OF_AN_END:]).endswith(end)
        )

    @property
    def last_arrival_ns(self) -> int | None:
        """When the last read arrived, whether decoded or not, as far as its stamp tells; None
        before the first."""
        if not self._reads:
            return self.last_ns
        arrival_ns, read_ns = self._stamps[-1] - self._clock.distance_ns, self._read_at[-1]
        plausible = self.not_before_ns <= arrival_ns <= read_ns <= arrival_ns + OLDEST_STAMP_NS
        return arrival_ns if plausible else read_ns

    def decode(self, at_most: int) -> bool:
        """Feed the oldest `at_most` reads to the response. Returns whether any are left."""
        count = min(at_most, len(self._reads))
        if not count:
            return False
        reads, read_at = self._reads[:count], self._read_at[:count]
        arrivals_ns = self._arrivals(self._stamps[:count], read_at)
        del self._reads[:count], self._stamps[:count], self._read_at[:count]
        self.held_bytes -= sum(map(len, reads))
        if self.first_byte_ns is None:
            self.first_byte_ns = arrivals_ns[0]
        self.not_before_ns = self.last_ns = arrivals_ns[-1]
        self._response.feed_all(reads, arrivals_ns, read_at)
        return bool(self._reads)

    def _arrivals(self, stamps: "array[int]", read_at: "array[int]") -> list[int]:
        """When the reads arrived: by their stamps, or else by when they were read."""
        distance_ns = self._clock.distance_ns
        earliest_ns = self.not_before_ns
        arrivals_ns: list[int] = []
        for stamp_ns, read_ns in zip(stamps, read_at, strict=True):
            arrival_ns = stamp_ns - distance_ns
            if not earliest_ns <= arrival_ns <= read_ns <= arrival_ns + OLDEST_STAMP_NS:
                arrival_ns = self._doubted(stamp_ns, read_ns, earliest_ns)
            arrivals_ns.append(arrival_ns)
            earliest_ns = arrival_ns
        return arrivals_ns

    def _doubted(self, stamp_ns: int, read_ns: int, earliest_ns: int) -> int:
        """The arrival of a read whose stamp is missing or somewhat beside what is possible."""
        arrival_ns = self._clock.arrival_ns(stamp_ns, read_ns, earliest_ns)
        if arrival_ns is None:
            self.stamps_hold = False
            return max(read_ns, earliest_ns)
        return arrival_ns
