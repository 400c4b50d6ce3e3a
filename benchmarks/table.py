"""How the figures are shown in a terminal."""

from collections.abc import Mapping

from rich.table import Table

from benchmarks.cell import Cell
from benchmarks.figures import Figures
from benchmarks.truth_server import Truth

LATE_MS = 1.0
"""A server later than this at P99 makes a cell's latencies doubtful."""


def machine_line(machine: Mapping[str, str | int]) -> str:
    """One line that says what the figures were measured on."""
    return (
        f"{machine['cpu']} · {machine['cores']} cores · Linux {machine['kernel']} · "
        f"Python {machine['python']} · load before {machine['load_before']}"
    )


def figures_table(results: Mapping[Cell, Figures], truth: Truth) -> Table:
    """A row a cell, grouped by the number of streams. Milliseconds unless a heading says else."""
    table = Table(
        title=f"Truth: first token after {truth.ttft_ms:g} ms, then {truth.tokens - 1} more "
        f"{truth.gap_ms:g} ms apart{', all streams in step' if truth.synchronised else ''}",
        caption="Error: the client's stamp minus the server's for the same event. Excess: reported "
        "P99 minus the true one.\nCPU: user and system time, child processes included.",
    )
    table.add_column("streams", justify="right")
    table.add_column("client path")
    for heading in (
        "events/s",
        "of asked",
        "CPU µs\n/event",
        "TTFT\np50",
        "\np99",
        "first token\nerror p50",
        "\np99",
        "TTFT p99\nexcess",
        "ITL\np50",
        "\np99",
        "all tokens\nerror p99",
        "ITL p99\nexcess",
        "RSS\nMiB",
        "KiB/\nstream",
        "server\nlate p99",
    ):
        table.add_column(heading, justify="right")
    streams = 0
    for cell in sorted(results, key=lambda cell: cell.streams):
        if streams and cell.streams != streams:
            table.add_section()
        streams = cell.streams
        table.add_row(str(streams), cell.path.value, *_values(cell, results[cell], truth))
    return table


def _values(cell: Cell, found: Figures, truth: Truth) -> list[str]:
    late = found.server_late_p99_ms
    return [
        f"{found.events_per_s:,.0f}",
        f"{found.events_per_s / truth.asked_per_s(cell.streams):.0%}",
        _number(found.cpu_us_per_event, 1),
        _number(found.ttft_p50_ms, 2),
        _number(found.ttft_p99_ms, 2),
        _number(found.first_error_p50_ms, 3),
        _number(found.first_error_p99_ms, 3),
        _number(found.ttft_p99_excess_ms, 3),
        _number(found.itl_p50_ms, 2),
        _number(found.itl_p99_ms, 2),
        _number(found.error_p99_ms, 3),
        _number(found.itl_p99_excess_ms, 3),
        _number(found.rss_mib, 0),
        _number(found.stream_kib, 0),
        f"{late:.2f}" + (" LATE" if late > LATE_MS else ""),
    ]


def _number(value: float | None, digits: int) -> str:
    return "–" if value is None else f"{value:.{digits}f}"
