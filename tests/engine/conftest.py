"""One vLLM for all engine tests, started from a server file as loadproof starts any server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.prepare import CannotPrepareError, Engine, engine
from engine.tiny_server import free_port, write_server_file
from loadproof.model.server import read_server
from loadproof.servers.launch import RunningServer, launched


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session")
def prepared() -> Engine:
    """The installed vLLM and its model."""
    try:
        return engine()
    except CannotPrepareError as error:
        pytest.fail(str(error), pytrace=False)


@pytest.fixture(scope="session")
def vllm(prepared: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    """A vLLM that runs until the last test has ended."""
    folder = tmp_path_factory.mktemp("vllm")
    file = write_server_file(folder / "started.toml", prepared, free_port(), started=True)
    with launched(read_server(file), folder / "server.log") as running:
        yield running


@pytest.fixture(scope="session")
def server_file(
    prepared: Engine, vllm: RunningServer, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """A server file that says where `vllm` is, and not how it is started."""
    port = int(vllm.url.rpartition(":")[2])
    path = tmp_path_factory.mktemp("server") / "running.toml"
    return write_server_file(path, prepared, port, started=False)
