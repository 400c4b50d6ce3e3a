"""Heads and bodies of HTTP/1.1 responses, as servers frame them and as they must not."""

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadproof.streaming.body import Body, ChunkedBody, CloseBody, LengthBody, body_of
from loadproof.streaming.head import MAX_HEAD_BYTES, Head, HeadReader, MalformedError, parse_head
from unit.replies import chunked, cut


def head_with(**fields: str) -> Head:
    return Head(1, 200, "OK", {name.replace("_", "-"): value for name, value in fields.items()})


def fed(body: Body, *pieces: bytes) -> bytes:
    return b"".join(body.feed(piece) for piece in pieces)


def test_a_head_has_its_status_and_fields() -> None:
    head = parse_head(b"HTTP/1.1 200 OK\r\nContent-Type: Text/Event-Stream; charset=utf-8\r\n\r\n")
    assert (head.status, head.reason, head.media_type) == (200, "OK", "text/event-stream")
    assert head.is_success


@pytest.mark.parametrize(
    ("block", "fields"),
    [
        (b"HTTP/1.1 200 OK\r\nA: 1\r\na: 2\r\n\r\n", {"a": "1, 2"}),
        (b"HTTP/1.1 200 OK\r\nA:1\r\n\r\n", {"a": "1"}),
        (b"HTTP/1.1 200 OK\nA: 1\n\n", {"a": "1"}),
        (b"HTTP/1.1 200 OK\r\nA: 1\r\n  more\r\n\r\n", {"a": "1 more"}),
        (b"HTTP/1.1 200 OK\r\nA:\r\n\r\n", {"a": ""}),
        (b"HTTP/1.1 200\r\n\r\n", {}),
    ],
)
def test_fields_are_read_in_every_form_that_servers_use(
    block: bytes, fields: dict[str, str]
) -> None:
    assert parse_head(block).fields == fields


@pytest.mark.parametrize(
    ("minor", "connection", "keeps_alive"),
    [
        (1, "", True),
        (1, "close", False),
        (1, "Keep-Alive, Close", False),
        (0, "", False),
        (0, "Keep-Alive", True),
    ],
)
def test_whether_a_connection_is_kept_alive(minor: int, connection: str, keeps_alive: bool) -> None:
    assert Head(minor, 200, "OK", {"connection": connection}).keeps_alive is keeps_alive


@pytest.mark.parametrize("place", range(1, 60))
def test_a_head_cut_anywhere_is_the_same_and_leaves_the_body(place: int) -> None:
    stream = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nServer: x\r\n\r\nbody"
    reader = HeadReader()
    found = None
    for piece in cut(stream, [place]):
        found = reader.feed(piece) if found is None else (found[0], found[1] + piece)
    assert found is not None
    head, rest = found
    assert (head.status, head.fields, rest) == (200, {"server": "x"}, b"body")


@pytest.mark.parametrize(
    ("stream", "words"),
    [
        (b"SSH-2.0-OpenSSH_9.6\r\n", "no HTTP/1.1 response"),
        (b"\x15\x03\x01\x00\x02\x02\x46", "no HTTP/1.1 response"),
        (b"HTTP/2 200\r\n\r\n", "no HTTP/1.1 response"),
        (b"HTTP/1.1 abc\r\n\r\n", "no HTTP/1.1 status line"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", "no HTTP/1.1 status line"),
        (b"HTTP/1.1 101 Switching Protocols\r\n\r\n", "another protocol"),
        (b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n", "a header line without a name"),
        (b"HTTP/1.1 200 OK\r\n: value\r\n\r\n", "a header line without a name"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * MAX_HEAD_BYTES, "a response head of more than"),
        (b"HTTP/1.1 200 OK\r\nA: " + b"x" * MAX_HEAD_BYTES + b"\r\n\r\n", "of more than"),
    ],
)
def test_what_is_no_head_is_malformed(stream: bytes, words: str) -> None:
    with pytest.raises(MalformedError, match=words):
        HeadReader().feed(stream)


def test_the_body_is_framed_as_the_head_says() -> None:
    assert isinstance(body_of(head_with(transfer_encoding="Chunked")), ChunkedBody)
    assert isinstance(body_of(head_with(content_length="5")), LengthBody)
    assert isinstance(body_of(head_with(content_length="5, 5")), LengthBody)
    assert isinstance(body_of(head_with()), CloseBody)
    both = head_with(transfer_encoding="chunked", content_length="5")
    assert isinstance(body_of(both), ChunkedBody)
    assert body_of(Head(1, 204, "No Content", {})).ended


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"content_length": "abc"}, "which is no number"),
        ({"content_length": "-5"}, "which is no number"),
        ({"content_length": "5, 6"}, "which is no number"),
        ({"content_length": "9" * 30}, "which is no number"),
        ({"content_length": ""}, "which is no number"),
        ({"transfer_encoding": "gzip, chunked"}, "which is not chunked alone"),
        ({"content_encoding": "gzip"}, "content-encoding 'gzip'"),
    ],
)
def test_a_body_that_cannot_be_read_is_malformed(fields: dict[str, str], words: str) -> None:
    with pytest.raises(MalformedError, match=words):
        body_of(head_with(**fields))


