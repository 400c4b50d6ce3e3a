"""One connection against a server that does to it whatever servers and networks do."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import gevent
import pytest

from integration.scripts import (
    CLOSE,
    DONE,
    END,
    FINISH,
    HANG,
    HEAD,
    PATH,
    QUICK,
    RESET,
    ROLE,
    TO_THE_CLOSE,
    Step,
    answer,
    ask,
    connect,
    delta,
    pause,
    scripted_server,
    token,
)
from loadproof.model.record import Clock, Failure, Outcome
from loadproof.model.scenario import Timeouts
from loadproof.streaming import reading
from loadproof.streaming.connection import Connection, Target
from loadproof.streaming.native import library
from loadproof.streaming.reply import Reply

LINUX = sys.platform == "linux"


@pytest.fixture(autouse=True, params=["thread", "loop"])
def reader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Everything holds for both ways of reading."""
    if request.param == "loop":
        monkeypatch.setattr(reading, "receiver", lambda: None)
    elif library() is None:
        pytest.skip("the compiled part is not there")
    return str(request.param)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with scripted_server() as ports:
        yield ports[0]


@pytest.fixture
def connection(port: int) -> Iterator[Connection]:
    with closing(connect(port)) as connection:
        yield connection


def content_of(reply: Reply) -> list[str]:
    return reply.answer.text.split()


def test_a_streamed_answer_is_read(connection: Connection) -> None:
    reply = ask(connection, answer("Hel", "lo"))
    assert (reply.outcome, reply.failure_detail) == (Outcome.COMPLETED, None)
    assert (reply.answer.text, reply.http_status, reply.finish_reason) == ("Hello", 200, "stop")
    ours = [reply.start_ns, reply.connected_ns, reply.written_ns, time.monotonic_ns()]
    theirs = [reply.start_ns, reply.first_byte_ns, *reply.arrivals_ns, reply.end_ns]
    assert None not in ours + theirs
    assert ours == sorted(ours, key=int)
    assert theirs == sorted(theirs, key=int)


def test_a_connection_is_kept_for_the_next_request(connection: Connection) -> None:
    said = [ask(connection, answer("{connection}", " {request}")) for _ in range(3)]
    numbers = [content_of(reply) for reply in said]
    assert len({first for first, _ in numbers}) == 1
    assert [second for _, second in numbers] == ["1", "2", "3"]
    assert said[0].connected_ns is not None
    assert said[1].connected_ns is None


BODY = delta("{connection}") + FINISH[1] + DONE[1]  # type: ignore[operator]  # texts, both
WITH_LENGTH = (
    "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: {length}\r\n{more}\r\n"
)


def with_length(body: str, more: str = "") -> list[Step]:
    length = len(body) - len("{connection}") + len("1")
    return [["send", WITH_LENGTH.replace("{length}", str(length)).replace("{more}", more)],
            pause(0.02), ["send", body[:300]], pause(0.02), ["send", body[300:]]]  # fmt: skip


def test_a_body_of_told_length_ends_there_and_keeps_the_connection() -> None:
    with scripted_server() as (port,), closing(connect(port)) as connection:
        for _ in range(2):
            reply = ask(connection, with_length(BODY))
            assert (reply.outcome, reply.answer.text) == (Outcome.COMPLETED, "1")


def test_a_body_may_end_with_the_connection(connection: Connection) -> None:
    script = [TO_THE_CLOSE, ["send", delta("{connection}")], ["send", FINISH[1]], CLOSE]
    first, second = ask(connection, script), ask(connection, script)
    assert (first.outcome, second.outcome) == (Outcome.COMPLETED, Outcome.COMPLETED)
    assert first.answer.text != second.answer.text


def test_a_server_that_says_close_gets_a_new_connection(connection: Connection) -> None:
    head: Step = [
        "send",
        "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n"
        "Transfer-Encoding: chunked\r\n\r\n",
    ]
    script = [head, token("{connection}"), FINISH, DONE, END]
    first, second = ask(connection, script), ask(connection, script)
    assert first.outcome is second.outcome is Outcome.COMPLETED
    assert first.answer.text != second.answer.text


