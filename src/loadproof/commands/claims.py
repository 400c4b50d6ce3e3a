"""`loadproof claims`: whether recorded runs bear out what was claimed."""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.console import Console

from loadproof.analysis.claims import claims_on
from loadproof.analysis.judge import scenario_of
from loadproof.model.claim import Claim
from loadproof.model.errors import ConfigurationError, RunUnwritableError
from loadproof.model.scenario import read_scenario
from loadproof.recording.reader import RecordedRun, read_run
from loadproof.report.claims import print_claims


def claims(
    paths: Sequence[Path], source: Path | None, output: Path | None, console: Console
) -> int:
    """Tests the claims of the scenario file `source`, or else those of the runs' own scenarios.

    Returns the exit code; writes the same as JSON to `output` where that is given. Raises
    RunUnreadableError, RunUnwritableError, and ConfigurationError where there are no claims.
    """
    runs = [(path, read_run(path)) for path in paths]
    if source is not None:
        stated, name = read_scenario(source).parsed_claims(), str(source)
        if not stated:
            raise ConfigurationError(f"{source}: claims: missing; expected a [[claims]] table")
    else:
        stated, name = _recorded(runs)
    verdict = claims_on(stated, runs, name)
    if output is not None:
        try:
            output.write_bytes(msgspec.json.format(msgspec.json.encode(verdict), indent=2) + b"\n")
        except OSError as error:
            raise RunUnwritableError(f"{output}: cannot be written: {error.strerror}") from None
    print_claims(verdict, console)
    return verdict.exit_code


def _recorded(runs: Sequence[tuple[Path, RecordedRun]]) -> tuple[tuple[Claim, ...], str]:
    """The claims of the first run's scenario that has any, and that scenario's name."""
    for path, run in runs:
        scenario = scenario_of(run.header, path)
        if scenario.claims:
            return scenario.parsed_claims(), scenario.name
    raise ConfigurationError(
        f"{runs[0][0]}: its scenario has no claims; expected --claims with a scenario file that "
        "has, such as scenarios/article-claims.toml"
    )
