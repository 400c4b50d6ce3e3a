"""loadproof beside `vllm bench serve` and beside vLLM's own histograms, on the same questions.

Each tool is compared with what the server says of that tool's own requests, so that it does not
matter that the machine was busier with one of them. `make second-opinion` shows the figures.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from engine.prepare import Engine
from engine.side_by_side import Level, Ours, Theirs, by_bench, by_loadproof, questions_of, warm_up
from engine.vllm_bench import Bench, vllm_bench
from loadproof.servers.launch import RunningServer

LEVELS = (Level(1, 16, 32), Level(8, 64, 32), Level(32, 160, 32))


@dataclass(frozen=True, slots=True)
class Pair:
    """What both say of a level."""

    level: Level
    ours: Ours
    theirs: Theirs


@pytest.fixture(scope="module")
def bench(
    vllm: RunningServer, prepared: Engine, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Bench]:
    folder = tmp_path_factory.mktemp("bench")
    with vllm_bench(prepared, folder) as ready:
        warm_up(vllm.url, ready, folder / "warm-up")
        yield ready


@pytest.fixture(scope="module", params=LEVELS, ids=lambda level: f"{level.streams}-streams")
def pair(
    request: pytest.FixtureRequest,
    vllm: RunningServer,
    prepared: Engine,
    bench: Bench,
    tmp_path_factory: pytest.TempPathFactory,
) -> Pair:
    level: Level = request.param
    folder = tmp_path_factory.mktemp("pair")
    ours = by_loadproof(level, vllm.url, prepared, folder / "loadproof")
    theirs = by_bench(level, vllm.url, bench, questions_of(level), folder / "bench")
    return Pair(level, ours, theirs)


def test_both_and_the_server_count_the_same_requests(pair: Pair) -> None:
    for opinion in (pair.ours, pair.theirs):
        assert (opinion.requests, opinion.failed) == (pair.level.requests, 0)
        assert opinion.server.counters.finished == pair.level.requests


def test_both_and_the_server_count_the_same_tokens(pair: Pair) -> None:
    read, generated = pair.ours.prompt_tokens, pair.level.requests * pair.level.max_tokens
    for opinion in (pair.ours, pair.theirs):
        assert (opinion.prompt_tokens, opinion.output_tokens) == (read, generated)
        counters = opinion.server.counters
        assert (counters.prompt_tokens, counters.generation_tokens) == (read, generated)


def test_the_server_timed_every_first_token_and_every_gap(pair: Pair) -> None:
    for opinion in (pair.ours, pair.theirs):
        assert opinion.server.ttft.count == pair.level.requests
        assert opinion.server.itl.count == pair.level.requests * (pair.level.max_tokens - 1)


def test_ttft_is_the_servers_own_and_the_way_there_and_back(pair: Pair) -> None:
    ours_ms, theirs_ms = (
        opinion.ttft.mean - opinion.server.ttft.mean_ms for opinion in (pair.ours, pair.theirs)
    )
    assert 0 <= ours_ms <= theirs_ms + 20


def test_gaps_are_the_servers_own_by_both_opinions(pair: Pair) -> None:
    for opinion in (pair.ours, pair.theirs):
        assert opinion.itl.mean == pytest.approx(opinion.server.itl.mean_ms, rel=0.12)
        assert opinion.tpot.mean == pytest.approx(opinion.server.tpot.mean_ms, rel=0.12)


def test_duration_is_not_below_the_servers_own(pair: Pair) -> None:
    own_ms = pair.ours.server.e2e.mean_ms
    assert own_ms <= pair.ours.e2e.mean <= 1.5 * own_ms
