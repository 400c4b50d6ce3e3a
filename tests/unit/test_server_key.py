"""Reading the API key: from where it comes, and that no message shows it."""

from pathlib import Path

import pytest

from loadproof.model.errors import ConfigurationError
from loadproof.model.server import Key
from loadproof.servers.key import read_key


def test_a_server_without_a_key_table_has_none() -> None:
    assert read_key(None) is None


def test_the_key_comes_from_an_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", " sk-123\n")
    assert read_key(Key(env="MY_KEY")) == "sk-123"


def test_the_key_comes_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_text("sk-456\n")
    path.chmod(0o644)
    assert read_key(Key(file=str(path))) == "sk-456"


def test_a_missing_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)
    with pytest.raises(ConfigurationError, match="variable MY_KEY is not set"):
        read_key(Key(env="MY_KEY"))


def test_an_empty_variable_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_KEY", "  ")
    with pytest.raises(ConfigurationError, match="variable MY_KEY is empty"):
        read_key(Key(env="MY_KEY"))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="absent: cannot be read: No such file"):
        read_key(Key(file=str(tmp_path / "absent")))


@pytest.mark.parametrize("content", ["sk-secret and more", "sk-secret\nX-Other: 1", "sk-sécret"])
def test_what_is_no_key_is_refused_without_showing_it(tmp_path: Path, content: str) -> None:
    path = tmp_path / "key"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(ConfigurationError, match="the API key alone") as caught:
        read_key(Key(file=str(path)))
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="not text"):
        read_key(Key(file=str(path)))
