"""What came of one request: the reply that everything else is computed from."""

from array import array
from bisect import bisect_left
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import accumulate

from loadproof.model.answer import Answer
from loadproof.model.record import Clock, Failure, Outcome
from loadproof.streaming.error_text import one_line
from loadproof.streaming.response import Response
from loadproof.streaming.thinking import Split, split_content
from loadproof.streaming.token_counts import tokens_by_proportion, tokens_by_usage
from loadproof.streaming.transcript import CONTENT, REASONING, Transcript


class Close(StrEnum):
    """What ended an exchange on the wire."""

    WHOLE = "whole"
    """The response was read to its end, or as far as it could be read."""
    BY_SERVER = "by_server"
    """The server closed the connection in good order."""
    FAILED = "failed"
    """A failure ended it: a timeout, a reset, a connection that never stood."""
    CUT_OFF = "cut_off"
    """We ended it."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an exchange ended, and, where `close` is FAILED, of what."""

    close: Close
    failure: Failure | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """Moments of an exchange in monotonic nanoseconds, None where they never came."""

    start_ns: int
    connected_ns: int | None
    written_ns: int | None
    first_byte_ns: int | None
    end_ns: int
    clock: Clock


@dataclass(frozen=True, slots=True)
class Reply:
    """One request's outcome, with whatever had arrived when it ended.

    Times are integer nanoseconds of the monotonic clock. `start_ns` is when the request was about
    to be sent, or, where a connection had to be opened first, when that began; `connected_ns` when
    a new connection stood (None: an open one was used); `written_ns` when the last byte of the
    request was handed to the kernel; `first_byte_ns` when the response's head had arrived;
    `end_ns` when its last byte had, or when the exchange was given up. `clock` is KERNEL where all
    arrivals are the kernel's stamps, else PROCESS for all.

    `arrivals_ns`, `tokens`, `lateness_us` have one value a token-bearing event: its arrival, the
    tokens that it bears, and how long it had waited in the kernel when this process read it
    (0 by the process's own clock). `answer_index` is the first of them that belongs to the answer
    proper. An answer that came as one JSON object is one event that bears all its tokens: its
    first token is its last.

    `tokens`: by the running totals of `continuous_usage_stats`; else, where the final usage
    exceeds the number of events, in proportion to the bytes of their text, less the tokens that
    are known to be invisible: the end of the text where the model stopped by itself, and the
    `</think>` that a reasoning parser swallowed; else 1 each.

    `output_tokens` is the last usage's, else the number of token-bearing events. `thinking_tokens`
    is the running total at the event that ended the thinking; else the usage's reasoning_tokens,
    unless it says 0 of an answer that thought (vLLM 0.32 does); else the sum of `tokens` over the
    events of the thinking. None where there was no thinking.
    """

    outcome: Outcome
    failure: Failure | None
    failure_detail: str | None
    http_status: int | None
    finish_reason: str | None
    start_ns: int
    connected_ns: int | None
    written_ns: int | None
    first_byte_ns: int | None
    end_ns: int
    clock: Clock
    answer: Answer
    tool_calls: int
    answer_index: int | None
    prompt_tokens: int | None
    output_tokens: int | None
    thinking_tokens: int | None
    arrivals_ns: "array[int]" = field(repr=False)
    tokens: "array[int]" = field(repr=False)
    lateness_us: "array[int]" = field(repr=False)

    @property
    def coalesced(self) -> int:
        """Token-bearing events that arrived, as far as can be told, together with a later one.

        The kernel joins segments that wait in its queue and keeps the last one's stamp, so that
        these events' arrivals are known only as no later than that.
        """
        arrivals = self.arrivals_ns
        return sum(map(int.__eq__, arrivals, arrivals[1:]))

    @property
    def first_token_coalesced(self) -> bool:
        """Whether the first token itself is one of `coalesced`: its time is an upper bound."""
        return len(self.arrivals_ns) > 1 and self.arrivals_ns[0] == self.arrivals_ns[1]

    @property
    def multi_token_events(self) -> int:
        """Token-bearing events that bear more than one token."""
        return len(self.tokens) - self.tokens.count(1)


def assemble(
    response: Response,
    ending: Ending,
    times: Timeline,
    *,
    opened: bool = False,
    conceal: Callable[[str], str] = one_line,
) -> Reply:
    """The reply that `response` amounts to after it ended as `ending` says.

    `opened` says that the prompt itself ended in an opening `<think>`. `conceal` goes over the
    detail of a failure, which may quote the server, before anybody sees it.
    """
    transcript = response.transcript
    outcome, failure, detail = outcome_of(response, ending)
    split = _split(transcript, opened=opened)
    tokens = _tokens(transcript)
    answer_index = _answer_index(transcript, split)
    arrivals = transcript.arrivals_ns
    if times.clock is Clock.PROCESS:
        arrivals = array("q", map(_read_at, arrivals, transcript.lateness_us))
    output = transcript.output_tokens
    if output is None and response.head is not None and response.head.is_success:
        output = len(arrivals)
    return Reply(
        outcome=outcome,
        failure=failure,
        failure_detail=None if detail is None else one_line(conceal(detail)),
        http_status=None if response.head is None else response.head.status,
        finish_reason=transcript.finish_reason,
        start_ns=times.start_ns,
        connected_ns=times.connected_ns,
        written_ns=times.written_ns,
        first_byte_ns=times.first_byte_ns,
        end_ns=times.end_ns,
        clock=times.clock,
        answer=Answer(
            text=split.text,
            thinking=split.thinking,
            finished_thinking=split.thinking is None or _is_closed(split, transcript),
            finish_reason=transcript.finish_reason,
        ),
        tool_calls=transcript.tool_calls,
        answer_index=answer_index,
        prompt_tokens=transcript.prompt_tokens,
        output_tokens=output,
        thinking_tokens=_thinking_tokens(transcript, split, tokens),
        arrivals_ns=arrivals,
        tokens=tokens,
        lateness_us=transcript.lateness_us,
    )


def outcome_of(response: Response, ending: Ending) -> tuple[Outcome, Failure | None, str | None]:
    """Outcome, kind of failure, and its detail, of a response that ended as `ending` says.

    What the server said of itself comes before how the connection ended: an error status or an
    error event is reported as such though the connection then broke. A stream that has sent
    `[DONE]` is complete whatever came after. One that ended without it is complete if a
    finish_reason had come and the body ended as its framing promised.
    """
    transcript = response.transcript
    sound = response.malformed is None and transcript.malformed is None
    if ending.close is Close.CUT_OFF and not (transcript.done and sound):
        return Outcome.CUT_OFF, None, None
    said = _said_by_server(response)
    if said is not None:
        return Outcome.FAILED, *said
    if transcript.done:
        return Outcome.COMPLETED, None, None
    if ending.close is Close.FAILED:
        return Outcome.FAILED, ending.failure, ending.detail
    return _without_done(response)


def _said_by_server(response: Response) -> tuple[Failure, str] | None:
    """The failure that the response itself is, whatever then became of the connection."""
    head, transcript = response.head, response.transcript
    if response.malformed is None and head is not None and not head.is_success:
        return Failure.HTTP_STATUS, _status_line(response)
    if transcript.error is not None:
        return Failure.SERVER_ERROR_EVENT, transcript.error
    malformed = response.malformed or transcript.malformed
    return None if malformed is None else (Failure.MALFORMED, malformed)


def _without_done(response: Response) -> tuple[Outcome, Failure | None, str | None]:
    head, body, transcript = response.head, response.body, response.transcript
    if head is None or body is None:
        detail = "the connection was closed before any response"
    elif not body.ended and not body.at_close:
        detail = f"the connection was closed after {transcript.events} events, within the body"
    elif transcript.finish_reason is not None:
        return Outcome.COMPLETED, None, None
    else:
        detail = f"the stream ended after {transcript.events} events without a finish_reason"
    return Outcome.FAILED, Failure.TRUNCATED, detail


def _status_line(response: Response) -> str:
    head = response.head
    assert head is not None
    line = f"{head.status} {head.reason}".strip()
    place = head.fields.get("location")
    if place is not None and 300 <= head.status < 400:
        return f"{line}: it points to {place}; redirects are not followed"
    said = response.error_line
    return f"{line}: {said}" if said else line


def _read_at(arrival_ns: int, lateness_us: int) -> int:
    return arrival_ns + lateness_us * 1000


def _split(transcript: Transcript, *, opened: bool) -> Split:
    """Text and thinking: by the server's own fields where it used them, else by the tags."""
    content = transcript.content
    if transcript.reasoned:
        return Split(content, transcript.reasoning, None, answer_follows=bool(content))
    return split_content(content, opened=opened)


def _is_closed(split: Split, transcript: Transcript) -> bool:
    if split.closed_at_byte is not None:
        return True
    return transcript.reasoned and _first_answer(transcript) is not None


def _first_answer(transcript: Transcript) -> int | None:
    """The first event that bears more than reasoning, by the server's own fields."""
    return next((i for i, kind in enumerate(transcript.kinds) if kind != REASONING), None)


def _closing_event(transcript: Transcript, split: Split) -> int | None:
    """The event that brought the last byte of `</think>`, where a tag ended the thinking."""
    if split.closed_at_byte is None:
        return None
    sizes = map(_content_bytes, transcript.kinds, transcript.text_bytes)
    return bisect_left(list(accumulate(sizes)), split.closed_at_byte)


def _content_bytes(kind: int, size: int) -> int:
    return size if kind & CONTENT else 0


def _answer_index(transcript: Transcript, split: Split) -> int | None:
    if not transcript.kinds:
        return None
    closing = _closing_event(transcript, split)
    if closing is not None:
        sizes = map(_content_bytes, transcript.kinds[: closing + 1], transcript.text_bytes)
        if sum(sizes) > (split.closed_at_byte or 0):
            return closing
        return closing + 1 if closing + 1 < len(transcript.kinds) else None
    if split.thinking is None:
        return 0
    if transcript.reasoned:
        return _first_answer(transcript)
    return None


def _tokens(transcript: Transcript) -> "array[int]":
    if transcript.has_running_counts:
        return tokens_by_usage(transcript.counts)
    events = len(transcript.kinds)
    total = transcript.output_tokens
    if total is None:
        total = events
    elif events > 1:
        total -= transcript.finish_reason in ("stop", "tool_calls")
        total -= transcript.reasoned and _first_answer(transcript) is not None
    return tokens_by_proportion(transcript.text_bytes, total)


def _thinking_tokens(transcript: Transcript, split: Split, tokens: "array[int]") -> int | None:
    given = transcript.reasoning_tokens
    if split.thinking is None:
        return given or None
    last = _last_thinking(transcript, split)
    if transcript.has_running_counts:
        return transcript.counts[last]
    if given:
        return given
    return sum(tokens[: last + 1])


def _last_thinking(transcript: Transcript, split: Split) -> int:
    closing = _closing_event(transcript, split)
    if closing is not None:
        return closing
    answer = _first_answer(transcript) if transcript.reasoned else None
    return len(transcript.kinds) - 1 if answer is None else max(0, answer - 1)
