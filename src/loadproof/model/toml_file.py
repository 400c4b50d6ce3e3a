"""Reading a TOML file into a pydantic model, with errors that fit one line each."""

import difflib
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import PydanticCustomError

from loadproof.model.errors import ConfigurationError


class FileModel(BaseModel):
    """A table of a file that people write: no unknown keys, no silent conversion, no change."""

    model_config = ConfigDict(
        extra="forbid", strict=True, frozen=True, use_attribute_docstrings=True
    )


Model = TypeVar("Model", bound=FileModel)

ELSEWHERE = "elsewhere"
"""Type of the errors that a whole-file check raises about one key (see `problem_at`)."""


def problem_at(key: str, value: object, expected: str) -> PydanticCustomError:
    """The error for a validator of a whole table to raise about one `key` in it.

    In one of several tables `key` is relative to the table, whose own place is known.
    """
    text = expected.replace("{", "{{").replace("}", "}}")
    return PydanticCustomError(ELSEWHERE, text, {"key": key, "value": value})


def read_toml(path: Path, model: type[Model]) -> Model:
    """The file at `path`, checked against `model`.

    Raises ConfigurationError: one line an error, each naming file, key, value and expectation.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(f"{path}: no such file{_nearby(path)}") from None
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be read: {error.strerror}") from None
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{path}: not TOML: {error}") from None
    return checked(data, model, str(path))


def checked(data: Mapping[str, Any], model: type[Model], source: str) -> Model:
    """`data` as `model`; `source` (a file name) begins each line of the error.

    Raises ConfigurationError.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        errors = [dict(item) for item in error.errors()]
        deeper = [item for item in errors if item["type"] != "too_short"]
        lines = dict.fromkeys(_line(source, item, model) for item in deeper or errors)
        raise ConfigurationError("\n".join(lines)) from None


def _nearby(path: Path) -> str:
    folder = path.parent
    names = [p.name for p in folder.glob("*.toml")] if folder.is_dir() else []
    close = difflib.get_close_matches(path.name, names, n=1)
    return f" (did you mean {folder / close[0]}?)" if close else ""


def _line(source: str, error: dict[str, Any], model: type[BaseModel]) -> str:
    location: Sequence[str | int] = [part for part in error["loc"] if not _is_union_branch(part)]
    key = _key(location) or "(top level)"
    kind = error["type"]
    if kind == ELSEWHERE:
        context = error["ctx"]
        where = f"{_key(location)}.{context['key']}".lstrip(".")
        return f"{source}: {where}: got {context['value']!r}, expected {error['msg']}"
    if kind == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        close = difflib.get_close_matches(str(location[-1]), known, n=1)
        hint = f"; did you mean {close[0]!r}?" if close else ""
        return f"{source}: {key}: unknown key{hint}; expected one of: {', '.join(known)}"
    if kind == "missing":
        return f"{source}: {key}: missing; it has to be given"
    return f"{source}: {key}: got {_shown(error['input'])}, expected {_expected(error)}"


def _is_union_branch(part: str | int) -> bool:
    """Whether pydantic put in the name of a union's branch, which is no key of the file."""
    return isinstance(part, str) and (
        "[" in part or part in {"int", "str", "float", "bool", "constrained-int", "constrained-str"}
    )


def _key(location: Sequence[str | int]) -> str:
    text = ""
    for part in location:
        text += f"[{part}]" if isinstance(part, int) else f".{part}" if text else part
    return text


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else text[:77] + "..."


def _expected(error: dict[str, Any]) -> str:
    message = str(error["msg"])
    for opening in ("Value error, ", "Assertion failed, ", "Input should be ", "String should "):
        message = message.removeprefix(opening)
    return message


def _known_keys(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """The keys of the table at `location`, found by walking the models' annotations."""
    for part in location:
        if isinstance(part, int):
            continue
        field = model.model_fields.get(part)
        inner = _model_within(field.annotation) if field else None
        if inner is None:
            return []
        model = inner
    return list(model.model_fields)


def _model_within(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        found = _model_within(argument)
        if found is not None:
            return found
    return None
