"""Rows of a file that somebody else published: JSON lines, a JSON array, CSV or Parquet."""

import csv
import gzip
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from loadproof.model.errors import ConfigurationError

LONGEST_CELL = 1 << 24


class Row:
    """One row, with the place that errors name."""

    __slots__ = ("_source", "fields")

    def __init__(self, fields: dict[str, Any], source: str) -> None:
        self.fields = fields
        self._source = source

    def text(self, *path: str) -> str:
        """A text, not blank, at a key or at a path of keys. Raises ConfigurationError."""
        value: Any = self.fields
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if not isinstance(value, str) or not value.strip():
            raise self.problem(".".join(path), value, "some text")
        return value.strip()

    def optional(self, key: str) -> str | None:
        """A text at a key, None where it is missing, null or blank."""
        value = self.fields.get(key)
        if value is None:
            return None
        text = str(value).strip()
        return text or None

    def problem(self, key: str, value: object, expected: str) -> ConfigurationError:
        """The error about a value."""
        found = "is missing" if value is None else f"got {_shown(value)}"
        return ConfigurationError(f"{self._source}: {key}: {found}; expected {expected}")


def read_rows(path: Path) -> Iterator[Row]:
    """The rows of `path`, each an object or a line with named columns.

    By the name's ending: `.csv`, `.parquet`, else JSON, as one array or an object a line; all but
    Parquet also packed with gzip (`.gz`). Raises ConfigurationError, which names the row.
    """
    if path.suffix == ".parquet":
        yield from _parquet(path)
        return
    data = _bytes(path)
    if path.name.removesuffix(".gz").endswith(".csv"):
        yield from _csv(path, data)
    elif data.lstrip()[:1] == b"[":
        yield from _array(path, data)
    else:
        yield from _lines(path, data)


def _bytes(path: Path) -> bytes:
    try:
        data = path.read_bytes()
        return gzip.decompress(data) if path.suffix == ".gz" else data
    except (OSError, EOFError) as error:
        raise ConfigurationError(f"{path}: cannot be read: {error}") from None


def _lines(path: Path, data: bytes) -> Iterator[Row]:
    for number, line in enumerate(data.split(b"\n"), start=1):
        if line.strip():
            yield _row(_decoded(line, f"{path}:{number}"), f"{path}:{number}")


def _array(path: Path, data: bytes) -> Iterator[Row]:
    items = _decoded(data, str(path))
    for number, item in enumerate(items, start=1):
        yield _row(item, f"{path}: item {number}")


def _csv(path: Path, data: bytes) -> Iterator[Row]:
    csv.field_size_limit(LONGEST_CELL)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: not UTF-8 at byte {error.start}") from None
    reader = csv.DictReader(io.StringIO(text, newline=""))
    for row in reader:
        yield Row(dict(row), f"{path}:{reader.line_num}")


def _parquet(path: Path) -> Iterator[Row]:
    import pyarrow
    from pyarrow import parquet

    try:
        table = parquet.read_table(path)
    except (OSError, pyarrow.ArrowException) as error:
        reason = str(error).partition("\n")[0]
        raise ConfigurationError(f"{path}: cannot be read as Parquet: {reason}") from None
    for number, fields in enumerate(table.to_pylist(), start=1):
        yield Row(fields, f"{path}: row {number}")


def _decoded(data: bytes, source: str) -> Any:
    try:
        return msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{source}: not JSON: {error}") from None


def _row(value: Any, source: str) -> Row:
    if not isinstance(value, dict):
        raise ConfigurationError(f"{source}: got {_shown(value)}; expected a JSON object")
    return Row(value, source)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
