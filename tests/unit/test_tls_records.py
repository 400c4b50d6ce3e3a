"""What waits on a TLS connection is cut where its records end."""

from loadproof.streaming.tls import record_lengths


def record(length: int) -> bytes:
    return b"\x17\x03\x03" + length.to_bytes(2) + b"x" * length


def test_each_record_is_taken_by_itself() -> None:
    assert record_lengths(record(10) + record(300), 0) == ([15, 305], 0)


def test_a_record_that_is_not_whole_is_gone_on_with() -> None:
    waiting = record(10) + record(300)
    assert record_lengths(waiting[:100], 0) == ([15, 85], 220)
    assert record_lengths(waiting[100:], 220) == ([220], 0)


def test_what_looks_like_no_record_is_taken_in_one() -> None:
    assert record_lengths(b"HTTP/1.1 200 OK", 0) == ([15], 0)
    assert record_lengths(b"\x17\x03", 0) == ([2], 0)
