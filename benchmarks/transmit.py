"""`python -m benchmarks.transmit`: how long a request stays in the kernel before it is on its way.

Sends requests over a loopback connection with the kernel's transmit stamps switched on
(SOF_TIMESTAMPING_TX_SCHED, TX_SOFTWARE and TX_ACK, see Documentation/networking/timestamping.rst),
collects them from the socket's error queue, and sets them against the moment noted before `send`,
which is a request's start in loadproof; and what asking for them costs.
"""

import argparse
import socket
import struct
import sys
import time
from collections.abc import Sequence

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.machine import machine, stand_on_own_core
from benchmarks.table import machine_line

SO_TIMESTAMPING = 37
RX_SOFTWARE, SOFTWARE, OPT_TSONLY = 1 << 3, 1 << 4, 1 << 11
TX_SOFTWARE, TX_SCHED, TX_ACK = 1 << 1, 1 << 8, 1 << 9
MSG_ERRQUEUE = 0x2000
IP_RECVERR = 11
STAGES = {1: "handed to the queue of the device", 0: "sent by the device", 2: "acknowledged"}
"""By `ee_info` of the extended error: SCM_TSTAMP_SCHED, SND, ACK."""
ARRIVED = "received by the other side's kernel"
RETURNED = "send had returned"
PAUSE_S = 0.0005
TIMESPEC = struct.Struct("qq")
EXTENDED_ERROR = struct.Struct("IBBBBII")


def main() -> int:
    """Sends, and prints how long each stage was after the start."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transmit", description=__doc__)
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--bytes", type=int, default=600, help="of a request")
    options = parser.parse_args()
    if sys.platform != "linux":
        sys.exit(f"benchmarks.transmit needs Linux's error queue, and this is {sys.platform}")
    console = Console(width=None if sys.stdout.isatty() else 120, highlight=False)
    console.print(machine_line(machine()))
    console.print(stand_on_own_core())
    request = b"x" * options.bytes
    plain_us = _cost_us(request, options.requests, stamped=False)
    stamped_us = _cost_us(request, options.requests, stamped=True)
    table = Table(title=f"{options.requests:,} requests of {options.bytes} bytes, µs after start")
    table.add_column("")
    for heading in ("p50", "p99", "most", "of all"):
        table.add_column(heading, justify="right")
    for stage, after_us in _stages(request, options.requests).items():
        if not after_us:
            table.add_row(stage, "–", "–", "–", "0 %")
            continue
        p50, p99 = np.percentile(after_us, [50, 99])
        share = f"{len(after_us) / options.requests:.0%}"
        table.add_row(stage, f"{p50:.1f}", f"{p99:.1f}", f"{max(after_us):.1f}", share)
    console.print(table)
    console.print(
        f"A send takes {plain_us:.1f} µs, and {stamped_us:.1f} µs with transmit stamps asked for "
        "and taken."
    )
    return 0


def _pair() -> tuple[socket.socket, socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        client = socket.create_connection(listener.getsockname())
        server, _ = listener.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    server.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, RX_SOFTWARE | SOFTWARE)
    return client, server


def _ask(client: socket.socket) -> None:
    flags = TX_SCHED | TX_SOFTWARE | TX_ACK | SOFTWARE | OPT_TSONLY
    client.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPING, flags)


def _stages(request: bytes, count: int) -> dict[str, list[float]]:
    """Microseconds from before `send` to each stage, as far as the kernel told."""
    found: dict[str, list[float]] = {
        name: [] for name in (STAGES[1], STAGES[0], ARRIVED, RETURNED, STAGES[2])
    }
    client, server = _pair()
    _ask(client)
    with client, server:
        for _ in range(count):
            # Transmit stamps are on the wall clock: so is the start here.
            start_ns = time.time_ns()
            client.send(request)
            found[RETURNED].append((time.time_ns() - start_ns) / 1e3)
            _, ancillary, _, _ = server.recvmsg(len(request), 256)
            for arrived_ns in _stamps(ancillary):
                found[ARRIVED].append((arrived_ns - start_ns) / 1e3)
            for stage, at_ns in _from_error_queue(client):
                found[stage].append((at_ns - start_ns) / 1e3)
            time.sleep(PAUSE_S)
    return found


def _from_error_queue(client: socket.socket) -> list[tuple[str, int]]:
    """The stages that are told there, and when they were, in ns of the wall clock."""
    told: list[tuple[str, int]] = []
    while True:
        try:
            _, ancillary, _, _ = client.recvmsg(0, 512, MSG_ERRQUEUE)
        except BlockingIOError:
            return told
        stamps = _stamps(ancillary)
        stages = [
            EXTENDED_ERROR.unpack_from(data)[5]
            for level, kind, data in ancillary
            if (level, kind) == (socket.IPPROTO_IP, IP_RECVERR)
        ]
        told += [(STAGES[stage], at) for stage, at in zip(stages, stamps, strict=True)]


def _stamps(ancillary: Sequence[tuple[int, int, bytes]]) -> list[int]:
    stamps = []
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPING):
            seconds, nanoseconds = TIMESPEC.unpack_from(data)
            stamps.append(seconds * 1_000_000_000 + nanoseconds)
    return stamps


def _cost_us(request: bytes, count: int, *, stamped: bool) -> float:
    """The median time of a send and, where they were asked for, of taking its stamps.

    Time, not CPU time: the kernel charges what it does on behalf of a packet to nobody.
    """
    client, server = _pair()
    spent_ns = []
    with client, server:
        if stamped:
            _ask(client)
        for _ in range(count):
            begun_ns = time.monotonic_ns()
            client.send(request)
            sent_ns = time.monotonic_ns()
            server.recv(len(request))
            read_ns = time.monotonic_ns()
            if stamped:
                _from_error_queue(client)
            spent_ns.append(time.monotonic_ns() - read_ns + sent_ns - begun_ns)
            time.sleep(PAUSE_S)
    return float(np.median(spent_ns)) / 1e3


if __name__ == "__main__":
    sys.exit(main())
