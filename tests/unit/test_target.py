"""What a request says to its server, and what nobody is shown of it."""

import pytest

from loadproof.model.errors import ConfigurationError
from loadproof.streaming.target import Target


def lines_of(target: Target) -> list[str]:
    return target.request_head("/v1/chat/completions", 12).decode().split("\r\n")


def test_a_request_names_host_length_and_that_nothing_may_be_compressed() -> None:
    lines = lines_of(Target("http://localhost:8000", {"Authorization": "Bearer sk-1"}))
    assert lines[0] == "POST /v1/chat/completions HTTP/1.1"
    assert {"host: localhost:8000", "content-length: 12", "accept-encoding: identity"} < set(lines)
    assert "authorization: Bearer sk-1" in lines
    assert lines[-2:] == ["", ""]


@pytest.mark.parametrize(
    ("url", "first", "host"),
    [
        ("https://example.org", "POST /v1/chat/completions HTTP/1.1", "host: example.org"),
        ("http://[::1]:80/", "POST /v1/chat/completions HTTP/1.1", "host: [::1]"),
        ("http://x:1/api", "POST /api/v1/chat/completions HTTP/1.1", "host: x:1"),
    ],
)
def test_host_and_path_follow_the_address(url: str, first: str, host: str) -> None:
    lines = lines_of(Target(url))
    assert lines[0] == first
    assert host in lines


def test_the_key_is_in_no_repr_and_is_concealed_in_what_a_server_echoes() -> None:
    target = Target("http://x", {"Authorization": "Bearer sk-secret"})
    assert "sk-secret" not in repr(target)
    assert target.conceal("no such key: sk-secret!") == "no such key: [concealed]!"


def test_a_key_that_was_cut_short_is_concealed_too() -> None:
    target = Target("http://x", {"Authorization": "Bearer sk-verysecret"})
    assert target.conceal("a sk-verysec… b sk-very") == "a [concealed]… b sk-very"
    assert target.conceal("Bearer sk-verysecret sk-verysecret") == "[concealed] [concealed]"


@pytest.mark.parametrize("url", ["localhost:8000", "ftp://x", "http://", "//x"])
def test_an_address_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="expected an address"):
        Target(url)


@pytest.mark.parametrize(
    "headers",
    [{"X-A": "a\r\nX-B: b"}, {"X A": "a"}, {"": "a"}, {"X-A": "schlüssel"}, {"Host": "y"}],
)
def test_headers_that_would_break_a_request_are_refused_without_their_value(
    headers: dict[str, str],
) -> None:
    with pytest.raises(ConfigurationError, match="header") as refusal:
        Target("http://x", headers)
    assert not any(value in str(refusal.value) for value in headers.values() if len(value) > 1)
