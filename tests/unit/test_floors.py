"""The rooms' floors: no room imports one above it, nor one beside it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "src" / "loadproof"
FLOORS = (
    {"model"},
    {"tasks", "streaming", "recording", "stats"},
    {"servers", "telemetry"},
    {"load", "analysis"},
    {"report"},
    {"commands"},
    {"cli", "plugin", "__main__"},
)
ALLOWED = {
    ("__main__", "cli"),
    ("servers", "tasks"),  # the simulator answers the kit's questions
}


def floor_of(room: str) -> int:
    return next(height for height, rooms in enumerate(FLOORS) if room in rooms)


def imported_rooms(path: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
        elif isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
    return {name.split(".")[1] for name in names if name.startswith("loadproof.")}


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE))
)
def test_a_module_imports_only_from_floors_below(path: Path) -> None:
    room = path.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if room == "__init__":
        assert not imported_rooms(path)
        return
    for other in imported_rooms(path) - {room}:
        assert floor_of(other) < floor_of(room) or (room, other) in ALLOWED, other
