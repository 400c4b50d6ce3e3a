"""The traffic of a scenario: which tasks, how much of each, where their prompts come from."""

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from loadproof.model.lengths import Positive, Tokens
from loadproof.model.metrics import GENERATOR, QUALITIES, UNGRADED
from loadproof.model.quantity import Duration
from loadproof.model.toml_file import FileModel, problem_at

FORMATS = (
    "loadproof",
    "medqa",
    "cmexam",
    "cmb",
    "gsm8k",
    "math500",
    "commonsenseqa",
    "sharegpt",
    "oasst1",
)
"""The formats of question files: our own, and the public sets' as they are published."""

Format = Literal[
    "loadproof",
    "medqa",
    "cmexam",
    "cmb",
    "gsm8k",
    "math500",
    "commonsenseqa",
    "sharegpt",
    "oasst1",
]

_KEYS = {
    **dict.fromkeys(QUALITIES, ("questions", "format")),
    "chat": ("questions", "format", "output_tokens", "ignore_eos"),
    "own": ("file",),
    "synthetic": (
        "input_tokens",
        "output_tokens",
        "lengths",
        "shared_prefix",
        "prefix_groups",
        "ignore_eos",
        "tokens",
    ),
    "trace": ("trace", "ignore_eos", "tokens"),
}
"""The keys that each kind of task has of its own."""


class TokenCost(FileModel):
    """What a synthetic prompt costs in the served model's tokens, as measured before the load."""

    overhead: Annotated[int, Field(ge=0)]
    """Tokens of the chat template around one user turn."""
    per_word: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    exact: bool
    """Whether each word costs one token, so that prompts have exactly the length asked for."""
    without: Annotated[
        tuple[str, ...], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
    ] = ()
    """Words that cost more and are not used."""


class Traffic(FileModel):
    """A share of the requests: which task, how much of it, how it is paced.

    Paths are relative to the scenario's file.
    """

    task: Annotated[
        str,
        Field(pattern=r"^[^\W\d]\w*$", max_length=64, examples=[*QUALITIES, *UNGRADED, "my_task"]),
    ]
    """A task of loadproof's, or any other name with a `file` that holds it."""
    weight: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0
    """Share of the requests, relative to the other tasks' weights."""
    think_time: Annotated[Duration, Field(ge=0)] | None = None
    """Mean pause of a user after a request of this task; the task's own where absent."""
    max_tokens: Positive | None = None
    """Longest answer asked for; the task's own where absent."""
    file: str | None = None
    """A task of your own: the Python file with its prompts and its grader."""
    questions: str | None = None
    """A file of questions instead of those that loadproof ships."""
    format: Format | None = None
    """How that file is written; recognised by its first question where absent."""
    input_tokens: Tokens | None = None
    """Length of a synthetic prompt, the chat template's tokens included."""
    output_tokens: Tokens | None = None
    """Length of the answer to it; of a chat's answers too."""
    lengths: str | None = None
    """A file with both lengths in each row instead, such as a run's requests.jsonl."""
    shared_prefix: Annotated[float, Field(ge=0, le=1)] | None = None
    """Share of each synthetic prompt that begins like the others'."""
    prefix_groups: Positive | None = None
    """Number of different such beginnings; 1 where absent."""
    ignore_eos: bool | None = None
    """Whether answers of a given length go on after the model would have ended; true where absent.
    vLLM, SGLang and the simulator know this; others may refuse it."""
    trace: str | None = None
    """A file of arrival times with prompts or lengths."""
    tokens: TokenCost | None = None
    """What the words of synthetic prompts cost. Measured before the load where absent."""
    metrics: Annotated[
        tuple[str, ...] | None,
        BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v),
    ] = None
    """What the task's grader gives. Filled in when the task is loaded; not to be written."""
    digest: str | None = None
    """Of the prompts that a file gave, to know them again. Filled in like `metrics`."""

    @model_validator(mode="after")
    def _keys_fit(self) -> Self:
        kind = self.task if self.task in (*QUALITIES, *UNGRADED) else "own"
        if self.task == GENERATOR:
            raise problem_at(
                "task", self.task, "another name: this one stands for loadproof itself"
            )
        if kind == "own" and self.file is None:
            raise problem_at(
                "task",
                self.task,
                f"one of {', '.join((*QUALITIES, *UNGRADED))}, or another name with "
                'file = "….py" that holds the task',
            )
        for keys in _KEYS.values():
            for key in keys:
                value = getattr(self, key)
                if value is not None and key not in _KEYS[kind]:
                    expected = f"no such key for {self.task}; it is for {_whose(key)}"
                    raise problem_at(key, str(value), expected)
        self._has_its_lengths(kind)
        if self.format is not None and self.questions is None:
            raise problem_at("format", self.format, 'questions = "…" beside it, written so')
        return self

    def _has_its_lengths(self, kind: str) -> None:
        """Raises what is wrong with a task that is made of lengths."""
        if kind in UNGRADED and self.max_tokens is not None:
            raise problem_at("max_tokens", self.max_tokens, "no such key here: see output_tokens")
        if kind == "trace" and self.trace is None:
            raise problem_at("trace", None, "a file of arrival times with prompts or lengths")
        if kind == "synthetic":
            both = self.input_tokens is not None and self.output_tokens is not None
            neither = self.input_tokens is None and self.output_tokens is None
            if not (both and self.lengths is None) and not (neither and self.lengths is not None):
                raise problem_at(
                    "input_tokens",
                    None if self.input_tokens is None else "it",
                    "input_tokens and output_tokens, or a file of lengths",
                )
        if self.prefix_groups is not None and not self.shared_prefix:
            raise problem_at("prefix_groups", self.prefix_groups, "shared_prefix beside it")
        if self.ignore_eos is not None and kind == "chat" and self.output_tokens is None:
            raise problem_at("ignore_eos", self.ignore_eos, "output_tokens beside it")

    @property
    def paths(self) -> dict[str, str]:
        """The files that it names, by key."""
        keys = ("file", "questions", "lengths", "trace")
        named = {key: getattr(self, key) for key in keys}
        return {key: path for key, path in named.items() if path is not None}

    @property
    def qualities(self) -> tuple[str, ...] | None:
        """The metrics that its grader gives; None for an own task that is not loaded yet."""
        if self.task in UNGRADED:
            return ()
        return QUALITIES.get(self.task, self.metrics)

    def located(self, folder: Path) -> Self:
        """The same with its paths, where relative, taken from `folder`."""
        return self.model_copy(
            update={
                key: str((folder / Path(path).expanduser()).absolute())
                for key, path in self.paths.items()
            }
        )


def _whose(key: str) -> str:
    if key == "file":
        return "a task of your own"
    return " or ".join(task for task, keys in _KEYS.items() if key in keys)
