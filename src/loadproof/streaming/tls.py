"""TLS over a wire: the records pass through memory, so that the kernel's stamps stay with them."""

import ssl
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from loadproof.model.errors import ConfigurationError
from loadproof.streaming.wire import PlainWire

_DECRYPTED_BYTES = 65_536
_RECORD_HEADER_BYTES = 5
_RECORD_BYTES = 16_384 + 256 + _RECORD_HEADER_BYTES


@lru_cache(maxsize=16)
def context_for(verify: bool | str) -> ssl.SSLContext:  # noqa: FBT001 - it is Target.verify
    """The settings of TLS that `Target.verify` asks for; made once, being slow to make.

    Raises ConfigurationError where the named certificates cannot be read.
    """
    if isinstance(verify, bool):
        context = ssl.create_default_context()
        if not verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
    else:
        place = Path(verify)
        try:
            if place.is_dir():
                context = ssl.create_default_context(capath=verify)
            else:
                context = ssl.create_default_context(cafile=verify)
        except OSError as error:
            reason = error.strerror or error.args[-1]
            raise ConfigurationError(f"{verify}: no certificates to trust: {reason}") from None
    context.set_alpn_protocols(["http/1.1"])
    return context


def record_lengths(waiting: bytes, left: int) -> tuple[list[int], int]:
    """How to cut `waiting` at the ends of TLS records, and how much of the last one is to come.

    `left` bytes at the front belong to a record that has begun earlier. Bytes that do not look
    like a record are taken in one.
    """
    lengths: list[int] = []
    at = min(left, len(waiting))
    left -= at
    if at:
        lengths.append(at)
    while at < len(waiting):
        header = waiting[at : at + _RECORD_HEADER_BYTES]
        whole = len(waiting) - at
        if len(header) == _RECORD_HEADER_BYTES and 20 <= header[0] <= 23 and header[1] == 3:
            whole = _RECORD_HEADER_BYTES + int.from_bytes(header[3:])
        length = min(whole, len(waiting) - at)
        left = whole - length
        lengths.append(length)
        at += length
    return lengths, left


class TlsWire:
    """A socket with TLS. `handshake` comes first, over and over until it raises no more.

    A read's stamp is that of the segment with the last byte of its TLS record.
    """

    __slots__ = ("_incoming", "_left", "_outgoing", "_pending", "_plain", "_tls", "fd")

    def __init__(self, plain: PlainWire, context: ssl.SSLContext, host: str) -> None:
        self._plain = plain
        self.fd = plain.fd
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        self._pending = b""
        self._left = 0

    def handshake(self) -> bool:
        """Go on with the handshake with what waits. Returns whether it is done.

        Raises ssl.SSLError (ssl.SSLCertVerificationError for a certificate not trusted).
        """
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush_if_possible()
                try:
                    data, _ = self._plain.receive(_DECRYPTED_BYTES)
                except BlockingIOError:
                    return False
                self._incoming.write(data)
                continue
            except ssl.SSLError:
                self._flush_if_possible()
                raise
            self._flush_if_possible()
            return True

    def send(self, data: memoryview) -> int:
        self.flush()
        sent = self._tls.write(data[:_DECRYPTED_BYTES])
        self._flush_if_possible()
        return sent

    @property
    def unsent_bytes(self) -> int:
        return self._outgoing.pending + len(self._pending)

    def flush(self) -> None:
        while self._pending or self._outgoing.pending:
            if not self._pending:
                self._pending = self._outgoing.read()
            sent = self._plain.send(memoryview(self._pending))
            self._pending = self._pending[sent:]

    def _flush_if_possible(self) -> None:
        try:
            self.flush()
        except BlockingIOError:
            return

    def receive(self, limit_bytes: int) -> tuple[bytes, int]:
        self._left = 0
        data, stamp_ns = self._plain.receive(max(limit_bytes, _RECORD_BYTES))
        return self._decrypt(data), stamp_ns

    def receive_apart(self) -> Iterator[tuple[bytes, int]]:
        """What waits, record by record: servers write an event into a record of its own."""
        lengths, self._left = record_lengths(self._plain.peek(), self._left)
        for length in lengths:
            data, stamp_ns = self._plain.receive(length)
            yield self._decrypt(data), stamp_ns

    def _decrypt(self, data: bytes) -> bytes:
        """Raises EOFError if the other side has said good-bye and nothing came before that."""
        self._incoming.write(data)
        pieces: list[bytes] = []
        while True:
            try:
                piece = self._tls.read(_DECRYPTED_BYTES)
            except ssl.SSLWantReadError:
                break
            except ssl.SSLZeroReturnError:
                piece = b""
            if not piece:
                if not pieces:
                    raise EOFError
                # The good-bye came with the last data, and the socket may stay open for ours.
                self._plain.end_reading()
                break
            pieces.append(piece)
        if self._outgoing.pending:
            self._flush_if_possible()
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def is_quiet(self) -> bool:
        """As of a plain wire; session tickets, which may come at any time, do not count."""
        while True:
            try:
                data, _ = self.receive(_DECRYPTED_BYTES)
            except BlockingIOError:
                return True
            except (OSError, EOFError):
                return False
            if data:
                return False

    def close(self) -> None:
        self._plain.close()
