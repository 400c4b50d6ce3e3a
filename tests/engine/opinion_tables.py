"""Two opinions and the server's, as tables in Markdown."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean

from engine.server_histograms import Histogram
from engine.side_by_side import Latency, Level, Opinion, Ours, Theirs

NS_PER_MS = 1e6
TOGETHER_NS = 3_000_000
"""Requests that come within this of one another come together."""
SHARES = {"p50": 0.50, "p99": 0.99}

COUNTS: tuple[tuple[str, Callable[[Opinion], float], Callable[[Opinion], float]], ...] = (
    ("requests", lambda o: o.requests, lambda o: o.server.counters.finished),
    ("prompt tokens", lambda o: o.prompt_tokens, lambda o: o.server.counters.prompt_tokens),
    ("output tokens", lambda o: o.output_tokens, lambda o: o.server.counters.generation_tokens),
)
TIMES: tuple[tuple[str, Callable[[Opinion], Latency], Callable[[Opinion], Histogram], str], ...] = (
    ("TTFT", lambda o: o.ttft, lambda o: o.server.ttft, "mean"),
    ("TTFT", lambda o: o.ttft, lambda o: o.server.ttft, "p50"),
    ("TTFT", lambda o: o.ttft, lambda o: o.server.ttft, "p99"),
    ("ITL", lambda o: o.itl, lambda o: o.server.itl, "mean"),
    ("ITL", lambda o: o.itl, lambda o: o.server.itl, "p50"),
    ("ITL", lambda o: o.itl, lambda o: o.server.itl, "p99"),
    ("TPOT", lambda o: o.tpot, lambda o: o.server.tpot, "mean"),
    ("E2E", lambda o: o.e2e, lambda o: o.server.e2e, "mean"),
)


@dataclass(frozen=True, slots=True)
class Round:
    """A level as both tools measured it, one after the other.

    `notes` are the front end's of these requests and of others: see front_end_times.py.
    """

    ours: Ours
    theirs: Theirs
    notes: list[list[int]]


@dataclass(frozen=True, slots=True)
class FirstToken:
    """Where the time to first token went, in mean milliseconds: from the request's start until the
    front end was called; in the front end, outside what vLLM times; what vLLM times; from there to
    the client's stamp."""

    to_front_end: float
    in_front_end: float
    timed_by_vllm: float
    to_stamp: float


def opinions_table(rounds: Sequence[Round]) -> str:
    """What both tools say of one level, each beside what vLLM says of the same requests."""
    lines = [
        "| | loadproof | vLLM then | difference | bench | vLLM then | difference "
        "| loadproof to bench |",
        "|---|---:|---:|---:|---:|---:|---:|---:|",
    ]
    row: list[Beside]
    tools: tuple[list[Opinion], ...] = ([r.ours for r in rounds], [r.theirs for r in rounds])
    for name, told_count, own_count in COUNTS:
        row = []
        for opinions in tools:
            own = fmean(map(own_count, opinions))
            row.append((fmean(map(told_count, opinions)), f"{own:.0f}", own))
        lines.append(_line(name, row, "{:.0f}"))
    for name, latency, histogram, statistic in TIMES:
        row = [_beside(opinions, latency, histogram, statistic) for opinions in tools]
        lines.append(_line(f"{name} {statistic}, ms", row, "{:.3f}"))
    return "\n".join(lines) + "\n"


