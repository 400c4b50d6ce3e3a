"""Events are found in bytes, wherever lines end and wherever the bytes are cut."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loadproof.streaming.head import MalformedError
from loadproof.streaming.sse import MAX_EVENT_BYTES, Event, EventReader
from unit.replies import cut


def events_of(*pieces: bytes) -> list[Event]:
    reader = EventReader()
    found = [event for piece in pieces for event in reader.feed(piece)]
    last = reader.flush()
    return found if last is None else [*found, last]


CASES = {
    "line feeds": (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
    "CR LF": (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
    "CR alone": (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
    "line ends mixed": (
        b"data: a\n\r\ndata: b\r\n\ndata: c\r\rdata: d\n\r", [b"a", b"b", b"c", b"d"]),
    "no space after the colon": (b"data:a\n\n", [b"a"]),
    "one space is taken, not two": (b"data:  a\n\n", [b" a"]),
    "comments and keep-alives": (b": ping\n\n:\n\ndata: a\n: within\n\n", [b"a"]),
    "other fields": (b"id: 7\nevent: message\nretry: 100\ndata: a\n\n", [b"a"]),
    "a field without data is no event": (b"event: ping\n\ndata: a\n\n", [b"a"]),
    "data of several lines": (b"data: a\ndata: b\ndata\n\n", [b"a\nb\n"]),
    "data of several lines, CR LF": (b"data: a\r\ndata: b\r\n\r\n", [b"a\nb"]),
    "empty data": (b"data:\n\n", [b""]),
    "many blank lines": (b"\n\n\ndata: a\n\n\n\n\ndata: b\n\n\n", [b"a", b"b"]),
    "a byte order mark": (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
    "U+2028 and U+0085 are no line ends": (
        "data: a\u2028b\u0085c\n\n".encode(), ["a\u2028b\u0085c".encode()]),
    "form feed and vertical tab are none": (b"data: a\x0bb\x0cc\n\n", [b"a\x0bb\x0cc"]),
    "a last event without its blank line": (b"data: a\n\ndata: b\n", [b"a", b"b"]),
    "a last line without its end": (b"data: a\n\ndata: b", [b"a", b"b"]),
    "a colon in the data": (b'data: {"a": 1}\n\n', [b'{"a": 1}']),
    "an unknown field": (b"datas: x\ndata: a\n\n", [b"a"]),
    "nothing": (b"", []),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_events_are_found(name: str) -> None:
    stream, wanted = CASES[name]
    assert [data for _, data in events_of(stream)] == wanted


@pytest.mark.parametrize("name", CASES)
def test_a_cut_anywhere_changes_nothing(name: str) -> None:
    stream, _ = CASES[name]
    uncut = events_of(stream)
    for place in range(1, len(stream)):
        assert events_of(*cut(stream, [place])) == uncut, place
    assert events_of(*cut(stream, range(len(stream)))) == uncut


_LINES = st.sampled_from(
    [b"data: x", b"data:y\xe2\x80\xa8", b":c", b"event: error", b"", b"", b"id: 1", b"data"]
)
_ENDS = st.sampled_from([b"\n", b"\r\n", b"\r"])


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(st.tuples(_LINES, _ENDS), max_size=14), st.sets(st.integers(1, 120)))
def test_any_lines_cut_at_any_places_give_the_same_events(
    lines: list[tuple[bytes, bytes]], places: set[int]
) -> None:
    stream = b"".join(line + end for line, end in lines)
    assert events_of(*cut(stream, places)) == events_of(stream)


def test_the_type_of_an_event_is_kept() -> None:
    assert events_of(b"event: error\ndata: a\n\ndata: b\n\n") == [
        ("error", b"a"),
        ("message", b"b"),
    ]


def test_a_field_named_error_is_an_error_event() -> None:
    assert events_of(b'error: {"code": 500}\n\n') == [("error", b'{"code": 500}')]


def test_an_event_is_given_as_soon_as_its_blank_line_begins() -> None:
    reader = EventReader()
    assert reader.feed(b"data: a\r\n") == []
    assert reader.feed(b"\r") == [("message", b"a")]
    assert reader.feed(b"\n") == []


def test_an_event_that_never_ends_is_refused_rather_than_kept() -> None:
    reader = EventReader()
    with pytest.raises(MalformedError, match="an event of more than"):
        reader.feed(b"data: " + b"x" * MAX_EVENT_BYTES)
