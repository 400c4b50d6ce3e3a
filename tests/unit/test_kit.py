"""The kit that users copy: its files are good, and the published schemas are those of the code."""

import json
import tomllib
from pathlib import Path

import jsonschema
import pytest

from loadproof.commands.schemas import schemas
from loadproof.tasks.traffic import load_scenario, load_search

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "scenarios").glob("*.toml"))
SERVERS = sorted((ROOT / "servers").glob("*.toml"))


@pytest.mark.parametrize("path", SCENARIOS, ids=lambda path: path.stem)
def test_the_scenarios_of_the_kit_are_good(path: Path) -> None:
    load = load_search if path.stem == "capacity" else load_scenario
    assert load(path).name == path.stem


def test_the_schemas_in_the_repository_are_the_ones_that_the_code_generates() -> None:
    """`make schemas` writes them again."""
    for name, text in schemas().items():
        assert (ROOT / "schemas" / name).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("path", [*SCENARIOS, *SERVERS], ids=lambda path: path.stem)
def test_each_file_of_the_kit_names_a_schema_that_accepts_it(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    first = text.splitlines()[0]
    assert first.startswith("#:schema ../schemas/")
    schema = (path.parent / first.removeprefix("#:schema ")).resolve()
    jsonschema.validate(tomllib.loads(text), json.loads(schema.read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("kind", "key", "value"),
    [
        ("scenario", "steps", [{"users": "many", "duration": "20s"}]),
        ("scenario", "stepps", []),
        ("scenario", "timeouts", {"connect": 5}),
        ("server", "engine", "trt"),
        ("server", "policy", {"temprature": 1.0}),
    ],
)
def test_the_schemas_refuse_what_loading_refuses(kind: str, key: str, value: object) -> None:
    folder, good = {"scenario": (SCENARIOS, "demo"), "server": (SERVERS, "local")}[kind]
    (path,) = (path for path in folder if path.stem == good)
    data = tomllib.loads(path.read_text(encoding="utf-8"))
    schema = json.loads(schemas()[f"{kind}.json"])
    jsonschema.validate(data, schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({**data, key: value}, schema)
