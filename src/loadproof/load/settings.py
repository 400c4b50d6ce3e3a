"""What a run is told on Locust's command line: loadproof's own options, read and checked."""

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from loadproof.model.errors import ConfigurationError
from loadproof.model.exit_codes import ExitCode
from loadproof.model.grammar import parse_objective
from loadproof.model.scenario import Scenario, scenario_without_file
from loadproof.model.sentence import ObjectiveError
from loadproof.model.server import Server, read_server, server_at
from loadproof.tasks.traffic import load_scenario, load_search


@dataclass(frozen=True, slots=True)
class Settings:
    """A run's settings. `scenario` is None where Locust's own options decide the load."""

    scenario: Scenario | None
    server: Server | None
    objectives: tuple[str, ...]
    runs: Path
    run_directory: Path | None
    server_pid: int | None
    judge: bool

    def scenario_for(self, asks: Sequence[tuple[str, float]]) -> Scenario:
        """The scenario to run; `asks` are the (task, weight) pairs of the locustfile's users.

        Raises ConfigurationError.
        """
        return self.scenario or scenario_without_file(asks, self.objectives)

    def server_for(self, host: str | None) -> Server:
        """The server to load: the file's, at `host` where that is given.

        Raises ConfigurationError where neither says where it is.
        """
        if self.server is not None:
            return (
                self.server.model_copy(update={"url": server_at(host).url}) if host else self.server
            )
        if not host:
            raise ConfigurationError("no server to load: give --host URL or --server FILE")
        return server_at(host)


def add_options(parser: Any) -> None:
    """Adds loadproof's options to Locust's command line."""
    parser.set_defaults(web_host="127.0.0.1")
    for name, read, description in (
        ("--scenario", load_scenario, "Scenario file (TOML): traffic mix, load steps, objectives"),
        ("--capacity", load_search, "Scenario file: search the highest load at which it holds"),
        ("--server", read_server, "Server file (TOML): address, model, where its key is"),
    ):
        parser.add_argument(
            name,
            type=_checked(read),
            metavar="<file>",
            help=description,
            include_in_web_ui=False,
        )
    parser.add_argument(
        "--objective",
        action="append",
        default=[],
        type=_checked_objective,
        metavar="<sentence>",
        help='What has to hold, such as "p99(ttft) <= 200ms"; may be given several times',
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--runs",
        default="runs",
        metavar="<directory>",
        help="Where run directories are made. Defaults to runs",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--run-directory",
        metavar="<directory>",
        help="The run directory itself, made already",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--server-pid",
        type=int,
        metavar="<pid>",
        help="Process of the server, for its memory; found by its port where it is local",
        include_in_web_ui=False,
    )
    parser.add_argument(
        "--no-judge",
        action="store_true",
        help="Only record; loadproof gate judges later",
        include_in_web_ui=False,
    )


def read_settings(options: Namespace) -> Settings:
    """The settings in Locust's parsed options. Raises ConfigurationError."""
    if options.scenario and options.objective:
        raise ConfigurationError("--objective: not with --scenario, whose file states objectives")
    if options.scenario and options.capacity:
        raise ConfigurationError(
            "--capacity: not with --scenario: it searches instead of its steps"
        )
    if options.capacity and options.objective:
        raise ConfigurationError("--objective: not with --capacity, whose file states objectives")
    scenario = load_scenario(Path(options.scenario)) if options.scenario else None
    if options.capacity:
        scenario = load_search(Path(options.capacity))
    return Settings(
        scenario=scenario,
        server=read_server(Path(options.server)) if options.server else None,
        objectives=tuple(options.objective),
        runs=Path(options.runs),
        run_directory=Path(options.run_directory) if options.run_directory else None,
        server_pid=options.server_pid,
        judge=not options.no_judge,
    )


def refuse(error: ConfigurationError) -> None:
    """Shows what is wrong and ends the process: nothing has started yet."""
    print(error, file=sys.stderr)  # noqa: T201 - logging may not be set up yet
    sys.exit(ExitCode.BAD_CONFIGURATION)


def _checked(read: Callable[[Path], object]) -> Callable[[str], str]:
    """An argparse type that reads the file at once, so that a bad one is refused first."""

    def check(text: str) -> str:
        try:
            read(Path(text))
        except ConfigurationError as error:
            refuse(error)
        return text

    return check


def _checked_objective(text: str) -> str:
    try:
        parse_objective(text)
    except ObjectiveError as error:
        refuse(ConfigurationError(f"--objective: got {text!r}, expected {error}"))
    return text
