"""Scenario files: what they mean, and the one line by which a bad one is refused."""

import tomllib
from pathlib import Path
from typing import Any

import pytest

from loadproof.model.errors import ConfigurationError
from loadproof.model.scenario import Scenario, Step, read_scenario, scenario_without_file
from loadproof.model.toml_file import checked

GOOD = """
name = "x"
[[traffic]]
task = "chat"
think_time = "500ms"
[[steps]]
users = [1, 4]
duration = "20s"
warmup = "2s"
[[steps]]
users = 8
requests = 100
[[objectives]]
require = "p99(ttft{task=chat}) <= 120ms"
up_to = 4
[[objectives]]
require = "rate(failed) <= 1%"
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "s.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_lists_of_users_become_one_step_each(tmp_path: Path) -> None:
    scenario = read_scenario(written(tmp_path, GOOD))
    assert scenario.load_steps() == (
        Step(0, 1, 20.0, None, 2.0, 30.0),
        Step(1, 4, 20.0, None, 2.0, 30.0),
        Step(2, 8, None, 100, 0.0, 30.0),
    )


def test_an_objective_is_asked_of_the_levels_it_names(tmp_path: Path) -> None:
    first, second = read_scenario(written(tmp_path, GOOD)).parsed_objectives()
    assert first.users == (1, 4)
    assert second.users is None


def test_a_scenario_survives_the_way_through_json(tmp_path: Path) -> None:
    scenario = read_scenario(written(tmp_path, GOOD))
    assert type(scenario).model_validate_json(scenario.model_dump_json()) == scenario


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("users = [1, 4]", "usres = [1, 4]", "steps[0].usres: unknown key; did you mean 'users'?"),
        ("users = [1, 4]", 'users = "many"', "steps[0].users: got 'many', expected a number"),
        ("users = [1, 4]", "users = [0]", "steps[0].users[0]: got 0, expected greater than"),
        ("users = [1, 4]", "users = [true]", "steps[0].users[0]: got True, expected a valid int"),
        ('"20s"', "20", "steps[0].duration: got 20, expected a duration with its unit in quotes"),
        ('"20s"', '"20"', "steps[0].duration: got '20', expected a duration with its unit"),
        ('"20s"', '"0s"', "steps[0].duration: got '0s', expected greater than 0"),
        ("requests = 100", "", "steps[1]: got {'users': 8}, expected a step that ends"),
        ('task = "chat"', 'task = "poems"', "traffic[0].task: got 'poems', expected one of chat, "),
        ("p99(ttft", "p99(ttff", "objectives[0].require: got 'p99(ttff{task=chat}) <= 120ms'"),
        ("{task=chat}", "{task=boxed_math}", "objectives[0].require: got"),
        (
            "rate(failed) <= 1%",
            "accuracy(chat) >= 1%",
            "objectives[1].require: got 'accuracy(chat) >= 1%', expected a grade that chat gives",
        ),
        ("up_to = 4", "up_to = 0", "objectives[0].up_to: got 0, expected greater than"),
        ("up_to = 4", "at = []", "objectives[0].at: got [], expected a number of users or a list"),
        (
            "up_to = 4",
            "at = [2]",
            "objectives[0].at: got [2], expected at among the load levels [1, 4, 8]",
        ),
        ("up_to = 4", "up_to = 4\nat = [1]", "objectives[0]: got"),
        ('name = "x"', 'name = "a/b"', "name: got 'a/b', expected"),
        ('name = "x"', "name = ", "not TOML"),
        ('name = "x"', "", "name: missing"),
        ("rate(failed)", "p99(start_delay)", "'p99(start_delay) <= 1%'"),
    ],
)
def test_a_bad_file_is_refused_in_a_line_with_file_key_value_and_expectation(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as caught:
        read_scenario(path)
    lines = str(caught.value).splitlines()
    assert all(line.startswith(f"{path}: ") for line in lines)
    assert any(message in line for line in lines)


def test_a_file_of_another_name_is_suggested(tmp_path: Path) -> None:
    written(tmp_path, GOOD)
    with pytest.raises(ConfigurationError, match=r"no such file \(did you mean .*s\.toml\?\)"):
        read_scenario(tmp_path / "ss.toml")


def test_a_file_without_steps_is_refused(tmp_path: Path) -> None:
    text = 'name = "x"\n[[traffic]]\ntask = "chat"\n'
    with pytest.raises(ConfigurationError, match="steps: missing"):
        read_scenario(written(tmp_path, text))


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_bytes(b'name = "\xff"')
    with pytest.raises(ConfigurationError, match="not UTF-8 at byte 8"):
        read_scenario(path)


def test_without_a_file_locust_decides_the_load() -> None:
    scenario = scenario_without_file([("chat", 4), ("boxed_math", 1)], ["p99(ttft) <= 1s"])
    assert scenario.name == "mixed"
    assert scenario.load_steps() == ()
    assert [traffic.weight for traffic in scenario.traffic] == [4.0, 1.0]


def test_without_a_file_an_objective_still_needs_its_task() -> None:
    with pytest.raises(ConfigurationError, match=r"options: objectives\[0\]"):
        scenario_without_file([("chat", 1)], ["accuracy(commonsense) >= 80%"])


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        (["rate(failed) <= 1%", "rate(failed)<=0.01"], "objectives[0] states this one"),
        (["drop(answered(chat)) <= 2%"], None),
        ([{"require": "drop(answered(chat)) <= 2%", "at": [1]}], "a load level above the lowest"),
        (
            [
                {"require": "rate(failed) <= 1%", "at": [1]},
                {"require": "rate(failed) <= 1%", "at": [4]},
            ],
            None,
        ),
    ],
)
def test_an_objective_is_stated_once_at_a_level_and_a_drop_has_something_to_drop_from(
    tmp_path: Path, entries: list[str | dict[str, Any]], message: str | None
) -> None:
    data: dict[str, Any] = tomllib.loads(GOOD)
    data["objectives"] = [{"require": e} if isinstance(e, str) else e for e in entries]
    if message is None:
        assert len(checked(data, Scenario, "s.toml").objectives) == len(entries)
        return
    with pytest.raises(ConfigurationError) as caught:
        checked(data, Scenario, "s.toml")
    assert message in str(caught.value)
