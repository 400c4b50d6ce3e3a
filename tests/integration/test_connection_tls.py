"""The same over TLS, where the stamps are those of the segments beneath."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from integration.scripts import (
    CLOSE,
    DONE,
    END,
    FINISH,
    HEAD,
    PATH,
    QUICK,
    ROLE,
    TO_THE_CLOSE,
    answer,
    ask,
    delta,
    pause,
    scripted_server,
    token,
)
from integration.test_connection import PATCHED, asked_while_blocked, content_of, errors_ms
from loadproof.model.errors import ConfigurationError
from loadproof.model.record import Clock, Failure, Outcome
from loadproof.streaming.connection import Connection, Target

LINUX = sys.platform == "linux"


@dataclass(frozen=True)
class Servers:
    plain_port: int
    port: int
    authority: Path

    def connection(self, *, host: str = "localhost", trusted: bool = True) -> Connection:
        verify = str(self.authority) if trusted else True
        return Connection(Target(f"https://{host}:{self.port}", verify=verify), QUICK)


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    folder = tmp_path_factory.mktemp("certificates")
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "authority.pem")
    authority.issue_cert("localhost").private_key_and_cert_chain_pem.write_to_path(
        folder / "server.pem"
    )
    with scripted_server(folder / "server.pem") as (plain_port, port):
        yield Servers(plain_port, port, folder / "authority.pem")


def test_an_answer_is_read_and_the_connection_kept(servers: Servers) -> None:
    with closing(servers.connection()) as connection:
        replies = [ask(connection, answer("{connection}", " {request}")) for _ in range(3)]
    assert [reply.outcome for reply in replies] == [Outcome.COMPLETED] * 3
    assert [content_of(reply)[1] for reply in replies] == ["1", "2", "3"]
    assert replies[1].connected_ns is None


def test_a_long_answer_arrives_whole(servers: Servers) -> None:
    with closing(servers.connection()) as connection:
        reply = ask(connection, answer(*(f"{n} " for n in range(2000))))
    assert content_of(reply) == [str(n) for n in range(2000)]


def test_a_request_larger_than_every_buffer_is_sent(servers: Servers) -> None:
    body = b" " * 12_000_000 + json.dumps(answer("a")).encode()
    with closing(servers.connection()) as connection:
        assert connection.post(PATH, body).answer.text == "a"


def test_a_body_may_end_with_the_connection(servers: Servers) -> None:
    apart = [TO_THE_CLOSE, ["send", delta("a")], pause(0.05), ["send", str(FINISH[1])], CLOSE]
    at_once = [["send", str(TO_THE_CLOSE[1]) + delta("a") + str(FINISH[1])], CLOSE]
    with closing(servers.connection()) as connection:
        for script in (apart, at_once, [*apart[:-1], pause(0.05), CLOSE]):
            assert ask(connection, script).outcome is Outcome.COMPLETED


def test_a_certificate_that_is_not_trusted_is_a_failure_of_tls(servers: Servers) -> None:
    with closing(servers.connection(trusted=False)) as connection:
        reply = ask(connection, answer("a"))
    assert (reply.outcome, reply.failure) == (Outcome.FAILED, Failure.TLS)
    assert "its certificate is not trusted" in (reply.failure_detail or "")


def test_a_certificate_of_another_host_is_a_failure_of_tls(servers: Servers) -> None:
    with closing(servers.connection(host="127.0.0.1")) as connection:
        reply = ask(connection, answer("a"))
    assert reply.failure is Failure.TLS
    assert "127.0.0.1" in (reply.failure_detail or "")


def test_a_certificate_is_not_looked_at_where_nobody_wants_to(servers: Servers) -> None:
    target = Target(f"https://127.0.0.1:{servers.port}", verify=False)
    with closing(Connection(target, QUICK)) as connection:
        assert ask(connection, answer("a")).outcome is Outcome.COMPLETED


def test_a_server_without_tls_is_a_failure_of_tls(servers: Servers) -> None:
    """It waits for the end of a request that never comes, and closes on us when it gives up."""
    timeouts = QUICK.model_copy(update={"connect": 0.3})
    with closing(
        Connection(Target(f"https://127.0.0.1:{servers.plain_port}"), timeouts)
    ) as connection:
        assert ask(connection, []).failure is Failure.TIMEOUT_CONNECT


def test_certificates_that_cannot_be_read_are_refused_at_once(tmp_path: Path) -> None:
    missing = tmp_path / "none.pem"
    with pytest.raises(ConfigurationError, match="no certificates to trust"):
        Connection(Target("https://localhost", verify=str(missing)), QUICK)


@pytest.mark.skipif(not LINUX, reason="only Linux stamps what it receives")
def test_a_first_token_that_waits_for_a_late_process_keeps_its_time(servers: Servers) -> None:
    now = token("{now_ns} ")
    script = [HEAD, ROLE, pause(0.03), now, pause(0.8), now, FINISH, DONE, END]
    with closing(servers.connection()) as connection:
        ask(connection, answer("warm"))
        reply = asked_while_blocked(connection, script, 0.5)
    assert reply.clock is Clock.KERNEL
    assert reply.lateness_us[0] > 250_000
    assert 0 <= errors_ms(reply)[0] < 50


def test_it_works_alike_where_gevent_has_patched_everything(servers: Servers) -> None:
    address = f"https://localhost:{servers.port}"
    command = [sys.executable, "-c", PATCHED, address, str(servers.authority)]
    run = subprocess.run(
        [*command, json.dumps(answer("a", "b"))],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=Path(__file__).parents[2] / "src",
    )
    assert run.returncode == 0, run.stderr
    clock = "kernel" if LINUX else "process"
    assert json.loads(run.stdout) == [["completed", "ab", clock, None]] * 2
