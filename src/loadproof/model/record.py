"""One request, as it is recorded: a line of requests.jsonl."""

from enum import StrEnum

import msgspec


class Outcome(StrEnum):
    """How a request ended. Every request that was started has exactly one."""

    COMPLETED = "completed"
    FAILED = "failed"
    CUT_OFF = "cut_off"


class Failure(StrEnum):
    """What a failed request failed of."""

    CONNECT = "connect"
    TLS = "tls"
    TIMEOUT_CONNECT = "timeout_connect"
    TIMEOUT_FIRST_TOKEN = "timeout_first_token"
    TIMEOUT_BETWEEN_TOKENS = "timeout_between_tokens"
    TIMEOUT_WHOLE = "timeout_whole"
    HTTP_STATUS = "http_status"
    SERVER_ERROR_EVENT = "server_error_event"
    MALFORMED = "malformed"
    TRUNCATED = "truncated"
    RESET = "reset"


class Clock(StrEnum):
    """Whose clock an arrival was read from."""

    KERNEL = "kernel"
    PROCESS = "process"


class RequestRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One request. Times ending in _ns are monotonic nanoseconds of the run's first machine;
    durations are milliseconds with microsecond precision; None where there is none."""

    id: str
    step: int
    users: int | None
    rate_rps: float | None = None
    task: str
    prompt_id: str
    turn: int = 0
    """Which turn of its conversation, from 0."""
    worker: str
    intended_ns: int | None = None
    """When it was to start: at its user's last end plus the pause, or as users were let go on."""
    start_ns: int
    first_byte_ns: int | None
    end_ns: int
    connect_ms: float | None = None
    """From its start until a new connection stood, as this process found; None over an open one."""
    ttft_ms: float | None
    ttfat_ms: float | None
    itl_p50_ms: float | None
    itl_p99_ms: float | None
    itl_max_ms: float | None
    tpot_ms: float | None
    e2e_ms: float | None
    clock: Clock
    coalesced: int = 0
    """Token-bearing events that shared a read with a later one, so that their arrival is known
    only as no later than the later one's."""
    first_token_coalesced: bool = False
    """Whether the first token was one of those: `ttft_ms` is then an upper bound."""
    read_lateness_max_ms: float | None = None
    """The longest that one of its events had waited in the kernel when it was read; None by the
    process's clock, which cannot tell."""
    events: int
    """Token-bearing events."""
    multi_token_events: int = 0
    """Those of them that bore more than one token."""
    prompt_tokens: int | None
    output_tokens: int | None
    """As the server's usage says; for a request without usage, its token-bearing events."""
    thinking_tokens: int | None
    outcome: Outcome
    failure: Failure | None
    failure_detail: str | None = None
    http_status: int | None
    finish_reason: str | None
    warmup: bool
    grades: dict[str, float]
    """Metric to value, from 0 to 1, and what `model.metrics.NO_QUALITIES` tells of."""

    @property
    def thinking_unfinished(self) -> bool:
        """Whether the model thought and came to no answer: no token of one, only of thinking."""
        return self.thinking_tokens is not None and self.ttfat_ms is None
