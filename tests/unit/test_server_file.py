"""Server files: what is refused, and that the kit's files are good."""

from pathlib import Path

import pytest

from loadproof.model.errors import ConfigurationError
from loadproof.model.server import Server, read_server, server_at

KIT = Path(__file__).parents[2] / "servers"


@pytest.mark.parametrize("path", sorted(KIT.glob("*.toml")), ids=lambda path: path.stem)
def test_the_servers_of_the_kit_are_good(path: Path) -> None:
    assert read_server(path).name == path.stem


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "x"', "url: missing"),
        ('name = "x"\nurl = "localhost"', "url: got 'localhost', expected an address such as"),
        ('name = "x"\nurl = "http://h:70000"', "expected an address such as"),
        ('name = "x"\nurl = "http://u:p@h"', "an address without a password"),
        ('name = "x"\nurl = "http://h/v1"', "an address without /v1"),
        ('name = "x"\nurl = "http://h"\n[key]\n', "key: got {}, expected either env or file"),
        ('name = "x"\nurl = "http://h"\n[key]\nvalue = "s"', "key.value: unknown key"),
        (
            'name = "x"\nurl = "http://h"\n[policy]\ntemperature = "hot"',
            "policy.temperature: got 'hot'",
        ),
        ('name = "x"\nurl = "http://h"\n[simulator]\n', "a simulator table only with engine"),
        (
            'name = "x"\nurl = "http://h"\nengine = "simulator"\n[simulator]\nbase_us = -1.0',
            "simulator.base_us: got -1.0",
        ),
        ('name = "x"\nurl = "http://h"\n[start]\ncommand = []', "start.command"),
    ],
)
def test_a_bad_file_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "server.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_server(path)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_refused_key_table_does_not_show_what_was_in_it(tmp_path: Path) -> None:
    path = tmp_path / "server.toml"
    path.write_text('name = "x"\nurl = "http://h"\n[key]\nvalue = "sk-secret"', encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_server(path)
    assert "sk-secret" not in str(caught.value)


def test_an_address_alone_makes_a_server_with_a_label() -> None:
    assert server_at("http://127.0.0.1:8000/").name == "127-0-0-1-8000"
    assert server_at("http://127.0.0.1:8000/").url == "http://127.0.0.1:8000"


def test_a_server_survives_the_way_through_json() -> None:
    server = Server(name="x", url="http://h:1", key={"env": "KEY"}, policy={"stop": ["a"]})
    assert Server.model_validate_json(server.model_dump_json()) == server


R1 = """
name = "r1"
url = "http://h"
[policy]
temperature = 0.6
system_prompt = false
lead = "newline"
thinking_opened = true
"""
LLAMA = """
name = "llama"
url = "http://h"
[policy]
same_as = "r1.toml"
"""


def test_a_model_can_be_asked_by_anothers_policy_but_for_its_own_template(tmp_path: Path) -> None:
    (tmp_path / "r1.toml").write_text(R1, encoding="utf-8")
    path = tmp_path / "llama.toml"
    path.write_text(LLAMA, encoding="utf-8")
    policy = read_server(path).policy
    assert (policy.temperature, policy.system_prompt, policy.lead) == (0.6, False, "newline")
    assert policy.thinking_opened is False
    assert policy.same_as == "r1.toml"
    path.write_text(f"{LLAMA}thinking_opened = true\n", encoding="utf-8")
    server = read_server(path)
    assert server.policy.thinking_opened is True
    assert Server.model_validate_json(server.model_dump_json()) == server


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"{LLAMA}top_p = 0.9\n", "policy.top_p: got 0.9, expected no such key beside same_as"),
        (LLAMA.replace("r1.toml", "none.toml"), "policy.same_as: "),
        (LLAMA.replace("r1.toml", "llama.toml"), "which takes its own policy from 'llama.toml'"),
    ],
)
def test_a_policy_that_cannot_be_taken_over_is_refused(
    tmp_path: Path, text: str, message: str
) -> None:
    (tmp_path / "r1.toml").write_text(R1, encoding="utf-8")
    path = tmp_path / "llama.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        read_server(path)
    assert str(caught.value).startswith(f"{path}: policy.")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
