"""The published JSON Schemas: of scenario and server files, verdict.json and comparison.json."""

import inspect
import json
from pathlib import Path
from typing import Any

from loadproof.model.quantity import duration_text
from loadproof.model.scenario import Scenario
from loadproof.model.server import Server
from loadproof.report.comparison_json import comparison_schema
from loadproof.report.verdict_json import verdict_schema


def schemas() -> dict[str, str]:
    """The text of each schema by its file name."""
    return {
        f"{name}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in (
            ("scenario", _as_written(Scenario.model_json_schema())),
            ("server", _as_written(Server.model_json_schema())),
            ("verdict", _as_written(verdict_schema())),
            ("comparison", _as_written(comparison_schema())),
        )
    }


def _as_written(schema: Any) -> Any:
    """`schema` with durations' defaults as one writes them, and descriptions without the indent
    that Python before 3.13 leaves in docstrings."""
    if isinstance(schema, list):
        return [_as_written(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    written = {key: _as_written(value) for key, value in schema.items()}
    if written.get("type") == "string" and isinstance(written.get("default"), float):
        written["default"] = duration_text(written["default"])
    if isinstance(written.get("description"), str):
        written["description"] = inspect.cleandoc(written["description"])
    return written


def write_schemas(folder: Path) -> list[Path]:
    """Writes the schemas into `folder` and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in schemas().items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths
