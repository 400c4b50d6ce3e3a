"""One response from its first byte to its last, decoded as it is fed. No sockets, no clocks."""

from collections.abc import Sequence

from loadproof.streaming.body import Body, ChunkedBody, body_of
from loadproof.streaming.error_text import error_in
from loadproof.streaming.head import Head, HeadReader, MalformedError
from loadproof.streaming.plain_events import plain_chunks
from loadproof.streaming.plain_native import plain_run
from loadproof.streaming.sse import Event, EventReader
from loadproof.streaming.transcript import Transcript

MAX_WHOLE_BYTES = 16 * 2**20
"""The largest answer that is taken when it comes as one JSON object."""

MAX_ERROR_BYTES = 65_536
"""As much of an error's body is kept; the rest is read and forgotten."""


class Response:
    """Head, body and transcript of one response.

    What it makes of the bytes does not depend on how they were cut, except for the arrival of an
    event: that of the read which brought the event's last byte.
    """

    __slots__ = (
        "_blanks",
        "_events",
        "_reader",
        "_whole",
        "body",
        "head",
        "malformed",
        "transcript",
    )

    def __init__(self) -> None:
        self._reader = HeadReader()
        self._events: EventReader | None = None
        self._whole: bytearray | None = None
        self._blanks = b""
        self.head: Head | None = None
        self.body: Body | None = None
        self.malformed: str | None = None
        self.transcript = Transcript()

    def feed(self, data: bytes, arrival_ns: int, read_ns: int) -> None:
        """Take in what one read brought.

        `arrival_ns` is when the last of it arrived, `read_ns` when it was read (both monotonic).
        Does nothing once the response has proved malformed.
        """
        if self.malformed is not None:
            return
        try:
            if self.body is None:
                found = self._reader.feed(data)
                if found is None:
                    return
                self.head, data = found
                self.body = body_of(self.head)
            content = self.body.feed(data)
            if content:
                self._take(content, arrival_ns, read_ns)
            if self.body.ended:
                self._finish(arrival_ns, read_ns)
        except MalformedError as problem:
            self.malformed = str(problem)

    def feed_all(
        self, reads: Sequence[bytes], arrivals_ns: Sequence[int], reads_ns: Sequence[int]
    ) -> None:
        """Take in several reads, to the same effect as by one `feed` each, but faster."""
        at = 0
        while at < len(reads):
            taken = 0
            if self._takes_plain_events:
                taken = self._take_plain(reads[at:], arrivals_ns[at:], reads_ns[at:])
            at += taken
            if not taken:
                self.feed(reads[at], arrivals_ns[at], reads_ns[at])
                at += 1

    def _take_plain(
        self, reads: Sequence[bytes], arrivals_ns: Sequence[int], reads_ns: Sequence[int]
    ) -> int:
        """Take in the plain reads that these begin with; returns how many."""
        run = plain_run(reads)
        if run is not None:
            return self.transcript.add_run(run, arrivals_ns, reads_ns)
        return self.transcript.add_all(plain_chunks(reads), arrivals_ns, reads_ns)

    @property
    def _takes_plain_events(self) -> bool:
        """Whether the next byte can only be the first of a chunk with an event."""
        events, body = self._events, self.body
        return (
            events is not None
            and events.between_events
            and isinstance(body, ChunkedBody)
            and body.between_chunks
            and self.malformed is None
        )

    def close(self, arrival_ns: int) -> None:
        """The server closed the connection at `arrival_ns`: for some bodies that is the end."""
        if self.malformed is not None or self.body is None or self.body.ended:
            return
        try:
            self._finish(arrival_ns, arrival_ns, partial=not self.body.at_close)
        except MalformedError as problem:
            self.malformed = str(problem)

    def _take(self, content: bytes, arrival_ns: int, read_ns: int) -> None:
        events = self._events
        if events is None:
            if self._whole is None:
                content = self._blanks + content
                self._blanks = b"" if content.strip() else content
                if self._blanks:
                    return
                events = self._begin(content)
            if events is None:
                self._keep_whole(content)
                return
        add = self.transcript.add
        for event in events.feed(content):
            add(event, arrival_ns, read_ns)

    def _begin(self, content: bytes) -> EventReader | None:
        """The reader of an event stream, or None where the body is something else."""
        assert self.head is not None
        media_type = self.head.media_type
        is_json = media_type == "application/json" or media_type.endswith("+json")
        is_stream = media_type == "text/event-stream"
        if not is_stream and not is_json:
            is_json = content.lstrip()[:1] == b"{"
        if self.head.is_success and not is_json:
            self._events = EventReader()
        else:
            self._whole = bytearray()
        return self._events

    def _keep_whole(self, content: bytes) -> None:
        assert self._whole is not None
        assert self.head is not None
        if not self.head.is_success:
            self._whole += content[: max(0, MAX_ERROR_BYTES - len(self._whole))]
        elif len(self._whole) + len(content) > MAX_WHOLE_BYTES:
            raise MalformedError(f"a body of more than {MAX_WHOLE_BYTES} bytes")
        else:
            self._whole += content

    def _finish(self, arrival_ns: int, read_ns: int, *, partial: bool = False) -> None:
        assert self.head is not None
        if self._events is not None:
            event = None if partial else self._events.flush()
            if event is not None:
                self._take_last(event, arrival_ns, read_ns)
            if not self.transcript.events and not self.transcript.done:
                self._check_was_stream()
        elif self._whole is not None and self.head.is_success and not partial:
            self.transcript.add_whole(bytes(self._whole), arrival_ns, read_ns)
            self._whole = None

    def _take_last(self, event: Event, arrival_ns: int, read_ns: int) -> None:
        """An event without its empty line: taken if it is whole, else left out as cut off."""
        before = self.transcript.malformed
        self.transcript.add(event, arrival_ns, read_ns)
        if self.transcript.malformed != before:
            self.transcript.malformed = before

    def _check_was_stream(self) -> None:
        assert self.head is not None
        media_type = self.head.media_type
        if media_type != "text/event-stream":
            raise MalformedError(f"no event stream but {media_type or 'a body of no stated type'}")

    @property
    def ended(self) -> bool:
        """Whether the framing says that the response is whole, or that it cannot be read on."""
        return self.malformed is not None or (self.body is not None and self.body.ended)

    @property
    def error_line(self) -> str:
        """What an error response says, in one line; empty where it says nothing."""
        return error_in(bytes(self._whole)) if self._whole else ""
