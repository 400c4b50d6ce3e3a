"""`python -m benchmarks.steadiness`: error rates of cutting start-ups and of condemning levels.

Each row is one kind of level at one number of requests, made many times from a seed. Levels are
judged whole, as those of a run are: time to first token, end-to-end latency and throughput.
"""

import argparse
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.steadiness.peers import mann_kendall, mser_alone
from benchmarks.steadiness.series import Case, Requests, cases
from loadproof.analysis.steadiness import steadiness_of
from loadproof.model.record import Clock, Outcome, RequestRecord
from loadproof.model.verdict import Steadiness

SIZES = (300, 1000, 4000)


@dataclass(slots=True)
class Tally:
    """What was found in the levels of one row; shares are of the requests kept."""

    levels: int = 0
    never_steady: int = 0
    trend: int = 0
    trend_corrected: int = 0
    cuts: list[int] = field(default_factory=list)
    mser_cuts: list[int] = field(default_factory=list)
    over: list[float] = field(default_factory=list)
    mser_over: list[float] = field(default_factory=list)


def main() -> None:
    options = _options()
    console = Console(width=160, highlight=False)
    table = Table(box=None, header_style="dim", padding=(0, 2, 0, 0))
    table.add_column("level")
    for head in (
        "requests",
        "cut",
        "median cut",
        "never steady",
        "MSER-5 alone: cut",
        "median",
        "Mann–Kendall",
        "Hamed–Rao",
        "over p99 limit",
        "by MSER-5",
    ):
        table.add_column(head, justify="right")
    for case in cases():
        if options.only and options.only not in case.name:
            continue
        for n in options.sizes:
            runs = max(options.runs // 5, 20) if case.engine else options.runs
            cells = [case.name, f"{n:,}", *_cells(case, _tally(case, n, runs))]
            table.add_row(*cells)
            print(f"{runs} levels", *cells, sep=" | ", file=sys.stderr, flush=True)
    console.print(table)


def _tally(case: Case, n: int, runs: int) -> Tally:
    rng = np.random.default_rng([n, *case.name.encode()])
    tally = Tally()
    for _ in range(runs):
        requests = case.requests(rng, n)
        found = judged(requests)
        ttft_s = requests.ttft_s[requests.warmup :]
        tally.levels += 1
        tally.never_steady += found.steady is False
        tally.cuts.append(found.cut_requests)
        tally.mser_cuts.append(mser_alone(ttft_s))
        tally.trend += mann_kendall(ttft_s, corrected=False)
        tally.trend_corrected += mann_kendall(ttft_s, corrected=True)
        if case.limit_s is not None:
            for over, cut in ((tally.over, tally.cuts), (tally.mser_over, tally.mser_cuts)):
                over.append(float(np.mean(ttft_s[cut[-1] :] > case.limit_s)))
    return tally


def _cells(case: Case, tally: Tally) -> Iterable[str]:
    def share(number: float) -> str:
        return f"{100 * number / tally.levels:.1f} %"

    cuts = [cut for cut in tally.cuts if cut]
    mser_cuts = [cut for cut in tally.mser_cuts if cut]
    yield share(len(cuts))
    yield (
        f"{np.median(cuts):.0f}" + (f" of {case.start_up}" if case.start_up else "") if cuts else ""
    )
    yield share(tally.never_steady)
    yield share(len(mser_cuts))
    yield f"{np.median(mser_cuts):.0f}" if mser_cuts else ""
    yield share(tally.trend)
    yield share(tally.trend_corrected)
    for over in (tally.over, tally.mser_over):
        yield f"{100 * np.mean(over):.3f} %" if over else ""


def judged(requests: Requests) -> Steadiness:
    """The steadiness of a level with these requests; load was sent until the last start."""
    starts_ns = (requests.starts_s * 1e9).astype(np.int64)
    records = [
        _record(start_ns, ttft_s, e2e_s, warmup=place < requests.warmup)
        for place, (start_ns, ttft_s, e2e_s) in enumerate(
            zip(starts_ns.tolist(), requests.ttft_s.tolist(), requests.e2e_s.tolist(), strict=True)
        )
    ]
    load_ns = int(starts_ns[requests.warmup]), int(starts_ns[-1])
    return steadiness_of(records, requests.users, load_ns, {})


def _record(start_ns: int, ttft_s: float, e2e_s: float, *, warmup: bool) -> RequestRecord:
    return RequestRecord(
        id="",
        step=0,
        users=None,
        task="synthetic",
        prompt_id="",
        worker="",
        start_ns=start_ns,
        first_byte_ns=None,
        end_ns=start_ns + round(e2e_s * 1e9),
        ttft_ms=1e3 * ttft_s,
        ttfat_ms=None,
        itl_p50_ms=None,
        itl_p99_ms=None,
        itl_max_ms=None,
        tpot_ms=None,
        e2e_ms=1e3 * e2e_s,
        clock=Clock.KERNEL,
        events=0,
        prompt_tokens=None,
        output_tokens=None,
        thinking_tokens=None,
        outcome=Outcome.COMPLETED,
        failure=None,
        http_status=None,
        finish_reason=None,
        warmup=warmup,
        grades={},
    )


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.steadiness", description=__doc__)
    parser.add_argument("--runs", type=int, default=500, help="levels a row; a fifth of the engine")
    parser.add_argument("--only", help="the rows with this in their name")
    parser.add_argument(
        "--sizes",
        type=lambda text: [int(size) for size in text.split(",")],
        default=list(SIZES),
        help="requests of a level, such as 300,4000",
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