def test_a_connection_that_the_server_closed_while_idle_is_no_failure(
    connection: Connection,
) -> None:
    first = ask(connection, [*answer("{connection}"), CLOSE])
    while connection_looks_open(connection):
        gevent.sleep(0.005)
    second = ask(connection, answer("{connection}"))
    assert (first.outcome, second.outcome) == (Outcome.COMPLETED, Outcome.COMPLETED)
    assert first.answer.text != second.answer.text
    assert second.connected_ns is not None


def connection_looks_open(connection: Connection) -> bool:
    wire = connection._wire
    return wire is not None and wire.is_quiet()


@pytest.mark.parametrize("end", [CLOSE, RESET], ids=["close", "reset"])
def test_a_kept_connection_that_closes_on_the_request_is_opened_again_once(
    end: Step,
) -> None:
    """The server closes on reading the second request, before a byte of a response."""
    with scripted_server() as (port,), closing(connect(port)) as connection:
        assert ask(connection, answer("{connection}")).answer.text == "1"
        reply = ask(connection, [end])
        assert reply.outcome is Outcome.FAILED
        assert reply.connected_ns is not None
        assert ask(connection, answer("{connection}")).answer.text == "3"


def test_a_new_connection_that_closes_at_once_is_truncated(connection: Connection) -> None:
    reply = ask(connection, [CLOSE])
    assert (reply.failure, reply.http_status) == (Failure.TRUNCATED, None)
    assert reply.failure_detail == "the connection was closed before any response"


def test_localhost_falls_back_to_the_address_that_listens(port: int) -> None:
    """The server listens on 127.0.0.1 alone; ::1 comes first where the machine has it."""
    with closing(Connection(Target(f"http://localhost:{port}"), QUICK)) as connection:
        assert ask(connection, answer("a")).answer.text == "a"


def test_a_closed_port_is_a_failure_to_connect() -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        reply = ask(connect(held.getsockname()[1]), [])
    assert (reply.outcome, reply.failure) == (Outcome.FAILED, Failure.CONNECT)
    assert "connection refused" in (reply.failure_detail or "")
    assert (len(reply.arrivals_ns), reply.answer.text, reply.clock) == (0, "", Clock.PROCESS)


def test_a_name_without_an_address_is_a_failure_to_connect() -> None:
    reply = ask(Connection(Target("http://no-such-host.invalid"), QUICK), [])
    assert reply.failure is Failure.CONNECT
    assert "no address of no-such-host.invalid" in (reply.failure_detail or "")


@pytest.mark.skipif(not LINUX, reason="a full backlog drops connections on Linux")
def test_a_host_that_does_not_answer_is_a_timeout_to_connect() -> None:
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for sock in (first, second):
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        timeouts = QUICK.model_copy(update={"connect": 0.2})
        reply = ask(connect(listener.getsockname()[1], timeouts), [])
    assert reply.failure is Failure.TIMEOUT_CONNECT
    assert reply.end_ns - reply.start_ns >= 200_000_000


TIMEOUTS: dict[Failure, tuple[Timeouts, list[Step], str]] = {
    Failure.TIMEOUT_FIRST_TOKEN: (
        QUICK.model_copy(update={"first_token": 0.2}), [HEAD, ROLE, HANG], ""),
    Failure.TIMEOUT_BETWEEN_TOKENS: (
        QUICK.model_copy(update={"between_tokens": 0.2}), [HEAD, ROLE, token("a"), HANG], "a"),
    Failure.TIMEOUT_WHOLE: (
        QUICK.model_copy(update={"whole": 0.3}),
        [HEAD, ROLE, token("a"), *([["chunk", ": ping\n\n"], pause(0.02)] * 200)], "a"),
}  # fmt: skip


@pytest.mark.parametrize("failure", TIMEOUTS)
def test_a_timeout_is_of_its_kind_and_keeps_what_arrived(port: int, failure: Failure) -> None:
    timeouts, script, text = TIMEOUTS[failure]
    with closing(connect(port, timeouts)) as connection:
        reply = ask(connection, script)
        assert (reply.outcome, reply.failure) == (Outcome.FAILED, failure)
        assert (reply.answer.text, reply.http_status) == (text, 200)
        assert ask(connection, answer("b")).answer.text == "b"


