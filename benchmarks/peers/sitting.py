"""One run of one peer on the truth server, and what came of it beside the truth.

The server says what was true: a peer keeps no stamps that could be compared one by one.
"""

import os
import signal
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import numpy as np

from benchmarks.figures import Figures
from benchmarks.peers.peer import Peer, Reported, Wish
from benchmarks.processes import cpu_ns, descendants
from benchmarks.truth_server import Account

WITHIN_S = 240.0
LOOK_EVERY_S = 0.25
"""Looking at a tree of twenty processes takes some 2 ms of their core."""
ENVIRONMENT = {"VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1"}
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"}
TENTH_NS = 100_000_000


class PeerFailedError(Exception):
    """A peer that gave no figures; the message holds the end of what it printed."""


Used = tuple[int, int]
"""A moment, and the CPU time that all processes had used by then, both in ns."""


@dataclass(frozen=True, slots=True)
class Run:
    """What a peer reported, and what its processes had used when."""

    reported: Reported
    used: list[Used]


def run_peer(peer: Peer, wish: Wish) -> Run:
    """Runs it until it ends, on this process's core.

    Raises PeerFailedError where it gives no figures.
    """
    log = wish.folder.with_name("peer.log")
    with log.open("wb") as sink:
        process = subprocess.Popen(
            peer.command(wish),
            cwd=wish.folder,
            env={**os.environ, **ENVIRONMENT, **({} if peer.asks_the_hub_offline else OFFLINE)},
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        used = _watched(process)
    try:
        return Run(peer.reported(wish.folder), used)
    except (OSError, LookupError, ValueError, TypeError) as error:
        end = "\n".join(log.read_text(errors="replace").splitlines()[-12:])
        raise PeerFailedError(
            f"{peer.name} at {wish.streams} streams gave no figures ({error!r}; its exit code is "
            f"{process.returncode}); the end of what it printed:\n{end}"
        ) from None


def peer_figures(peer: Peer, run: Run, account: Account, period_s: float) -> Figures:
    """What it reported beside what the server had sent.

    Latencies are those of the whole run, on both sides; events and CPU time those of its middle:
    the first and the last period are left out.
    """
    reported = run.reported
    true_itl = account.mean_itl_us if peer.itl_is_mean else account.itl_us
    margin = round(period_s * 1e9 / TENTH_NS)
    tenths = account.tokens_by_tenth_s
    if len(tenths) <= 3 * margin:
        margin = 0
    middle = tenths[margin : len(tenths) - margin]
    open_ns = account.begin_ns + margin * TENTH_NS
    close_ns = open_ns + len(middle) * TENTH_NS
    events = sum(middle)
    return Figures(
        requests=reported.requests,
        failed=reported.failed,
        events_per_s=events / ((close_ns - open_ns) / 1e9) if middle else 0.0,
        cpu_us_per_event=_used_ns(run.used, open_ns, close_ns) / 1000 / events if events else None,
        ttft_p50_ms=reported.ttft_p50_ms,
        ttft_p99_ms=reported.ttft_p99_ms,
        first_error_p50_ms=None,
        first_error_p99_ms=None,
        ttft_p99_excess_ms=reported.ttft_p99_ms - account.ttft_us.p99 / 1000,
        itl_p50_ms=reported.itl_p50_ms,
        itl_p99_ms=reported.itl_p99_ms,
        error_p99_ms=None,
        itl_p99_excess_ms=reported.itl_p99_ms - true_itl.p99 / 1000,
        rss_mib=None,
        stream_kib=None,
        server_late_p99_ms=account.lateness_us.p99 / 1000,
    )


def _used_ns(used: Sequence[Used], begin_ns: int, end_ns: int) -> float:
    moments, sums = zip(*used, strict=True)
    begin, end = np.interp([begin_ns, end_ns], moments, sums)
    return float(end - begin)


def _watched(process: "subprocess.Popen[bytes]") -> list[Used]:
    """Waits for the end of it, or ends it, and notes what it and its descendants use."""
    by_pid: dict[int, int] = {}
    used: list[Used] = [(time.monotonic_ns(), 0)]
    until_s = time.monotonic() + WITHIN_S
    while process.poll() is None and time.monotonic() < until_s:
        with suppress(OSError):  # one that ends while it is looked at keeps what was seen last
            for pid in [process.pid, *descendants(process.pid)]:
                by_pid[pid] = cpu_ns(pid)
        used.append((time.monotonic_ns(), sum(by_pid.values())))
        time.sleep(LOOK_EVERY_S)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return used
