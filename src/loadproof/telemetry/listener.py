"""Which process answers at an address, where that is on this machine."""

import socket
from urllib.parse import urlsplit

import psutil

_FORWARDERS = frozenset({"ssh", "kubectl", "docker-proxy", "rootlessport", "slirp4netns", "socat"})
"""Programs that hold a port for somebody else: their memory is not the server's."""


class NotFoundError(Exception):
    """Why the process is not known, as the end of a sentence."""


def is_here(url: str) -> bool:
    """Whether the host of `url` is this machine: loopback, or an address of its own."""
    host = urlsplit(url).hostname or ""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except OSError:
        return False
    addresses = {str(entry[4][0]).partition("%")[0] for entry in found}
    own = {
        address.address.partition("%")[0]
        for interface in psutil.net_if_addrs().values()
        for address in interface
    }
    return bool(addresses & (own | {"0.0.0.0", "::"})) or all(
        address.startswith("127.") or address == "::1" for address in addresses
    )


def listening_process(url: str) -> int:
    """The process that listens on the port of `url` on this machine.

    Of several that share the socket, the one that started the others. Raises NotFoundError.
    """
    parts = urlsplit(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        raise NotFoundError("this user may not see who listens") from None
    pids = {
        connection.pid
        for connection in connections
        if connection.status == psutil.CONN_LISTEN
        and connection.laddr
        and connection.laddr.port == port
    }
    known = {pid for pid in pids if pid is not None}
    if not known:
        whose = "a process of another user" if pids else "no process of this machine"
        raise NotFoundError(f"{whose} listens on port {port}")
    try:
        process = _eldest(psutil.Process(min(known)), port)
        name = process.name()
    except psutil.NoSuchProcess:
        raise NotFoundError(f"what listened on port {port} has ended") from None
    if name in _FORWARDERS:
        raise NotFoundError(f"{name} forwards port {port} to somewhere else")
    return process.pid


def _eldest(process: psutil.Process, port: int) -> psutil.Process:
    """The first of the ancestors in a row that hold the port: of a socket that is shared, psutil
    names one holder alone."""
    parent = process.parent()
    while parent is not None and _listens(parent, port):
        process, parent = parent, parent.parent()
    return process


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        connections = process.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return False
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        for connection in connections
    )
