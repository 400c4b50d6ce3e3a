"""Lengths in tokens, as a scenario states them: one number, a range, or a distribution."""

from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, model_validator

from loadproof.model.toml_file import FileModel

Positive = Annotated[int, Field(ge=1)]


class Lengths(FileModel):
    """A distribution of lengths in tokens.

    With `median` and `sigma` it is log-normal, cut off at `min` and `max`; without them uniform
    from `min` to `max`, both included. A plain number n stands for n alone.
    """

    min: Positive = 1
    max: Positive
    median: Annotated[float, Field(ge=1, allow_inf_nan=False)] | None = None
    """Half of the lengths are below it, but for what `min` and `max` cut off."""
    sigma: Annotated[float, Field(gt=0, le=4)] | None = None
    """Standard deviation of the lengths' natural logarithms."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.min > self.max:
            raise ValueError("min at most max")
        if (self.median is None) != (self.sigma is None):
            raise ValueError("median and sigma together (log-normal), or neither (uniform)")
        if self.median is not None and not self.min <= self.median <= self.max:
            raise ValueError("a median from min to max")
        return self


def _as_table(value: object) -> object:
    if isinstance(value, int) and not isinstance(value, bool):
        return {"min": value, "max": value}
    if isinstance(value, float | str | list | bool):
        raise ValueError(
            "a number of tokens, or a table such as { min = 100, max = 500 } or "
            "{ median = 200, sigma = 0.8, max = 2000 }"
        )
    return value


_SCHEMA: Any = Positive | Lengths

Tokens = Annotated[Lengths, BeforeValidator(_as_table, json_schema_input_type=_SCHEMA)]
"""Lengths, or a plain number of tokens."""
