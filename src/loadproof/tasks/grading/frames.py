"""Messages between the measuring process and the grading one: length-prefixed MessagePack."""

from collections.abc import Iterator

import msgspec

from loadproof.model.answer import Answer

_LENGTH_BYTES = 4


class Submission(msgspec.Struct, array_like=True, frozen=True):
    """An answer to grade."""

    key: int
    task: str
    prompt_id: str
    answer: Answer


class Report(msgspec.Struct, array_like=True, frozen=True):
    """How an answer was graded."""

    key: int
    grades: dict[str, float]


def frame(message: Submission | Report) -> bytes:
    """`message` as it goes through a pipe. Half a surrogate pair in it becomes a question mark."""
    try:
        body = msgspec.msgpack.encode(message)
    except UnicodeEncodeError:
        body = msgspec.msgpack.encode(_encodable(message))
    return len(body).to_bytes(_LENGTH_BYTES, "big") + body


class FrameBuffer:
    """Cuts a stream of bytes, in pieces of any size, into the messages that it was made of."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Takes in `data` and gives the bodies of all messages that are complete with it."""
        self._bytes += data
        start = 0
        while len(self._bytes) - start >= _LENGTH_BYTES:
            length = int.from_bytes(self._bytes[start : start + _LENGTH_BYTES], "big")
            end = start + _LENGTH_BYTES + length
            if len(self._bytes) < end:
                break
            yield bytes(self._bytes[start + _LENGTH_BYTES : end])
            start = end
        del self._bytes[:start]


def _encodable(message: Submission | Report) -> object:
    data = msgspec.to_builtins(message, str_keys=False)
    return _replaced(data)


def _replaced(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode("utf-8")
    if isinstance(value, list | tuple):
        return [_replaced(item) for item in value]
    if isinstance(value, dict):
        return {_replaced(key): _replaced(item) for key, item in value.items()}
    return value
