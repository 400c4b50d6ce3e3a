"""What a stream of events amounts to: text, arrivals, counts. Filled event by event."""

from array import array
from collections.abc import Sequence

from loadproof.streaming.completion import (
    Chunk,
    Delta,
    NotACompletionError,
    Usage,
    decode_chunk,
    error_of,
)
from loadproof.streaming.plain_native import PlainRun
from loadproof.streaming.sse import Event

CONTENT = 1
REASONING = 2
TOOL_CALL = 4

_DONE = b"[DONE]"
_UNKNOWN = -1
_MOST = 2**31 - 1


class Transcript:
    """The token-bearing events of one answer, and what else its events said.

    For each token-bearing event: when it arrived (`arrivals_ns`, monotonic), how long it then
    waited to be read (`lateness_us`), the bytes of its text as UTF-8 (`text_bytes`), the running
    total of tokens on it (`counts`, -1 for none), and what it bears (`kinds`, a sum of CONTENT,
    REASONING and TOOL_CALL). Some 21 bytes an event beside the text, which is kept as UTF-8: one
    buffer takes a fraction of what thousands of little strings do.

    An event bears a token if the choice of index 0 has non-empty `content` (or `refusal`),
    `reasoning` or `reasoning_content`, or a tool call; other choices are left out.
    """

    __slots__ = (
        "_content",
        "_reasoning",
        "_tool_calls",
        "arrivals_ns",
        "counts",
        "done",
        "error",
        "events",
        "finish_reason",
        "kinds",
        "lateness_us",
        "malformed",
        "output_tokens",
        "prompt_tokens",
        "reasoned",
        "reasoning_tokens",
        "text_bytes",
    )

    def __init__(self) -> None:
        self.arrivals_ns: array[int] = array("q")
        self.lateness_us: array[int] = array("i")
        self.text_bytes: array[int] = array("I")
        self.counts: array[int] = array("i")
        self.kinds: array[int] = array("b")
        self._content = bytearray()
        self._reasoning = bytearray()
        self._tool_calls: set[int] = set()
        self.reasoned = False
        self.events = 0
        self.done = False
        self.finish_reason: str | None = None
        self.error: str | None = None
        self.malformed: str | None = None
        self.prompt_tokens: int | None = None
        self.output_tokens: int | None = None
        self.reasoning_tokens: int | None = None

    @property
    def content(self) -> str:
        return self._content.decode()

    @property
    def reasoning(self) -> str:
        return self._reasoning.decode()

    @property
    def tool_calls(self) -> int:
        """How many different tool calls were begun."""
        return len(self._tool_calls)

    def add(self, event: Event, arrival_ns: int, read_ns: int) -> None:
        """Take in an event that arrived at `arrival_ns` and was read at `read_ns`."""
        kind, data = event
        if data == _DONE:
            self.done = True
            return
        self.events += 1
        try:
            chunk = decode_chunk(data)
        except NotACompletionError as problem:
            if kind == "error":
                self.error = self.error or error_of(kind, data, None)
            elif data.strip() == _DONE:
                self.done = True
            else:
                self.malformed = self.malformed or str(problem)
            return
        if chunk.error or chunk.choices is None or kind == "error":
            self.error = self.error or error_of(kind, data, chunk)
        self._take(chunk, arrival_ns, read_ns, streamed=True)

    def add_all(
        self, chunks: Sequence[Chunk], arrivals_ns: Sequence[int], reads_ns: Sequence[int]
    ) -> int:
        """Take in the chunks of events that were a message each, up to the first that may be an
        error. Returns how many that were.

        The same as `add` of each, with the usual one (an answer's text, a running total) first.
        """
        add_arrival, add_lateness = self.arrivals_ns.append, self.lateness_us.append
        add_bytes, add_count = self.text_bytes.append, self.counts.append
        add_kind, content = self.kinds.append, self._content
        for index, chunk in enumerate(chunks):
            choices = chunk.choices
            if choices is None or chunk.error:
                self.events += index
                return index
            choice = choices[0] if len(choices) == 1 else None
            delta = None if choice is None else choice.delta
            if (
                choice is None
                or delta is None
                or not delta.content
                or delta.reasoning
                or delta.reasoning_content
                or delta.tool_calls
                or choice.index
                or choice.finish_reason
            ):
                self._take(chunk, arrivals_ns[index], reads_ns[index], streamed=True)
                continue
            usage, count = chunk.usage, None
            if usage is not None:
                count = usage.completion_tokens
                self._note_usage(usage)
            encoded = delta.content.encode()
            content += encoded
            arrival_ns = arrivals_ns[index]
            add_arrival(arrival_ns)
            add_lateness(min((reads_ns[index] - arrival_ns) // 1000, _MOST))
            add_bytes(len(encoded))
            add_count(_UNKNOWN if count is None else min(count, _MOST))
            add_kind(CONTENT)
        self.events += len(chunks)
        return len(chunks)

    def add_run(self, run: PlainRun, arrivals_ns: Sequence[int], reads_ns: Sequence[int]) -> int:
        """Take in plain events that are decoded already. Returns how many those are."""
        events = len(run.kinds)
        self.events += events
        self._content += run.content
        self._reasoning += run.reasoning
        self.reasoned = self.reasoned or bool(run.reasoning)
        self.kinds += run.kinds
        self.text_bytes += run.text_bytes
        self.counts += run.counts
        arrived = array("q", arrivals_ns[:events])
        self.arrivals_ns += arrived
        late_us = [
            (read_ns - at_ns) // 1000 for read_ns, at_ns in zip(reads_ns, arrived, strict=False)
        ]
        if max(late_us) > _MOST:
            late_us = [min(each_us, _MOST) for each_us in late_us]
        self.lateness_us.fromlist(late_us)
        if run.prompt_tokens is not None:
            self.prompt_tokens = run.prompt_tokens
        if run.completion_tokens is not None:
            self.output_tokens = run.completion_tokens
        return events

    def add_whole(self, data: bytes, arrival_ns: int, read_ns: int) -> None:
        """Take in an answer that came as one JSON object: one event that bears all its tokens."""
        self.events += 1
        try:
            chunk = decode_chunk(data)
        except NotACompletionError as problem:
            self.malformed = str(problem)
            return
        self.error = error_of("message", data, chunk)
        self._take(chunk, arrival_ns, read_ns, streamed=False)
        if self.error is None and not chunk.choices:
            self.malformed = "a JSON body without choices where an event stream was asked for"
        self.done = True

    def _take(self, chunk: Chunk, arrival_ns: int, read_ns: int, *, streamed: bool) -> None:
        usage = chunk.usage
        if usage is not None:
            self._note_usage(usage)
        for choice in chunk.choices or ():
            if choice.index:
                continue
            if choice.finish_reason:
                self.finish_reason = choice.finish_reason
            message = choice.delta if streamed else choice.message
            if message is None:
                message = Delta(content=choice.text)
            count = usage.completion_tokens if usage is not None else None
            kind, size = self._keep_text(message)
            if not kind:
                continue
            self.arrivals_ns.append(arrival_ns)
            self.lateness_us.append(min((read_ns - arrival_ns) // 1000, _MOST))
            self.text_bytes.append(size)
            self.counts.append(_UNKNOWN if count is None else min(count, _MOST))
            self.kinds.append(kind)

    def _keep_text(self, message: Delta) -> tuple[int, int]:
        """Which kinds of token the message bears (0: none), and the bytes of its text."""
        kind = size = 0
        content = message.content or message.refusal
        if content:
            kind = CONTENT
            encoded = content.encode()
            self._content += encoded
            size = len(encoded)
        reasoning = message.reasoning or message.reasoning_content
        if reasoning:
            kind |= REASONING
            self.reasoned = True
            encoded = reasoning.encode()
            self._reasoning += encoded
            size += len(encoded)
        if message.tool_calls:
            kind |= TOOL_CALL
            for position, call in enumerate(message.tool_calls):
                self._tool_calls.add(position if call.index is None else call.index)
                size += call.text_bytes
        return kind, size

    def _note_usage(self, usage: Usage) -> None:
        if usage.prompt_tokens is not None:
            self.prompt_tokens = usage.prompt_tokens
        if usage.completion_tokens is not None:
            self.output_tokens = usage.completion_tokens
        details = usage.completion_tokens_details
        if details is not None and details.reasoning_tokens is not None:
            self.reasoning_tokens = details.reasoning_tokens

    @property
    def has_running_counts(self) -> bool:
        """Whether every token-bearing event carried a running total of tokens."""
        return bool(self.counts) and _UNKNOWN not in self.counts
