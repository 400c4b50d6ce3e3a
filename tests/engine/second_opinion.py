"""Prints what loadproof, `vllm bench serve` and vLLM itself say of the same load.

    make second-opinion

Starts a vLLM with a tiny model, which it installs where that is missing, lets both tools ask it
the same questions at each number of streams, several times in turn, and prints in Markdown: what
each says beside what the server's histograms say of the same requests; where a first token's time
went; and what bench counts as gaps. Figures are means over the rounds.
"""

import argparse
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from engine.opinion_tables import (
    Round,
    first_tokens_table,
    gaps_table,
    opinions_table,
    waves_table,
)
from engine.prepare import CannotPrepareError, Engine, prepare
from engine.side_by_side import Level, by_bench, by_loadproof, questions_of, warm_up
from engine.tiny_server import free_port, write_server_file
from engine.vllm_bench import Bench, vllm_bench
from loadproof.model.server import read_server
from loadproof.servers.launch import launched

MIDDLEWARE = Path(__file__).with_name("front_end_times.py")
LEVELS = (Level(1, 60, 64), Level(8, 240, 64), Level(32, 640, 64))


@dataclass(frozen=True, slots=True)
class Bed:
    """A running server and what measures it. `notes` is where its front end notes its times."""

    url: str
    engine: Engine
    bench: Bench
    notes: Path
    folder: Path

    def round(self, level: Level, number: int) -> Round:
        """Both tools at one level; which one begins changes from round to round."""
        place = self.folder / f"{level.streams}-{number}"
        asked = questions_of(level)
        if number % 2 == 0:
            ours = by_loadproof(level, self.url, self.engine, place / "loadproof")
            theirs = by_bench(level, self.url, self.bench, asked, place / "bench")
        else:
            theirs = by_bench(level, self.url, self.bench, asked, place / "bench")
            ours = by_loadproof(level, self.url, self.engine, place / "loadproof")
        notes = [json.loads(line) for line in self.notes.read_text().splitlines()]
        return Round(ours, theirs, notes)


@contextmanager
def on_cores(cores: Sequence[int]) -> Iterator[None]:
    """What is started in this context runs on these cores."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def rounds(
    levels: Sequence[Level], count: int, folder: Path, *, apart: bool
) -> Iterator[tuple[Level, list[Round]]]:
    """The rounds of each level, on one server; with `apart` it has a core of its own."""
    engine = prepare()
    cores = sorted(os.sched_getaffinity(0))
    apart = apart and len(cores) > 1
    notes = folder / "front-end-times.jsonl"
    file = write_server_file(
        folder / "server.toml",
        engine,
        free_port(),
        started=True,
        arguments=("--middleware", f"{MIDDLEWARE.stem}.FrontEndTimes"),
        environment={"PYTHONPATH": str(MIDDLEWARE.parent), "FRONT_END_TIMES": str(notes)},
    )
    with (
        on_cores(cores[:1] if apart else cores),
        launched(read_server(file), folder / "server.log") as running,
        on_cores(cores[1:] if apart else cores),
        vllm_bench(engine, folder / "bench") as bench,
    ):
        warm_up(running.url, bench, folder / "warm-up")
        bed = Bed(running.url, engine, bench, notes, folder)
        for level in levels:
            yield level, [bed.round(level, number) for number in range(count)]


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2, help="how often each level is measured")
    parser.add_argument("--share", type=float, default=1.0, help="of the usual number of requests")
    parser.add_argument("--keep", type=Path, help="an empty folder for runs and logs")
    parser.add_argument("--together", action="store_true", help="server and tools share all cores")
    asked = parser.parse_args()
    levels = [
        replace(level, requests=max(level.streams, round(level.requests * asked.share)))
        for level in LEVELS
    ]
    with tempfile.TemporaryDirectory() as temporary:
        folder = asked.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        measured = list(rounds(levels, asked.rounds, folder, apart=not asked.together))
    for level, of_level in measured:
        heading = f"\nStreams: {level.streams}; requests a round: {level.requests}\n\n"
        sys.stdout.write(heading + opinions_table(of_level))
    for table in (first_tokens_table, waves_table, gaps_table):
        sys.stdout.write("\n" + table(measured))


if __name__ == "__main__":
    try:
        main()
    except CannotPrepareError as error:
        sys.exit(str(error))
