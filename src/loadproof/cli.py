"""The command line: parsing and calls. What a command needs is imported when it is called."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from loadproof.model.errors import LoadproofError, ServerFailedError
from loadproof.model.exit_codes import ExitCode
from loadproof.model.metrics import TASKS

app = typer.Typer(
    name="loadproof",
    help="Load testing and SLO validation for LLM servers, on Locust.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    epilog=(
        "Exit codes: 0 all objectives hold, 10 one is broken, 11 inconclusive, 12 invalid run, "
        "20 bad configuration, 21 server failed, 130 interrupted."
    ),
)

ReportUrl = Annotated[
    str | None,
    typer.Option(
        envvar="LOADPROOF_REPORT_URL",
        metavar="URL",
        help="Where report.html will be seen, for the link in summary.md; {run} stands for the "
        "name of the run directory.",
    ),
]


@app.callback(invoke_without_command=True)
def _options(
    *,
    version: Annotated[bool, typer.Option("--version", help="Show the version and end.")] = False,
) -> None:
    if version:
        from loadproof import __version__

        typer.echo(f"loadproof {__version__}")
        raise typer.Exit


@app.command("run")
def _run(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    server: Annotated[Path, typer.Option(help="Server file (TOML).")],
    runs: Annotated[Path, typer.Option(help="Where run directories are made.")] = Path("runs"),
    processes: Annotated[
        int, typer.Option(min=1, help="Load generating processes; one carries some 1,000 streams.")
    ] = 1,
    report_url: ReportUrl = None,
) -> None:
    """Load a server with a scenario and judge it: the exit code is the verdict's."""
    from rich.console import Console

    from loadproof.commands.run import run

    raise typer.Exit(run(scenario, server, runs, processes, Console(), report_url=report_url))


@app.command("capacity")
def _capacity(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML), with [capacity] or not.")],
    server: Annotated[Path, typer.Option(help="Server file (TOML).")],
    runs: Annotated[Path, typer.Option(help="Where run directories are made.")] = Path("runs"),
    processes: Annotated[
        int, typer.Option(min=1, help="Load generating processes; one carries some 1,000 streams.")
    ] = 1,
    report_url: ReportUrl = None,
) -> None:
    """Search the highest load at which all objectives hold: 0 found, 11 not to be told so far."""
    from rich.console import Console

    from loadproof.commands.capacity import capacity

    raise typer.Exit(capacity(scenario, server, runs, processes, Console(), report_url=report_url))


@app.command("plan-samples")
def _plan_samples(
    scenario: Annotated[Path, typer.Argument(help="Scenario file (TOML).")],
    rate: Annotated[
        float | None,
        typer.Option(min=0, help="Requests a second, for levels that end by time."),
    ] = None,
    correlation: Annotated[
        float, typer.Option(min=1, help="How many requests weigh as one independent one.")
    ] = 1.0,
    like: Annotated[
        Path | None,
        typer.Option(metavar="RUN", help="Earlier run: its rate, and how requests hang together."),
    ] = None,
) -> None:
    """Say what a scenario's requests can settle, before they are sent. No server is touched."""
    from rich.console import Console

    from loadproof.commands.plan_samples import plan_samples

    raise typer.Exit(plan_samples(scenario, rate, correlation, like, Console()))


@app.command("gate")
def _gate(
    directory: Annotated[Path, typer.Argument(metavar="RUN", help="Run directory.")],
    report_url: ReportUrl = None,
) -> None:
    """Analyse a recorded run again and judge it: the exit code is the verdict's."""
    from rich.console import Console

    from loadproof.commands.gate import gate

    raise typer.Exit(gate(directory, Console(), report_url))


@app.command("compare")
def _compare(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="Run directory to compare with.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="Run directory of the same scenario.")],
    margin: Annotated[
        list[str] | None,
        typer.Option(help="What difference counts for nothing, such as p99:10%. Several times."),
    ] = None,
    fail_on: Annotated[
        list[str] | None,
        typer.Option(help="Such as worse:5%, worse:p99(ttft):5% or undecided. Several times."),
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Where the reports go; into NEW unless said otherwise.")
    ] = None,
) -> None:
    """Compare two runs of a scenario: what is better, worse, equivalent or undecided."""
    from rich.console import Console

    from loadproof.commands.compare import compare

    raise typer.Exit(compare(base, new, margin or [], fail_on or [], out, Console()))


@app.command("claims")
def _claims(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN...", help="Run directories.")],
    claims: Annotated[
        Path | None,
        typer.Option(help="Scenario file that holds them; the runs' own where absent."),
    ] = None,
    json: Annotated[Path | None, typer.Option(help="File for the same as JSON.")] = None,
) -> None:
    """Say of each published figure whether the runs reproduce it or refute it, at which load."""
    from rich.console import Console

    from loadproof.commands.claims import claims as test

    raise typer.Exit(test(runs, claims, json, Console()))


@app.command("ask")
def _ask(  # noqa: PLR0913, PLR0917 - a command has as many options as it needs
    server: Annotated[Path, typer.Argument(help="Server file (TOML); the server runs already.")],
    task: Annotated[
        str, typer.Argument(help=f"What is asked: {', '.join(TASKS)}, or a task of your own.")
    ],
    number: Annotated[int, typer.Option(min=1, help="Which question, from 1.")] = 1,
    seed: Annotated[int, typer.Option(min=0, help="Decides their order.")] = 1,
    scenario: Annotated[
        Path | None, typer.Option(help="Scenario file whose traffic has the task, as it has it.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="Python file that holds a task of your own.")
    ] = None,
    questions: Annotated[
        Path | None, typer.Option(help="File of questions, such as a public set.")
    ] = None,
    format: Annotated[  # noqa: A002 - the option's name
        str | None, typer.Option(help="How that file is written; recognised where absent.")
    ] = None,
) -> None:
    """Ask one question: shows it as it goes over the wire, and the answer, timed and graded."""
    from rich.console import Console

    from loadproof.commands.ask import ask, asked_for

    entry = asked_for(task, scenario, file=file, questions=questions, format=format)
    raise typer.Exit(ask(server, entry, number, seed, Console()))


@app.command("serve")
def _serve(
    server: Annotated[Path, typer.Argument(help="Server file (TOML).")],
    log: Annotated[Path, typer.Option(help="What the server prints goes here.")] = Path(
        "server.log"
    ),
) -> None:
    """Start a server from its file, the simulator for one, and keep it until Ctrl-C."""
    from rich.console import Console

    from loadproof.commands.serve import serve

    serve(server, log, Console())


@app.command("init")
def _init(
    directory: Annotated[Path, typer.Argument(help="Where the copy goes.")],
) -> None:
    """Lay a copy of the kit: locustfiles, servers, scenarios, tasks, scripts, pipelines."""
    from loadproof.commands.kit import lay_kit

    for path in lay_kit(directory):
        typer.echo(path)


@app.command("schemas")
def _schemas(
    directory: Annotated[Path, typer.Argument(help="Where they go.")] = Path("schemas"),
) -> None:
    """Write the JSON Schemas of scenarios, servers, verdict.json and comparison.json."""
    from loadproof.commands.schemas import write_schemas

    for path in write_schemas(directory):
        typer.echo(path)


def main() -> None:
    """Runs the command line; errors that a user can mend are shown in a line, without traceback."""
    try:
        app()
    except LoadproofError as error:
        print(error, file=sys.stderr)  # noqa: T201 - a message for whoever typed the command
        code = ExitCode.BAD_CONFIGURATION
        if isinstance(error, ServerFailedError):
            code = ExitCode.SERVER_FAILED
        sys.exit(code)
