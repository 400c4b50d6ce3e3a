"""A server file: how one served model is reached, started, asked and, where simulated, modelled."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator, model_validator

from loadproof.model.errors import ConfigurationError
from loadproof.model.quantity import Duration
from loadproof.model.toml_file import FileModel, checked, read_toml

Share = Annotated[float, Field(ge=0, le=1)]
Cost = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Positive = Annotated[int, Field(ge=1)]
Texts = Annotated[
    tuple[str, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
]


class Start(FileModel):
    """How the server is started as a child process. Absent: it runs already."""

    command: Annotated[Texts, Field(min_length=1)]
    """The program and its arguments, as one would type them; no shell stands between."""
    env: dict[str, str] = Field(default_factory=dict)
    """Environment variables added to the caller's own."""
    ready_within: Annotated[Duration, Field(gt=0)] = 600.0
    """How long it may take until /health answers."""


class Key(FileModel):
    """Where the API key is found. It is never written in a file that a run keeps."""

    env: str | None = None
    """Name of an environment variable."""
    file: str | None = None
    """Path of a file that holds the key alone."""

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.env is None) == (self.file is None):
            raise ValueError("either env or file")
        return self


class Policy(FileModel):
    """How this model wants to be asked. Absent sampling parameters are left to the server."""

    same_as: str | None = None
    """Another server file, by whose policy this model is asked too; relative to this one. Beside
    it stands nothing but `thinking_opened`, which is a matter of this model's own template."""
    temperature: Annotated[float, Field(ge=0, le=2)] | None = None
    top_p: Annotated[float, Field(gt=0, le=1)] | None = None
    system_prompt: bool = True
    """Whether a system message is allowed; else its text goes into the first user turn."""
    lead: Literal["none", "newline", "think"] = "none"
    """What keeps it thinking: a newline before the user's text, or an assistant turn that has
    begun with "<think>" and is continued."""
    thinking_opened: bool = False
    """Whether the model's chat template ends the prompt with an opening "<think>" by itself, as
    DeepSeek-R1's does: its text then begins within the thinking."""
    math_template: bool = True
    """Whether math questions ask for step by step reasoning and a boxed answer."""
    stop: Texts = ()
    max_tokens: Positive | None = None
    """Caps every task's own limit."""

    @property
    def opens_thinking(self) -> bool:
        """Whether the model's text begins within its thinking."""
        return self.thinking_opened or self.lead == "think"


class Simulator(FileModel):
    """The engine model behind a simulated server: iteration-level batching with a paged KV cache.

    An iteration that decodes n sequences with c cached tokens between them and prefills p prompt
    tokens takes base + n * per_sequence + c * per_cached_token + p * per_prefill_token.
    """

    base_us: Cost = 6000.0
    per_sequence_us: Cost = 60.0
    per_cached_token_us: Cost = 0.02
    per_prefill_token_us: Cost = 25.0
    max_batch: Positive = 256
    """Sequences decoded in one iteration (vLLM: --max-num-seqs)."""
    max_batched_tokens: Positive = 2048
    """Prompt and decode tokens of one iteration; longer prompts are prefilled in chunks."""
    kv_blocks: Positive = 4096
    block_tokens: Positive = 16
    context_tokens: Positive = 32768
    """Longest prompt plus answer (vLLM: --max-model-len)."""
    thinks: bool = False
    """Whether it answers with thinking first, as DeepSeek-R1 and its distillations do."""
    reasoning_field: Literal["reasoning", "reasoning_content", "none"] = "none"
    """The delta field that thinking comes in; "none": in the text, ended by </think>."""
    thinking_tokens: Positive = 48
    """Mean length of the thinking."""
    answer_tokens: Positive = 64
    """Mean length of a chat answer; the other tasks' answers are as long as they need."""
    accuracy: dict[Literal["medical_qa", "boxed_math", "commonsense"], Share] = Field(
        default_factory=dict
    )
    """Share of right answers by task; 0.9 where absent."""
    compliance: Share = 0.95
    """Share of math answers that stand in a box."""
    faults: dict[
        Literal[
            "stall",
            "reset",
            "malformed",
            "error_event",
            "truncate",
            "status_429",
            "status_500",
            "status_503",
        ],
        Share,
    ] = Field(default_factory=dict)
    """Share of requests that it mistreats, by kind of fault."""
    seed: Annotated[int, Field(ge=0)] = 1


class Server(FileModel):
    """One served model."""

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
    """Part of the run directory's name."""
    engine: Literal["vllm", "simulator", "other"] = "other"
    url: str
    """Where its API is rooted: scheme, host and port, without /v1."""
    model: str | None = None
    """The model's name in requests; absent: the first one that /v1/models lists."""
    start: Start | None = None
    key: Key | None = None
    usage: Literal["continuous", "final", "none"] | None = None
    """Token counts asked for: with every event, at the end, or not at all. Absent: continuous
    from vLLM and the simulator, at the end from others."""
    policy: Policy = Policy()
    simulator: Simulator | None = None

    @field_validator("url")
    @classmethod
    def _is_url(cls, url: str) -> str:
        parts = urlsplit(url)
        try:
            port_is_valid = parts.port is None or parts.port > 0
        except ValueError:
            port_is_valid = False
        if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_valid:
            raise ValueError("an address such as http://127.0.0.1:8000")
        if parts.username or parts.password:
            raise ValueError("an address without a password; the key table says where keys are")
        if parts.path.rstrip("/").endswith("/v1"):
            raise ValueError("an address without /v1 at its end")
        return url.rstrip("/")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.engine == "simulator" and self.start is not None:
            raise ValueError("no start table for the simulator: loadproof starts it itself")
        if self.simulator is not None and self.engine != "simulator":
            raise ValueError('a simulator table only with engine = "simulator"')
        return self


def read_server(path: Path) -> Server:
    """The server in the TOML file at `path`, with the policy that it takes over from another.

    Raises ConfigurationError.
    """
    server = read_toml(path, Server)
    own = server.policy
    if own.same_as is None:
        return server
    other = path.parent / Path(own.same_as).expanduser()
    too_much = sorted(own.model_fields_set - {"same_as", "thinking_opened"})
    if too_much:
        value = getattr(own, too_much[0])
        raise ConfigurationError(
            f"{path}: policy.{too_much[0]}: got {value!r}, expected no such key beside same_as, "
            f"which takes it from {other}"
        )
    try:
        policy = read_toml(other, Server).policy
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: policy.same_as: {error}") from None
    if policy.same_as is not None:
        raise ConfigurationError(
            f"{path}: policy.same_as: got {own.same_as!r}, which takes its own policy from "
            f"{policy.same_as!r}; expected a file that states one"
        )
    kept = {"same_as": own.same_as, "thinking_opened": own.thinking_opened}
    return server.model_copy(update={"policy": policy.model_copy(update=kept)})


def server_at(url: str) -> Server:
    """A server of which only the address is known. Raises ConfigurationError."""
    return checked({"name": _label(url), "url": url}, Server, "--host")


def _label(url: str) -> str:
    text = "".join(c if c.isascii() and c.isalnum() else "-" for c in urlsplit(url).netloc)
    return text.strip("-")[:64] or "server"
