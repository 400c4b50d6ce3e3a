import multiprocessing
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import pytest

from loadproof.model.errors import ConfigurationError
from loadproof.recording.directory import create_run_directory

NOON = datetime(2026, 3, 1, 12, 0, 5, 999_999, tzinfo=UTC)


def test_a_run_directory_is_named_by_utc_time_scenario_and_server(tmp_path: Path) -> None:
    in_tokyo = NOON.astimezone(timezone(timedelta(hours=9)))
    path = create_run_directory(tmp_path / "runs", "demo", "qwen-1.5b", in_tokyo)
    assert path == tmp_path / "runs" / "2026-03-01T12-00-05Z_demo_qwen-1.5b"
    assert path.is_dir()


def test_runs_of_the_same_second_get_directories_of_their_own(tmp_path: Path) -> None:
    names = [create_run_directory(tmp_path, "demo", "s", NOON).name for _ in range(3)]
    first = "2026-03-01T12-00-05Z_demo_s"
    assert names == [first, f"{first}-2", f"{first}-3"]


def test_processes_that_start_together_never_share_a_directory(tmp_path: Path) -> None:
    create = partial(create_run_directory, tmp_path, "demo", "s")
    context = multiprocessing.get_context("forkserver")
    with ProcessPoolExecutor(4, mp_context=context) as pool:
        paths = list(pool.map(create, [NOON] * 40))
    assert len(set(paths)) == 40


@pytest.mark.parametrize(
    ("label", "safe"),
    [
        ("plain.v1-2", "plain.v1-2"),
        ("../../etc/passwd", "etc-passwd"),
        ("a/b\\c:d e_f", "a-b-c-d-e-f"),
        (".hidden", "hidden"),
        ("模型", "unnamed"),
        ("", "unnamed"),
        ("x\x00y\n", "x-y"),
        ("n" * 300, "n" * 64),
    ],
)
def test_any_label_makes_a_safe_name(tmp_path: Path, label: str, safe: str) -> None:
    path = create_run_directory(tmp_path, label, label, NOON)
    assert path.parent == tmp_path
    assert path.name == f"2026-03-01T12-00-05Z_{safe}_{safe}"


def test_a_parent_may_have_any_name(tmp_path: Path) -> None:
    parent = tmp_path / "läufe 测试" / "runs"
    assert create_run_directory(parent, "demo", "s", NOON).parent == parent


def test_a_parent_that_is_a_file_is_refused_with_path_and_reason(tmp_path: Path) -> None:
    parent = tmp_path / "runs"
    parent.write_text("")
    with pytest.raises(ConfigurationError, match=r"runs: no run directory can be made here: File"):
        create_run_directory(parent, "demo", "s", NOON)
    with pytest.raises(ConfigurationError, match=r"here: Not a directory"):
        create_run_directory(parent / "below", "demo", "s", NOON)


def test_a_parent_that_cannot_be_written_is_refused_with_path_and_reason() -> None:
    with pytest.raises(ConfigurationError, match=r"^/proc/runs: no run directory can be made"):
        create_run_directory(Path("/proc/runs"), "demo", "s", NOON)
