"""The published JSON Schemas: of scenario and server files, and of verdict.json."""

import json
from pathlib import Path

from loadproof.model.scenario import Scenario
from loadproof.model.server import Server
from loadproof.report.verdict_json import verdict_schema


def schemas() -> dict[str, str]:
    """The text of each schema by its file name."""
    return {
        f"{name}.json": json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
        for name, schema in (
            ("scenario", Scenario.model_json_schema()),
            ("server", Server.model_json_schema()),
            ("verdict", verdict_schema()),
        )
    }


def write_schemas(folder: Path) -> list[Path]:
    """Writes the schemas into `folder` and returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, text in schemas().items():
        path = folder / name
        path.write_text(text, encoding="utf-8")
        paths.append(path)
    return paths
