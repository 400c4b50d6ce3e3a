"""One chat request from its first token to its last, streamed or whole, with its fault if any."""

from dataclasses import dataclass
from typing import Protocol

from loadproof.servers.simulator import wire
from loadproof.servers.simulator.chat_request import ChatRequest
from loadproof.servers.simulator.faults import Fault, Kind
from loadproof.servers.simulator.script import Script

_MALFORMED_EVENT = b'data: {"choices":[{"index":0,"delta":{"content":\n\n'
_MALFORMED_BODY = b'{"choices":[{"index":0,"message":{"content":'
_INTERNAL_ERROR = wire.error("Internal server error", "InternalServerError", 500)


class Responder(Protocol):
    """The connection that an answer goes out on."""

    def respond(self, status: int, body: bytes) -> None:
        """Sends a whole JSON answer; the connection is then ready for its next request."""

    def begin_stream(self) -> None:
        """Sends the head of an event stream."""

    def send(self, event: bytes) -> None:
        """Sends one piece of the stream."""

    def end_stream(self) -> None:
        """Ends the stream; the connection is then ready for its next request."""

    def break_off(self, body: bytes | None = None) -> None:
        """Closes the connection within an answer: a whole one stops halfway through `body`."""

    def reset(self) -> None:
        """Resets the connection (RST)."""


@dataclass(frozen=True, slots=True)
class Job:
    """A request, what will be answered, and under which names."""

    identifier: str
    created: int
    model: str
    asked: ChatRequest
    script: Script
    fault: Fault | None

    @property
    def fault_at(self) -> int | None:
        """After how many tokens the fault comes; always fewer than there are."""
        return self.fault.position(len(self.script.tokens)) if self.fault else None


class Exchange(Protocol):
    """An answer on its way. Each method says whether the engine is still wanted: False once the
    answer has ended, by its last token or by a fault."""

    def start(self) -> bool:
        """Begins, before there is any token."""

    def token(self) -> bool:
        """One more token has come out of the engine."""


class StreamedExchange:
    """Server-sent events, one a token."""

    __slots__ = ("_deltas", "_emitted", "_events", "_fault_at", "_job", "_responder")

    def __init__(self, job: Job, responder: Responder) -> None:
        self._job = job
        self._responder = responder
        self._deltas = job.script.deltas()
        self._emitted = 0
        self._fault_at = job.fault_at
        asked = job.asked
        self._events = wire.EventFormat(
            job.identifier, job.created, job.model, asked.prompt_tokens, asked.usage
        )

    def start(self) -> bool:
        self._responder.begin_stream()
        return self._fault_at != 0 or self._survives_fault()

    def token(self) -> bool:
        emitted = self._emitted
        delta = self._deltas[emitted]
        responder = self._responder
        if not emitted:
            responder.send(self._events.role())
        self._emitted = emitted = emitted + 1
        if emitted == len(self._deltas):
            self._last(delta or b"{}")
            return False
        if delta:
            responder.send(self._events.token(delta, emitted))
        return emitted != self._fault_at or self._survives_fault()

    def _last(self, delta: bytes) -> None:
        script = self._job.script
        event = self._events.last_token(delta, self._emitted, script.finish, script.stop_reason)
        self._responder.send(event)
        self._responder.send(self._events.closing(self._emitted, script.reasoning_tokens))
        self._responder.end_stream()

    def _survives_fault(self) -> bool:
        """Commits the fault; whether the stream goes on after it."""
        match self._job.fault and self._job.fault.kind:
            case Kind.MALFORMED:
                self._responder.send(_MALFORMED_EVENT)
                return True
            case Kind.ERROR_EVENT:
                self._responder.send(wire.error_event())
                self._responder.end_stream()
            case Kind.TRUNCATE:
                self._responder.break_off()
            case Kind.RESET:
                self._responder.reset()
        return False


class WholeExchange:
    """One JSON object at the end."""

    __slots__ = ("_emitted", "_fault_at", "_job", "_responder")

    def __init__(self, job: Job, responder: Responder) -> None:
        self._job = job
        self._responder = responder
        self._emitted = 0
        self._fault_at = job.fault_at

    def start(self) -> bool:
        if self._fault_at != 0:
            return True
        self._commit_fault()
        return False

    def token(self) -> bool:
        self._emitted += 1
        if self._emitted == len(self._job.script.tokens):
            self._responder.respond(200, self._body())
            return False
        if self._emitted == self._fault_at:
            self._commit_fault()
            return False
        return True

    def _body(self) -> bytes:
        job, script = self._job, self._job.script
        counts = wire.usage(job.asked.prompt_tokens, len(script.tokens), script.reasoning_tokens)
        finish = (script.finish, script.stop_reason)
        message = script.message()
        return wire.completion(job.identifier, job.created, job.model, message, finish, counts)

    def _commit_fault(self) -> None:
        match self._job.fault and self._job.fault.kind:
            case Kind.MALFORMED:
                self._responder.respond(200, _MALFORMED_BODY)
            case Kind.ERROR_EVENT:
                self._responder.respond(500, _INTERNAL_ERROR)
            case Kind.TRUNCATE:
                self._responder.break_off(self._body())
            case Kind.RESET:
                self._responder.reset()
