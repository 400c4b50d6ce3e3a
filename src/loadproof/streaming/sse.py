"""Server-sent events, found in bytes that may be cut anywhere.

The format is that of the WHATWG HTML standard, section 9.2.6. Bytes are split, never text: a line
ends at LF, CR LF or CR and nowhere else, so that U+2028 within an event's JSON is no line's end.
"""

import re

from loadproof.streaming.head import MalformedError

MAX_EVENT_BYTES = 8 * 2**20

_BLANK_LINE = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r)")
_LINE_END = re.compile(rb"\r\n|\n|\r")
_BOM = b"\xef\xbb\xbf"


Event = tuple[str, bytes]
"""One event: its type ("message" where none was given) and its data."""


class EventReader:
    """Collects bytes and gives the events that are whole."""

    __slots__ = ("_begun", "_buffer", "_searched")

    def __init__(self) -> None:
        self._buffer = b""
        self._searched = 0
        self._begun = False

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes, in order. Raises MalformedError.

        Most often `data` is one whole event of one line: that case goes first.
        """
        if (
            not self._buffer
            and self._begun
            and data.startswith(b"data: ")
            and data.find(b"\n") == len(data) - 2
            and data.endswith(b"\n\n")
            and b"\r" not in data
        ):
            return [("message", data[6:-2])]
        buffer = self._buffer + data if self._buffer else data
        if not self._begun:
            if len(buffer) < len(_BOM) and _BOM.startswith(buffer):
                self._buffer = buffer
                return []
            self._begun = True
            buffer = buffer.removeprefix(_BOM)
        if b"\r" in buffer:
            return self._split_at_any_line_end(buffer)
        blocks = buffer.split(b"\n\n")
        self._keep(blocks.pop())
        events: list[Event] = []
        for block in blocks:
            if block.startswith(b"data: ") and b"\n" not in block:
                events.append(("message", block[6:]))
            elif (event := parse_block(block)) is not None:
                events.append(event)
        return events

    def _split_at_any_line_end(self, buffer: bytes) -> list[Event]:
        events: list[Event] = []
        begin = 0
        at = self._searched
        while (match := _BLANK_LINE.search(buffer, at)) is not None:
            event = parse_block(buffer[begin : match.start()])
            if event is not None:
                events.append(event)
            begin = at = match.end()
        self._keep(buffer[begin:])
        self._searched = max(0, len(self._buffer) - 3)
        return events

    def _keep(self, rest: bytes) -> None:
        if len(rest) > MAX_EVENT_BYTES:
            raise MalformedError(f"an event of more than {MAX_EVENT_BYTES} bytes")
        self._buffer = rest
        self._searched = 0

    @property
    def between_events(self) -> bool:
        """Whether the next byte is the first of an event, and not of the first one."""
        return self._begun and not self._buffer

    @property
    def holds_part(self) -> bool:
        """Whether part of a further event has arrived."""
        return bool(self._buffer.strip(b"\r\n"))

    def flush(self) -> Event | None:
        """The event that the end of the stream left without its empty line, if there is one.

        The standard drops it; servers exist that leave out the last line's end.
        """
        block, self._buffer = self._buffer.removeprefix(_BOM), b""
        return parse_block(block)


def parse_block(block: bytes) -> Event | None:
    """The event in the lines of `block`; None where they hold no data (comments, `id`, `retry`).

    A field named `error`, which older llama.cpp servers send, is taken as an event of that type.
    """
    kind = "message"
    data: list[bytes] = []
    for line in _LINE_END.split(block):
        name, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        if name == b"data":
            data.append(value)
        elif name == b"event":
            kind = value.decode("utf-8", "replace")
        elif name == b"error":
            kind = "error"
            data.append(value)
    return (kind, b"\n".join(data)) if data else None
