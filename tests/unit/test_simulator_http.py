"""HTTP requests out of bytes, cut anywhere; bad ones with the right status."""

from http import HTTPStatus

import pytest

from loadproof.servers.simulator.http_parser import BadRequestError, Request, RequestParser

TWO = (
    b"POST /v1/chat/completions?x=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"
    b"GET /health HTTP/1.1\r\nConnection: Close\r\n\r\n"
)


def parsed(*parts: bytes) -> list[Request]:
    parser = RequestParser()
    found = []
    for part in parts:
        parser.feed(part)
        while (request := parser.next()) is not None:
            found.append(request)
    return found


def test_requests_are_the_same_wherever_the_bytes_are_cut() -> None:
    whole = parsed(TWO)
    assert [(r.method, r.path, r.body, r.keep_alive) for r in whole] == [
        ("POST", "/v1/chat/completions", b"hello", True),
        ("GET", "/health", b"", False),
    ]
    assert whole[0].headers["host"] == "a"
    for cut in range(len(TWO)):
        assert parsed(TWO[:cut], TWO[cut:]) == whole


def test_http_1_0_closes_unless_it_asks_to_keep() -> None:
    assert not parsed(b"GET / HTTP/1.0\r\n\r\n")[0].keep_alive
    assert parsed(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")[0].keep_alive


def test_a_client_that_expects_100_continue_is_noticed() -> None:
    parser = RequestParser()
    parser.feed(b"POST / HTTP/1.1\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n")
    assert parser.next() is None
    assert parser.continue_expected
    parser.feed(b"{}")
    assert parser.next() is not None
    assert not parser.continue_expected


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/2\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nno colon\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", HTTPStatus.BAD_REQUEST),
        (b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", HTTPStatus.LENGTH_REQUIRED),
        (
            b"POST / HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n",
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        ),
        (b"GET / HTTP/1.1\r\nA: " + b"a" * 70_000, HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE),
    ],
)
def test_what_is_no_request_is_refused(raw: bytes, status: HTTPStatus) -> None:
    with pytest.raises(BadRequestError) as caught:
        parsed(raw)
    assert caught.value.status == status
