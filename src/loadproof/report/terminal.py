"""The verdict in a terminal: a row a load level, then each objective with its reasons."""

from rich.console import Console, Group
from rich.measure import Measurement
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from loadproof.analysis import wording
from loadproof.model.scaling import ScalingLaw
from loadproof.model.verdict import Capacity, Judgement, Level, Ruling, RunVerdict
from loadproof.report import cells, generator, quality, scaling, steadiness, thinking
from loadproof.report.signs import MARKS, by_objective, plain, run_mark

STYLES = {
    Ruling.HOLDS: "green",
    Ruling.BROKEN: "bold red",
    Ruling.INCONCLUSIVE: "yellow",
    Ruling.INVALID: "bold magenta",
}


def print_verdict(verdict: RunVerdict, console: Console) -> None:
    """Prints the verdict as wide as `console` is; without escape codes into a pipe."""
    console.print()
    console.print(_title(verdict))
    console.print()
    if verdict.levels:
        console.print(_levels(verdict, console))
        console.print()
    for sentence in quality.sentences(verdict):
        console.print(_hanging(Text(plain(sentence))))
    if quality.sentences(verdict):
        console.print()
    _print_early_ends(verdict, console)
    if thinking.thoughtful(verdict):
        console.print(Text("thinking", style="dim"))
        console.print(_hanging(_thinking(verdict)))
        console.print()
    found = [row for row in steadiness.rows(verdict) if row[2]]
    if found:
        console.print(Text("steady state", style="dim"))
        console.print(_hanging(_steadiness(found)))
        console.print()
    if verdict.scaling is not None and verdict.scaling.law is not None:
        console.print(Text("scaling", style="dim"))
        console.print(_hanging(_scaling(verdict.scaling.law)))
        console.print()
    if generator.watched(verdict):
        console.print(Text("generator", style="dim"))
        console.print(_hanging(_generator(verdict)))
        console.print()
    for objective, judgements in by_objective(verdict).items():
        console.print(Text(plain(objective), style="bold"))
        console.print(_hanging(_judgements(judgements)))
        console.print()
    for warning in verdict.warnings:
        console.print(_hanging(Text.assemble(("! ", "yellow"), plain(warning))))
    if verdict.warnings:
        console.print()
    if verdict.capacity is not None:
        console.print(_capacity(verdict.capacity))
        console.print()
    console.print(_closing(verdict))


def _print_early_ends(verdict: RunVerdict, console: Console) -> None:
    """Of a search not: there each level ends when it is decided."""
    early = [level for level in verdict.levels if level.ended_early is not None]
    if not early or verdict.capacity is not None:
        return
    console.print(Text("ended early", style="dim"))
    for level in early:
        console.print(_hanging(Text(cells.ended_early(level))))
    console.print()


def _capacity(capacity: Capacity) -> Group:
    """What a search found: the sentence, what breaks first, and the pace at what holds."""
    head = Text.assemble(("capacity", "bold"), ": ", (plain(capacity.sentence), "bold"))
    lines = [plain(line) for line in cells.capacity_facts(capacity)]
    return Group(head, *(_hanging(Text(line)) for line in lines))


def _title(verdict: RunVerdict) -> Text:
    title = Text.assemble(
        (plain(verdict.scenario), "bold"), " on ", (plain(verdict.server), "bold")
    )
    if verdict.simulated:
        title.append("  ")
        title.append(" SIMULATED ", style="reverse")
    return title


def _thinking(verdict: RunVerdict) -> Table:
    """A line a level."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for level, found in thinking.thoughtful(verdict):
        name = wording.level(level.users, level.step)
        table.add_row(Text(name), Text(thinking.sentence(level, found)))
    return table


def _generator(verdict: RunVerdict) -> Table:
    """A line a level, and what was wrong where no judgement says so."""
    said = {j.step for j in verdict.judgements if j.ruling is Ruling.INVALID}
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for level, health in generator.watched(verdict):
        fine = Text("fine", style="green")
        poor = Text("not to be believed", style=STYLES[Ruling.INVALID])
        table.add_row(
            Text(wording.level(level.users, level.step)),
            poor if health.troubles else fine,
            Text(generator.brief(health)),
        )
        for trouble in health.troubles if level.step not in said else ():
            table.add_row("", "", Text(plain(trouble)))
    return table


def _steadiness(rows: list[tuple[Level, str, str]]) -> Table:
    """A line for each level of which there is more to say than that it was steady."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for level, short, said in rows:
        assert level.steadiness is not None, "it has a row"
        style = STYLES[Ruling.INVALID] if level.steadiness.drifts else ""
        table.add_row(Text(wording.level(level.users, level.step)), Text(short, style), Text(said))
    return table


