"""Opening a connection: looking up the name, trying the addresses in turn, the TLS handshake."""

import errno
import os
import ssl
import time
from _socket import IPPROTO_TCP, SO_ERROR, SOCK_STREAM, SOL_SOCKET, TCP_NODELAY, gaierror
from _socket import getaddrinfo as numeric_addresses
from _socket import socket as RawSocket  # noqa: N812 - a class, though _socket spells it so
from typing import Any

from gevent import socket as gevent_socket

from loadproof.model.record import Failure
from loadproof.streaming.target import Target
from loadproof.streaming.tls import TlsWire, context_for
from loadproof.streaming.waiting import READ, WRITE, DeadlineError, Waits
from loadproof.streaming.wire import PlainWire, Wire, enable_stamps

_IN_PROGRESS = (errno.EINPROGRESS, errno.EWOULDBLOCK, errno.EALREADY)

Address = tuple[int, int, int, str, Any]
"""A result of getaddrinfo: family, type, protocol, canonical name, socket address."""


class DialError(Exception):
    """No connection came to stand."""

    def __init__(self, failure: Failure, detail: str) -> None:
        super().__init__(detail)
        self.failure = failure
        self.detail = detail


def dial(target: Target, waits: Waits, deadline_ns: int) -> Wire:
    """A new connection to `target`, ready for a request.

    The addresses of its host are tried in the order of getaddrinfo (RFC 6724), one after the
    other, each for its share of the time left: "localhost" is ::1 and then 127.0.0.1. Proxies
    that the environment names are ignored: what stands between would be measured as well.

    Raises DialError; CutOffError where `waits` is cut off.
    """
    place = f"{target.host} port {target.port}"
    try:
        addresses = _look_up(target, waits, deadline_ns)
    except DeadlineError:
        raise DialError(Failure.TIMEOUT_CONNECT, f"no address of {target.host} in time") from None
    except gaierror as error:
        raise DialError(Failure.CONNECT, f"no address of {target.host}: {error.args[-1]}") from None
    refusals: list[str] = []
    failure = Failure.CONNECT
    for index, address in enumerate(addresses):
        now_ns = time.monotonic_ns()
        share_ns = (deadline_ns - now_ns) // (len(addresses) - index)
        try:
            sock = _connected(address, waits, now_ns + share_ns)
        except DeadlineError:
            failure = Failure.TIMEOUT_CONNECT
            refusals.append(f"no answer from {address[4][0]}")
        except OSError as error:
            refusals.append(f"{os.strerror(error.errno or 0).lower()} ({address[4][0]})")
        else:
            return _secured(sock, target, waits, deadline_ns)
    raise DialError(failure, f"{place}: {', then '.join(dict.fromkeys(refusals))}")


def _look_up(target: Target, waits: Waits, deadline_ns: int) -> list[Address]:
    if target.is_numeric:
        return numeric_addresses(target.host, target.port, 0, SOCK_STREAM)
    found: list[Address] = waits.call(
        gevent_socket.getaddrinfo,
        target.host,
        target.port,
        0,
        SOCK_STREAM,
        deadline_ns=deadline_ns,
    )
    return found


def _connected(address: Address, waits: Waits, deadline_ns: int) -> RawSocket:
    family, kind, protocol, _, place = address
    sock = RawSocket(family, kind, protocol)
    try:
        sock.settimeout(0)
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        enable_stamps(sock)
        code = sock.connect_ex(place)
        if code in _IN_PROGRESS:
            waits.ready(sock.fileno(), WRITE, deadline_ns)
            code = sock.getsockopt(SOL_SOCKET, SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))
    except BaseException:
        sock.close()
        raise
    return sock


def _secured(sock: RawSocket, target: Target, waits: Waits, deadline_ns: int) -> Wire:
    plain = PlainWire(sock)
    if not target.is_tls:
        return plain
    wire = TlsWire(plain, context_for(target.verify), target.host)
    try:
        while not wire.handshake():
            waits.ready(wire.fd, READ | (WRITE if wire.unsent_bytes else 0), deadline_ns)
    except BaseException as error:
        wire.close()
        if isinstance(error, DeadlineError):
            detail = f"{target.host}: the TLS handshake was not done in time"
            raise DialError(Failure.TIMEOUT_CONNECT, detail) from None
        if isinstance(error, OSError | EOFError):
            raise DialError(Failure.TLS, f"{target.host}: {tls_problem(error)}") from None
        raise
    return wire


def tls_problem(error: OSError | EOFError) -> str:
    """What went wrong with TLS, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message}"
    if isinstance(error, ssl.SSLError):
        return (error.reason or str(error)).replace("_", " ").lower()
    if isinstance(error, EOFError):
        return "the connection was closed during the TLS handshake"
    return f"during the TLS handshake: {os.strerror(error.errno or 0).lower()}"