def test_keep_alives_do_not_count_as_tokens(port: int) -> None:
    timeouts = QUICK.model_copy(update={"between_tokens": 0.3})
    pings: list[Step] = [["chunk", ": ping\n\n"], pause(0.02)] * 200
    with closing(connect(port, timeouts)) as connection:
        reply = ask(connection, [HEAD, token("a"), *pings])
    assert reply.failure is Failure.TIMEOUT_BETWEEN_TOKENS


def test_an_answer_may_take_longer_than_the_silence_allowed(port: int) -> None:
    """Each token starts the wait anew: the timer is not that of the first one."""
    timeouts = QUICK.model_copy(update={"between_tokens": 1.0})
    tokens = [step for n in range(8) for step in (token(f"{n} "), pause(0.2))]
    with closing(connect(port, timeouts)) as connection:
        reply = ask(connection, [HEAD, *tokens, FINISH, DONE, END])
    assert (reply.outcome, content_of(reply)) == (Outcome.COMPLETED, list("01234567"))


def error_event(text: str) -> Step:
    return ["chunk", f"data: {json.dumps({'error': {'message': text}})}\n\n"]


FAILURES: dict[str, tuple[list[Step], Failure, str]] = {
    "truncated": ([HEAD, token("a"), CLOSE], Failure.TRUNCATED, "within the body"),
    "reset": ([HEAD, token("a"), pause(0.1), RESET], Failure.RESET, "connection reset"),
    "error event": (
        [HEAD, token("a"), error_event("out of memory"), DONE, END],
        Failure.SERVER_ERROR_EVENT, "out of memory"),
    "bad JSON": (
        [HEAD, token("a"), ["chunk", "data: {oops}\n\n"], DONE, END], Failure.MALFORMED, "oops"),
    "bad chunk": ([HEAD, token("a"), ["send", "data: x"], CLOSE], Failure.MALFORMED, "chunk"),
    "compressed": (
        [["send", "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n"]], Failure.MALFORMED,
        "content-encoding"),
    "header without end": (
        [["send", "HTTP/1.1 200 OK\r\nX: " + "x" * 70_000]], Failure.MALFORMED, "response head"),
    "status": (
        [["send", "HTTP/1.1 503 Busy\r\nContent-Length: 11\r\n\r\n<b>wait</b>"]],
        Failure.HTTP_STATUS, "503 Busy: wait"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAILURES)
def test_a_failure_is_of_its_kind_and_the_next_request_goes_through(
    connection: Connection, name: str
) -> None:
    script, failure, words = FAILURES[name]
    reply = ask(connection, script)
    assert (reply.outcome, reply.failure) == (Outcome.FAILED, failure)
    assert words in (reply.failure_detail or "")
    assert reply.answer.text == ("a" if token("a") in script else "")
    assert ask(connection, answer("b")).answer.text == "b"


def test_a_server_that_ends_no_body_after_done_is_not_waited_for(connection: Connection) -> None:
    reply = ask(connection, [HEAD, token("a"), FINISH, DONE, HANG])
    assert (reply.outcome, reply.answer.text) == (Outcome.COMPLETED, "a")
    assert reply.end_ns - reply.start_ns < 15_000_000_000
    assert ask(connection, answer("b")).answer.text == "b"


def test_a_request_larger_than_every_buffer_is_sent(connection: Connection) -> None:
    body = b" " * 12_000_000 + json.dumps(answer("a")).encode()
    assert connection.post(PATH, body).answer.text == "a"


def test_a_long_answer_is_decoded_as_it_comes_and_nothing_is_lost(connection: Connection) -> None:
    contents = [f"{n} " for n in range(3000)]
    reply = ask(connection, answer(*contents))
    assert content_of(reply) == [str(n) for n in range(3000)]
    assert len(reply.arrivals_ns) == 3000
    assert reply.lateness_us.buffer_info()[1] == 3000


def test_a_long_answer_is_not_kept_undecoded_until_its_end(connection: Connection) -> None:
    tokens = [token(f"{n} ") for n in range(2000)]
    greenlet = in_flight(connection, [HEAD, *tokens, HANG], 1500)
    connection.cut_off()
    assert len(content_of(greenlet.get(timeout=20))) >= 1500


def test_an_answer_in_tiny_pieces_is_the_same(connection: Connection) -> None:
    text = "".join(str(step[1]) for step in (ROLE, token("a"), token("\u2028b"), FINISH, DONE))
    framed = f"{len(text):x}\r\n{text}\r\n0\r\n\r\n"
    pieces: list[Step] = [["send", framed[n : n + 3]] for n in range(0, len(framed), 3)]
    reply = ask(connection, [HEAD, *pieces])
    assert (reply.outcome, reply.answer.text) == (Outcome.COMPLETED, "a\u2028b")


def test_line_ends_of_two_bytes_end_no_answer_early(connection: Connection) -> None:
    steps = (ROLE, token("a"), token("b"), FINISH, DONE)
    crlf: list[Step] = [["chunk", str(step[1]).replace("\n", "\r\n")] for step in steps]
    reply = ask(connection, [HEAD, *crlf, END])
    assert (reply.outcome, reply.answer.text) == (Outcome.COMPLETED, "ab")


def test_the_request_carries_its_headers_and_asks_for_no_compression(port: int) -> None:
    with closing(connect(port, Authorization="Bearer sk-verysecret")) as connection:
        detail = ask(connection, [["echo"]]).failure_detail or ""
    assert "accept-encoding: identity" in detail
    assert "sk-verysecret" not in detail
    assert "[concealed]" in detail


def test_proxies_of_the_environment_are_ignored(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert ask(connection, answer("a")).answer.text == "a"


def in_flight(
    connection: Connection, script: list[Step], tokens: int
) -> "gevent.Greenlet[..., Reply]":
    """A greenlet that asks; returned once it has begun, and so many tokens have come."""
    greenlet = gevent.spawn(ask, connection, script)
    with gevent.Timeout(20):
        gevent.sleep(0)
        while connection.tokens_so_far < tokens:
            gevent.sleep(0.002)
    assert not greenlet.ready()
    return greenlet


def test_another_greenlet_can_cut_an_exchange_off(connection: Connection) -> None:
    greenlet = in_flight(connection, [HEAD, ROLE, token("a"), HANG], 1)
    connection.cut_off()
    reply = greenlet.get(timeout=20)
    assert (reply.outcome, reply.failure, reply.answer.text) == (Outcome.CUT_OFF, None, "a")
    assert ask(connection, answer("b")).answer.text == "b"


def test_an_exchange_can_be_cut_off_before_it_is_connected() -> None:
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for sock in (first, second):
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
        connection = connect(listener.getsockname()[1])
        greenlet = in_flight(connection, [], 0)
        connection.cut_off()
        reply = greenlet.get(timeout=20)
    assert (reply.outcome, reply.http_status) == (Outcome.CUT_OFF, None)


def test_cutting_off_an_idle_connection_does_nothing(connection: Connection) -> None:
    connection.cut_off()
    assert ask(connection, answer("a")).outcome is Outcome.COMPLETED


def test_a_killed_greenlet_leaves_what_arrived_and_a_closed_socket(connection: Connection) -> None:
    greenlet = in_flight(connection, [HEAD, ROLE, token("a"), HANG], 1)
    greenlet.kill(timeout=20)
    reply = connection.interrupted
    assert reply is not None
    assert (reply.outcome, reply.answer.text, len(reply.arrivals_ns)) == (Outcome.CUT_OFF, "a", 1)
    assert connection._wire is None
    assert ask(connection, answer("b")).answer.text == "b"
    assert connection.interrupted is None


def test_a_timeout_of_the_callers_goes_through(connection: Connection) -> None:
    with pytest.raises(gevent.Timeout), gevent.Timeout(0.2):
        ask(connection, [HEAD, token("a"), HANG])
    assert connection.interrupted is not None
    assert connection.interrupted.outcome is Outcome.CUT_OFF


def test_many_connections_share_one_loop(port: int) -> None:
    def user(number: int) -> str:
        with closing(connect(port)) as connection:
            script = [HEAD, token("a"), pause(0.05), token(str(number)), FINISH, DONE, END]
            return ask(connection, script).answer.text

    greenlets = [gevent.spawn(user, number) for number in range(40)]
    gevent.joinall(greenlets, timeout=30)
    assert [greenlet.value for greenlet in greenlets] == [f"a{number}" for number in range(40)]


def errors_ms(reply: Reply) -> list[float]:
    """How much later than the server's own time each token is said to have arrived."""
    sent = [int(text) for text in content_of(reply)]
    return [
        (arrival - before) / 1e6 for arrival, before in zip(reply.arrivals_ns, sent, strict=True)
    ]


def asked_while_blocked(connection: Connection, script: list[Step], blocked_s: float) -> Reply:
    """The reply to a script during which a greenlet keeps the loop busy from its start on."""
    greenlet = gevent.spawn(ask, connection, script)
    gevent.sleep(0)
    end = time.monotonic() + blocked_s
    while time.monotonic() < end:
        pass
    return greenlet.get(timeout=30)


NOW: Step = token("{now_ns} ")
linux_only = pytest.mark.skipif(not LINUX, reason="only Linux stamps what it receives")


@linux_only
def test_arrivals_are_the_kernels_stamps(connection: Connection) -> None:
    tokens = [step for _ in range(10) for step in (NOW, pause(0.01))]
    reply = ask(connection, [HEAD, ROLE, *tokens, FINISH, DONE, END])
    assert reply.clock is Clock.KERNEL
    assert all(0 <= error < 5 for error in sorted(errors_ms(reply))[:-1])


@linux_only
def test_a_first_token_that_waits_for_a_late_process_keeps_its_time(port: int, reader: str) -> None:
    """Role event and first token wait 400 ms for the loop; the second token comes after that."""
    with closing(connect(port)) as connection:
        ask(connection, answer("warm"))
        script = [HEAD, ROLE, pause(0.03), NOW, pause(0.8), NOW, FINISH, DONE, END]
        reply = asked_while_blocked(connection, script, 0.5)
    if reader == "loop":
        assert reply.lateness_us[0] > 250_000
    else:
        assert reply.lateness_us[0] < 250_000
    assert 0 <= errors_ms(reply)[0] < 50
    assert (reply.clock, reply.coalesced) == (Clock.KERNEL, 0)


def reply_to_tokens_that_wait(port: int) -> Reply:
    """Three tokens come 30 ms apart while the loop is held up for half a second."""
    with closing(connect(port)) as connection:
        ask(connection, answer("warm"))
        waits = [step for _ in range(3) for step in (NOW, pause(0.03))]
        script = [HEAD, ROLE, pause(0.03), *waits, pause(0.5), NOW, FINISH, DONE, END]
        return asked_while_blocked(connection, script, 0.5)


@linux_only
def test_tokens_that_wait_together_are_exact_or_said_to_be_coalesced(port: int) -> None:
    """The kernel may join waiting segments and keep the last stamp: then the record says so."""
    reply = reply_to_tokens_that_wait(port)
    errors = errors_ms(reply)
    assert min(errors) >= 0
    together = [a == b for a, b in zip(reply.arrivals_ns, reply.arrivals_ns[1:], strict=False)]
    exact = [error < 15 for error in errors[:-1]]
    assert all(is_exact or joined for is_exact, joined in zip(exact, together, strict=True))
    assert reply.first_token_coalesced == together[0]


@linux_only
def test_the_thread_reads_each_token_in_time_while_the_loop_is_held_up(
    port: int, reader: str
) -> None:
    if reader == "loop":
        pytest.skip("what the thread is there for")
    reply = reply_to_tokens_that_wait(port)
    assert (len(reply.arrivals_ns), reply.coalesced, reply.first_token_coalesced) == (4, 0, False)
    assert max(reply.lateness_us[:3]) < 250_000


PATCHED = """
import sys
from gevent import monkey
monkey.patch_all()
import json, socket
from pathlib import Path
assert "gevent" in socket.socket.__module__
from loadproof.model.scenario import Timeouts
from loadproof.streaming.connection import Connection, Target
connection = Connection(Target(sys.argv[1], verify=sys.argv[2] or True), Timeouts())
replies = [connection.post("/v1", sys.argv[3].encode()) for _ in range(2)]
print(json.dumps([[r.outcome, r.answer.text, r.clock, r.failure_detail] for r in replies]))
"""


def test_it_works_alike_where_gevent_has_patched_everything(port: int) -> None:
    command = [sys.executable, "-c", PATCHED, f"http://localhost:{port}", ""]
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


def test_a_connection_carries_one_request_at_a_time(connection: Connection) -> None:
    greenlet = in_flight(connection, [HEAD, HANG], 0)
    with pytest.raises(RuntimeError, match="one request at a time"):
        ask(connection, answer("a"))
    connection.cut_off()
    greenlet.get(timeout=20)
