"""How a search for the capacity is bounded: the `[capacity]` table of a scenario."""

from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from loadproof.model.quantity import Duration
from loadproof.model.toml_file import FileModel, problem_at

Positive = Annotated[int, Field(ge=1)]


class Search(FileModel):
    """Bounds of a search for the highest load at which all objectives hold."""

    users: Annotated[
        tuple[Positive, Positive], BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v)
    ] = (1, 512)
    """The lowest and the highest number of users that may be tried."""
    resolution: Annotated[float, Field(gt=0, le=1)] = 0.2
    """How far the lowest broken level may lie above the highest that holds: 0.2 is 20 %."""
    requests: Positive = 20_000
    """Budget of the whole search: requests that are measured."""
    duration: Annotated[Duration, Field(gt=0)] = 3600.0
    """Budget of the whole search: its time."""
    level_requests: Positive = 2_200
    """How many requests one visit to a level may measure."""
    level_duration: Annotated[Duration, Field(gt=0)] = 300.0
    """How long one visit to a level may measure."""
    warmup: Annotated[Duration, Field(ge=0)] = 5.0
    """Time at the start of each visit whose requests no verdict uses."""
    grace: Annotated[Duration, Field(ge=0)] = 30.0
    """How long requests in flight may still take at the end of a visit."""

    @model_validator(mode="after")
    def _lowest_first(self) -> Self:
        lowest, highest = self.users
        if lowest > highest:
            raise problem_at(
                "capacity.users", str(list(self.users)), "the lowest number of users first"
            )
        return self