def first_tokens_table(measured: Sequence[tuple[Level, Sequence[Round]]]) -> str:
    """Where the time to first token went, by level and tool."""
    lines = [
        "| mean TTFT, ms | start to front end | in the front end | timed by vLLM | to the stamp "
        "| in all |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for level, rounds in measured:
        for tool, parts in (
            ("loadproof", [first_token(one.ours, one.notes, 2) for one in rounds]),
            ("bench", [first_token(one.theirs, one.notes, 1) for one in rounds]),
        ):
            values = [
                fmean(getattr(part, name) for part in parts)
                for name in ("to_front_end", "in_front_end", "timed_by_vllm", "to_stamp")
            ]
            cells = " | ".join(f"{value:.3f}" for value in (*values, sum(values)))
            lines.append(f"| {_streams(level)}, {tool} | {cells} |")
    return "\n".join(lines) + "\n"


def first_token(opinion: Opinion, notes: Iterable[list[int]], event: int) -> FirstToken:
    """Where an opinion's first tokens' time went. `event` is what it takes for the first token: 1
    for the first event of all, 2 for the first one with text.

    Means of differences are differences of means, so that no request has to be told apart.
    """
    own = _own(opinion, notes)
    base_ns = own[0][0]
    started = fmean(start_ns - base_ns for start_ns in opinion.started_ns) / NS_PER_MS
    called = fmean(note[0] - base_ns for note in own) / NS_PER_MS
    handed_over = fmean(note[event] - base_ns for note in own) / NS_PER_MS
    by_vllm = opinion.server.ttft.mean_ms
    return FirstToken(
        to_front_end=called - started,
        in_front_end=handed_over - called - by_vllm,
        timed_by_vllm=by_vllm,
        to_stamp=started + opinion.ttft.mean - handed_over,
    )


def waves_table(measured: Sequence[tuple[Level, Sequence[Round]]]) -> str:
    """Why vLLM's own time to first token differs between the tools, by level and tool."""
    lines = [
        "| means | arriving together | on the way to the engine and back, ms | queued, ms "
        "| prompt read, ms | timed by vLLM, ms | round by round, ms |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for level, rounds in measured:
        for tool, pairs in (
            ("loadproof", [(one.ours, one.notes) for one in rounds]),
            ("bench", [(one.theirs, one.notes) for one in rounds]),
        ):
            together = fmean(arriving_together(opinion, notes) for opinion, notes in pairs)
            queued, read, in_all = (
                fmean(getattr(opinion.server, name).mean_ms for opinion, _ in pairs)
                for name in ("queue", "prefill", "ttft")
            )
            times = (in_all - queued - read, queued, read, in_all)
            cells = " | ".join(f"{time:.3f}" for time in times)
            by_round = ", ".join(f"{opinion.server.ttft.mean_ms:.1f}" for opinion, _ in pairs)
            name = f"{_streams(level)}, {tool}"
            lines.append(f"| {name} | {together:.1f} | {cells} | {by_round} |")
    return "\n".join(lines) + "\n"


def arriving_together(opinion: Opinion, notes: Iterable[list[int]]) -> float:
    """With how many requests, itself among them, a request arrived at the front end: each of them
    less than `TOGETHER_NS` after the one before. The mean over the requests."""
    sizes = [1]
    for before, note in pairwise(_own(opinion, notes)):
        if note[0] - before[0] < TOGETHER_NS:
            sizes[-1] += 1
        else:
            sizes.append(1)
    return sum(size * size for size in sizes) / sum(sizes)


def gaps_table(measured: Sequence[tuple[Level, Sequence[Round]]]) -> str:
    """What bench counts as gaps between tokens, and what is left without those that are none."""
    lines = [
        "| bench's gaps | counted | by vLLM | mean, ms | after the role's event, ms "
        "| mean of the others, ms | mean by vLLM, ms |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for level, rounds in measured:
        requests = [gaps for one in rounds for gaps in one.theirs.gaps_ms]
        own = _sum([one.theirs.server.itl for one in rounds])
        mean = fmean(gap for gaps in requests for gap in gaps)
        first = fmean(gaps[0] for gaps in requests)
        others = fmean(gap for gaps in requests for gap in gaps[1:])
        lines.append(
            f"| {_streams(level)} | {sum(map(len, requests))} | {own.count} | {mean:.3f} "
            f"| {first:.3f} | {others:.3f} | {own.mean_ms:.3f} |"
        )
    return "\n".join(lines) + "\n"


Beside = tuple[float, str, float | None]
"""What a tool told, what vLLM says, and that as a number; None where vLLM's histogram knows no
more than a bucket, and what was told lies in it."""


def _beside(
    opinions: Sequence[Opinion],
    latency: Callable[[Opinion], Latency],
    histogram: Callable[[Opinion], Histogram],
    statistic: str,
) -> Beside:
    told = fmean(getattr(latency(opinion), statistic) for opinion in opinions)
    own = _sum([histogram(opinion) for opinion in opinions])
    if statistic == "mean":
        return told, f"{own.mean_ms:.3f}", own.mean_ms
    found = own.percentile(SHARES[statistic])
    inside = found.low_ms <= told <= found.high_ms
    text = f"{found.value_ms:.1f} ({found.low_ms:g}–{found.high_ms:g})"
    return told, text, None if inside else found.value_ms


def _own(opinion: Opinion, notes: Iterable[list[int]]) -> list[list[int]]:
    """The notes of an opinion's requests, in order of their arrival."""
    begun_ns = min(opinion.started_ns)
    own = sorted(note for note in notes if note[0] >= begun_ns)[: opinion.requests]
    assert len(own) == opinion.requests, "the front end noted fewer requests than were answered"
    return own


def _line(name: str, row: Sequence[Beside], form: str) -> str:
    cells = [name]
    for told, own_text, own in row:
        difference = "in the bucket" if own is None else _percent(told, own)
        cells += [form.format(told), own_text, difference]
    return f"| {' | '.join([*cells, _percent(row[0][0], row[1][0])])} |"


def _percent(told: float, other: float) -> str:
    return f"{100 * (told / other - 1):+.1f} %"


def _streams(level: Level) -> str:
    return "1 stream" if level.streams == 1 else f"{level.streams} streams"


def _sum(histograms: Sequence[Histogram]) -> Histogram:
    total, *others = histograms
    for histogram in others:
        total += histogram
    return total