def _scaling(law: ScalingLaw) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row(Text("law"), Text(scaling.formula(law)))
    table.add_row(Text("knee"), Text(scaling.knee(law)))
    return table


def _judgements(judgements: list[Judgement]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for judgement in judgements:
        table.add_row(
            Text(f"{MARKS[judgement.ruling]} {judgement.ruling}", style=STYLES[judgement.ruling]),
            Text(wording.level(judgement.users, judgement.step)),
            Text(plain(judgement.reason)),
        )
    return table


def _closing(verdict: RunVerdict) -> Group:
    style = STYLES[verdict.ruling] if verdict.ruling is not None else "bold"
    lines: list[Text | Padding] = [
        Text.assemble((run_mark(verdict.ruling), style), f"  exit code {verdict.exit_code}")
    ]
    if verdict.ruling is None or not verdict.judgements or verdict.ruling is Ruling.HOLDS:
        lines += [_hanging(Text(plain(reason))) for reason in verdict.reasons]
    else:
        # The sentences of single judgements stand above already.
        about_judgements = {j.reason for j in verdict.judgements}
        lines += [
            _hanging(Text(plain(reason)))
            for reason in verdict.reasons
            if not any(reason.endswith(known) for known in about_judgements)
        ]
    return Group(*lines)


def _hanging(content: Text | Table) -> Padding:
    return Padding(content, (0, 0, 0, 2))


def _levels(verdict: RunVerdict, console: Console) -> Group:
    """The widest form that fits: with the quality as a column, else below, else as a list."""
    full = _table(verdict, with_quality=True, gap=3)
    if _fits(full, console):
        return Group(full)
    for gap in (3, 2, 1):
        table = _table(verdict, with_quality=False, gap=gap)
        if _fits(table, console):
            return Group(table, *_quality_lines(verdict))
    return Group(*_list(verdict), *_quality_lines(verdict))


def _fits(table: Table, console: Console) -> bool:
    unbounded = console.options.update(width=10_000)
    return Measurement.get(console, unbounded, table).maximum <= console.width


def _table(verdict: RunVerdict, *, with_quality: bool, gap: int) -> Table:
    """The table of levels with `gap` blanks between its columns."""
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="dim")
    kinds = {cells.memory(level)[1] for level in verdict.levels} - {""}
    of = next(iter(kinds)) if len(kinds) == 1 else "peak"
    heads = ["users", "requests", "failed", "tokens/s", "TTFT p50", "p95", "p99"]
    heads += ["ITL p99", "E2E p99", f"{of} memory"]
    for head in heads:
        first, _, second = head.rpartition(" ")
        table.add_column(f"{first}\n{second}", justify="right", no_wrap=True)
    if with_quality:
        table.add_column("answer\nquality", no_wrap=True)
    for level in verdict.levels:
        row = [
            cells.users(level),
            wording.count(level.sent),
            cells.not_completed(level),
            cells.tokens_per_s(level),
            cells.latency(level, "ttft", "p50"),
            cells.latency(level, "ttft", "p95"),
            cells.latency(level, "ttft", "p99"),
            cells.latency(level, "itl", "p99"),
            cells.latency(level, "e2e", "p99"),
            cells.memory(level)[0],
        ]
        if with_quality:
            row.append(cells.quality(level))
        style = "yellow" if level.failed or level.cut_off else ""
        table.add_row(*(Text(cell) for cell in row), style=style)
    table.caption = "latencies in ms, of completed requests"
    table.caption_justify = "left"
    return table


def _quality_lines(verdict: RunVerdict) -> list[Text | Padding]:
    graded = [level for level in verdict.levels if level.qualities]
    if not graded:
        return []
    lines: list[Text | Padding] = [Text("\nanswer quality", style="dim")]
    for level in graded:
        name = wording.level(level.users, level.step)
        lines.append(_hanging(Text(f"{name}: {cells.quality(level)}")))
    return lines


def _list(verdict: RunVerdict) -> list[Text | Padding]:
    lines: list[Text | Padding] = []
    for level in verdict.levels:
        lines.append(Text(wording.level(level.users, level.step), style="bold"))
        percentiles = " / ".join(cells.latency(level, "ttft", q) for q in ("p50", "p95", "p99"))
        facts = [
            f"{wording.requests(level.sent)}, {cells.not_completed(level)} failed",
            f"{cells.tokens_per_s(level)} tokens/s",
            f"TTFT p50 / p95 / p99 {percentiles} ms",
            f"ITL p99 {cells.latency(level, 'itl', 'p99')} ms",
            f"E2E p99 {cells.latency(level, 'e2e', 'p99')} ms",
            f"{cells.memory(level)[1]} memory {cells.memory(level)[0]}".strip(),
        ]
        lines += [_hanging(Text(fact)) for fact in facts]
    return lines