def test_a_body_of_known_length_ends_there() -> None:
    body = LengthBody(5)
    assert fed(body, b"ab", b"cde") == b"abcde"
    assert (body.ended, body.surplus) == (True, 0)
    assert body.feed(b"xy") == b""
    assert body.surplus == 2


def test_chunks_with_extensions_and_trailers_are_read() -> None:
    body = ChunkedBody()
    stream = b"3;name=value\r\nabc\r\n00A \r\n0123456789\r\n0;last\r\nX-Time: 7\r\nY: 8\r\n\r\n"
    assert fed(body, stream) == b"abc0123456789"
    assert (body.ended, body.surplus) == (True, 0)


def test_what_follows_the_last_chunk_is_counted_as_surplus() -> None:
    body = ChunkedBody()
    assert fed(body, b"1\r\na\r\n0\r\n\r\nHTTP", b"/1.1") == b"a"
    assert (body.ended, body.surplus) == (True, 8)


@pytest.mark.parametrize(
    "stream",
    [
        b"zz\r\n",
        b"zz",
        b"-5\r\n",
        b"0x5\r\nabcde\r\n",
        b"+5\r\n",
        b"1_0\r\n",
        b"\r\n",
        b";x\r\n",
        b"fffffffffffffffff\r\n",
        b"5" * 5000,
        b"3\r\nabcd\r\n",
        b"3\r\nabc\rx",
        b"\x30\x00\r\n",
    ],
)
def test_a_chunk_size_that_is_no_number_is_malformed(stream: bytes) -> None:
    with pytest.raises(MalformedError, match="a chunk"):
        ChunkedBody().feed(stream)


def test_a_chunk_size_is_refused_before_its_line_has_ended() -> None:
    """Else a server that waits after it would seem to be slow rather than wrong."""
    with pytest.raises(MalformedError, match="no number"):
        ChunkedBody().feed(b"hello")


@settings(max_examples=100, derandomize=True, deadline=None)
@given(
    st.binary(max_size=200),
    st.lists(st.integers(1, 40), max_size=12),
    st.sets(st.integers(1, 400)),
)
def test_chunks_of_any_size_cut_anywhere_give_the_body(
    content: bytes, sizes: list[int], places: set[int]
) -> None:
    body = ChunkedBody()
    assert fed(body, *cut(chunked(content, sizes, extension=b";a"), places)) == content
    assert (body.ended, body.surplus) == (True, 0)


@settings(max_examples=50, derandomize=True, deadline=None)
@given(st.lists(st.binary(min_size=1, max_size=60), max_size=8), st.sets(st.integers(1, 900)))
def test_what_an_independent_implementation_writes_is_read(
    pieces: list[bytes], places: set[int]
) -> None:
    """h11 writes the response, head and chunks; we read it."""
    writer = h11.Connection(h11.SERVER)
    writer.receive_data(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
    while writer.next_event() is not h11.NEED_DATA and writer.their_state is not h11.DONE:
        pass
    stream = writer.send(h11.Response(status_code=200, headers=[("Transfer-Encoding", "chunked")]))
    for piece in pieces:
        stream += writer.send(h11.Data(data=piece)) or b""
    stream += writer.send(h11.EndOfMessage()) or b""
    reader = HeadReader()
    body: Body | None = None
    content = b""
    for piece in cut(stream, places):
        data = piece
        if body is None:
            found = reader.feed(piece)
            if found is None:
                continue
            head, data = found
            body = body_of(head)
        content += body.feed(data)
    assert content == b"".join(pieces)
    assert body is not None
    assert body.ended
