"""What a reply makes of the streams that servers send, good and bad."""

import json

import pytest

from loadproof.model.record import Clock, Failure, Outcome
from loadproof.streaming.reply import Close, Ending, Reply, Timeline, assemble
from loadproof.streaming.response import Response
from unit.replies import (
    BY_SERVER,
    CHUNKED,
    DONE,
    FINISH,
    MS,
    STREAM,
    TO_THE_CLOSE,
    WHOLE,
    chunked,
    cut,
    event,
    reply_of,
    reply_to,
    texts,
    usage,
)

ROLE = event({"role": "assistant", "content": ""})
NULL_ROLE = event({"role": "assistant", "content": None})


def arrivals_ms(reply: Reply) -> list[int]:
    return [ns // MS for ns in reply.arrivals_ns]


def test_role_only_and_empty_deltas_bear_no_token() -> None:
    pieces = (
        ROLE,
        NULL_ROLE,
        event({}),
        texts("a"),
        event({"content": ""}),
        texts("b"),
        FINISH,
        DONE,
    )
    reply = reply_to(*pieces)
    assert (reply.outcome, reply.answer.text) == (Outcome.COMPLETED, "ab")
    assert arrivals_ms(reply) == [5, 7]
    assert reply.answer_index == 0


def test_an_event_arrives_when_its_last_byte_does() -> None:
    first, second = texts("a"), texts("b")
    reply = reply_to(ROLE + first[:9], first[9:-1], first[-1:] + second[:20], second[20:] + DONE)
    assert arrivals_ms(reply) == [4, 5]


def test_events_of_one_read_are_counted_as_coalesced() -> None:
    reply = reply_to(texts("a"), texts("b", "c", "d"), texts("e"), FINISH + DONE)
    assert (arrivals_ms(reply), reply.coalesced) == ([2, 3, 3, 3, 4], 2)
    assert not reply.first_token_coalesced
    assert reply_to(texts("a", "b"), DONE).first_token_coalesced


def test_a_token_that_shares_its_read_with_the_end_is_not_coalesced() -> None:
    assert reply_to(texts("a"), texts("b") + FINISH + DONE).coalesced == 0


@pytest.mark.parametrize("name", ["reasoning", "reasoning_content"])
def test_reasoning_comes_before_the_answer(name: str) -> None:
    thinking = event({name: "let me"}), event({name: " see"})
    reply = reply_to(ROLE, *thinking, texts("\n\n"), texts("four"), FINISH, DONE)
    assert (reply.answer.thinking, reply.answer.text) == ("let me see", "\n\nfour")
    assert reply.answer.finished_thinking
    assert (arrivals_ms(reply), reply.answer_index) == ([3, 4, 5, 6], 2)
    assert reply.thinking_tokens == 2


def test_reasoning_that_never_ends_has_no_answer() -> None:
    reply = reply_to(ROLE, event({"reasoning": "hm"}), event({}, "length"), DONE)
    assert (reply.answer.thinking, reply.answer.text) == ("hm", "")
    assert (reply.answer.finished_thinking, reply.answer_index) == (False, None)


@pytest.mark.parametrize(
    ("pieces", "thinking", "text", "finished", "answer_index"),
    [
        (["<think>", "\nhm", "\n</think>", "\n\n", "four"], "hm", "four", True, 3),
        (["hm", "</think>", "four"], "hm", "four", True, 2),
        (["hm", "</think>four", "!"], "hm", "four!", True, 1),
        (["hm", "</th", "ink", ">", "\n\nfour"], "hm", "four", True, 4),
        (["hm", "</th", "ink> ", "four"], "hm", "four", True, 2),
        (["你好", "吗</thi", "nk>", "四"], "你好吗", "四", True, 3),
        (["<th", "ink>", "hm"], "hm", "", False, None),
        (["<think>\n\n</think>\n\n", "four"], "", "four", True, 0),
        (["hm", "</think>"], "hm", "", True, None),
        (["a", "</think>", "b</think>", "c"], "a", "b</think>c", True, 2),
        (["four", " < five"], None, "four < five", True, 0),
        (["\n\n four "], None, "\n\n four ", True, 0),
    ],
)
def test_thinking_in_plain_content_ends_at_its_tag(
    pieces: list[str], thinking: str | None, text: str, finished: bool, answer_index: int | None
) -> None:
    reply = reply_to(*(texts(piece) for piece in pieces), FINISH, DONE)
    answer = reply.answer
    assert (answer.thinking, answer.text, answer.finished_thinking) == (thinking, text, finished)
    assert reply.answer_index == answer_index


def test_a_prompt_that_opened_the_thinking_makes_unclosed_content_thinking() -> None:
    reply = reply_to(texts("hm", " hm"), event({}, "length"), DONE, opened=True)
    assert (reply.answer.thinking, reply.answer.text) == ("hm hm", "")
    assert (reply.answer.finished_thinking, reply.answer_index) == (False, None)
    assert reply.thinking_tokens == 2


def test_a_tool_call_bears_tokens_and_is_counted_once() -> None:
    def call(index: int, **function: str) -> bytes:
        return event({"tool_calls": [{"index": index, "function": function}]})

    pieces = (
        call(0, name="f", arguments=""),
        call(0, arguments='{"a"'),
        call(0, arguments=":1}"),
        call(1, name="g", arguments="{}"),
        event({}, "tool_calls"),
        DONE,
    )
    reply = reply_to(ROLE, *pieces)
    assert (reply.tool_calls, len(reply.arrivals_ns), reply.answer_index) == (2, 4, 0)
    assert (reply.outcome, reply.finish_reason) == (Outcome.COMPLETED, "tool_calls")


def test_running_counts_tell_the_tokens_of_each_event() -> None:
    pieces = (
        event({"role": "assistant", "content": ""}, usage=usage(9, 0)),
        event({"content": "ab"}, usage=usage(9, 2)),
        event({"content": ""}, usage=usage(9, 3)),
        event({"content": "c"}, usage=usage(9, 4)),
        event({"content": "d"}, usage=usage(9, 5)),
        event({}, "stop", usage=usage(9, 6)),
    )
    reply = reply_to(*pieces, DONE)
    assert list(reply.tokens) == [2, 2, 1]
    assert (reply.prompt_tokens, reply.output_tokens, reply.multi_token_events) == (9, 6, 2)


def test_a_final_usage_is_shared_in_proportion_to_the_text() -> None:
    end = event({}, "length", usage=usage(9, 10))
    reply = reply_to(texts("aaaa"), texts("b"), texts("cccccccc"), end, DONE)
    assert list(reply.tokens) == [3, 2, 5]
    assert (reply.output_tokens, reply.multi_token_events) == (10, 3)


def test_the_invisible_token_at_the_end_makes_no_event_bear_two() -> None:
    reply = reply_to(texts("a"), texts("b"), FINISH, event(usage=usage(9, 3)), DONE)
    assert (list(reply.tokens), reply.output_tokens) == ([1, 1], 3)


def test_without_usage_each_event_counts_as_one_token() -> None:
    reply = reply_to(texts("long text"), texts("b"), FINISH, DONE)
    assert (list(reply.tokens), reply.output_tokens, reply.prompt_tokens) == ([1, 1], 2, None)


@pytest.mark.parametrize(
    ("details", "running", "expected"),
    [({}, False, 2), ({"reasoning_tokens": 7}, False, 7), ({"reasoning_tokens": 0}, False, 2),
     ({"reasoning_tokens": 7}, True, 5)],
)  # fmt: skip
def test_thinking_tokens_come_from_the_best_source(
    details: dict[str, int], running: bool, expected: int
) -> None:
    def with_count(delta: dict[str, str], count: int) -> bytes:
        return event(delta, usage=usage(9, count)) if running else event(delta)

    pieces = (
        with_count({"reasoning": "a"}, 3),
        with_count({"reasoning": "b"}, 5),
        with_count({"content": "c"}, 8),
    )
    last = {"choices": [], "usage": usage(9, 8 if running else 3, **details)}
    reply = reply_to(*pieces, FINISH, b"data: " + json.dumps(last).encode() + b"\n\n", DONE)
    assert reply.thinking_tokens == expected


def test_hidden_reasoning_is_counted_though_it_is_never_seen() -> None:
    end = event(usage=usage(9, 40, reasoning_tokens=38))
    reply = reply_to(texts("four"), FINISH, end, DONE)
    assert (reply.answer.thinking, reply.thinking_tokens) == (None, 38)


def test_only_the_choice_of_index_0_is_read() -> None:
    other = {"index": 1, "delta": {"content": "x"}, "finish_reason": "length"}
    chunk = b"data: " + json.dumps({"choices": [other]}).encode() + b"\n\n"
    reply = reply_to(chunk, texts("a"), chunk, FINISH, DONE)
    assert (reply.answer.text, reply.finish_reason, len(reply.arrivals_ns)) == ("a", "stop", 1)


def test_text_survives_any_encoding_of_it() -> None:
    pieces = '"\\ \u2028\u2029\u0085 你好 🎉 \x00\x1f </p>', "é"
    reply = reply_to(texts(*pieces), event({"content": "\U0001f389"}), FINISH, DONE)
    assert reply.answer.text == "".join(pieces) + "🎉"
    escaped = b'data: {"choices": [{"delta": {"content": "\\ud83c\\udf89\\u2028"}}]}\n\n'
    assert reply_to(escaped, FINISH, DONE).answer.text == "🎉\u2028"


COMPLETE = {
    "all of it": (texts("a") + FINISH + DONE, BY_SERVER),
    "no [DONE]": (texts("a") + FINISH, BY_SERVER),
    "no finish_reason": (texts("a") + DONE, BY_SERVER),
    "[DONE] without a line's end": (texts("a") + FINISH + b"data: [DONE]", BY_SERVER),
    "[DONE] without a space": (texts("a") + FINISH + b"data:[DONE]\n\n", BY_SERVER),
    "a reset after [DONE]": (texts("a") + FINISH + DONE, Ending(Close.FAILED, Failure.RESET, "x")),
    "cut off after [DONE]": (texts("a") + FINISH + DONE, Ending(Close.CUT_OFF)),
    "a last event without its end": (texts("a") + FINISH.rstrip(b"\n"), BY_SERVER),
}


@pytest.mark.parametrize("name", COMPLETE)
def test_a_stream_is_complete(name: str) -> None:
    body, ending = COMPLETE[name]
    reply = reply_to(body, ending=ending)
    assert (reply.outcome, reply.failure, reply.failure_detail) == (Outcome.COMPLETED, None, None)
    assert reply.answer.text == "a"


TIMEOUT = Ending(Close.FAILED, Failure.TIMEOUT_BETWEEN_TOKENS, "no token for 60 s")
BROKEN: dict[str, tuple[bytes, Ending, Failure, str]] = {
    "no end": (TO_THE_CLOSE + texts("a"), BY_SERVER, Failure.TRUNCATED, "finish_reason"),
    "cut within an event": (
        TO_THE_CLOSE + texts("a") + FINISH[:40], BY_SERVER, Failure.TRUNCATED, "finish_reason"),
    "cut within the chunks": (
        CHUNKED + chunked(texts("a") + FINISH)[:-5], BY_SERVER, Failure.TRUNCATED,
        "within the body"),
    "shorter than promised": (
        STREAM + b"Content-Length: 999\r\n\r\n" + texts("a") + FINISH, BY_SERVER,
        Failure.TRUNCATED, "within the body"),
    "nothing at all": (b"", BY_SERVER, Failure.TRUNCATED, "before any response"),
    "half a head": (STREAM, BY_SERVER, Failure.TRUNCATED, "before any response"),
    "an empty stream": (TO_THE_CLOSE, BY_SERVER, Failure.TRUNCATED, "after 0 events"),
    "time ran out": (TO_THE_CLOSE + texts("a"), TIMEOUT, Failure.TIMEOUT_BETWEEN_TOKENS, "60 s"),
    "invalid JSON": (
        TO_THE_CLOSE + b"data: {oops}\n\n" + FINISH + DONE, BY_SERVER, Failure.MALFORMED, "oops"),
    "a wrong type": (
        TO_THE_CLOSE + event({"content": 5}) + FINISH + DONE, BY_SERVER, Failure.MALFORMED,
        "delta.content"),
    "not UTF-8": (
        TO_THE_CLOSE + b'data: {"choices": [{"delta": {"content": "\xff\xfe"}}]}\n\n' + DONE,
        BY_SERVER, Failure.MALFORMED, "not UTF-8"),
    "no chunk size": (CHUNKED + b"data: x\n\n", TIMEOUT, Failure.MALFORMED, "no number"),
    "not HTTP": (b"SSH-2.0\r\n", BY_SERVER, Failure.MALFORMED, "no HTTP/1.1 response"),
    "compressed": (
        STREAM + b"Content-Encoding: br\r\n\r\n", BY_SERVER, Failure.MALFORMED,
        "content-encoding 'br'"),
    "a web page": (
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n<html>Welcome</html>", BY_SERVER,
        Failure.MALFORMED, "no event stream but text/html"),
    "an error in OpenAI's form": (
        TO_THE_CLOSE + texts("a") + b'data: {"error": {"message": "out of memory", "code": 500}}'
        b"\n\n" + DONE, BY_SERVER, Failure.SERVER_ERROR_EVENT, "out of memory"),
    "an error in older vLLM's form": (
        TO_THE_CLOSE + texts("a") + b'data: {"object": "error", "message": "too long"}\n\n',
        BY_SERVER, Failure.SERVER_ERROR_EVENT, "too long"),
    "an error that is a string": (
        TO_THE_CLOSE + b'data: {"error": "overloaded", "error_type": "overloaded"}\n\n', BY_SERVER,
        Failure.SERVER_ERROR_EVENT, "overloaded"),
    "an event of the type error": (
        TO_THE_CLOSE + b"event: error\ndata: it broke\n\n", BY_SERVER,
        Failure.SERVER_ERROR_EVENT, "it broke"),
    "an error before the reset that it led to": (
        TO_THE_CLOSE + b'data: {"error": {"message": "died"}}\n\n',
        Ending(Close.FAILED, Failure.RESET, "connection reset"), Failure.SERVER_ERROR_EVENT,
        "died"),
    "a redirect": (
        b"HTTP/1.1 307 Temporary Redirect\r\nLocation: /v2\r\nContent-Length: 0\r\n\r\n", WHOLE,
        Failure.HTTP_STATUS, "points to /v2"),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_a_failure_is_of_its_kind_and_says_why(name: str) -> None:
    stream, ending, failure, words = BROKEN[name]
    reply = reply_of(stream, ending=ending)
    assert (reply.outcome, reply.failure) == (Outcome.FAILED, failure)
    assert words in (reply.failure_detail or "")


@pytest.mark.parametrize("name", BROKEN)
def test_a_failure_is_the_same_however_it_was_cut(name: str) -> None:
    stream, ending, failure, _ = BROKEN[name]
    reply = reply_of(*cut(stream, range(len(stream))), ending=ending)
    assert (reply.outcome, reply.failure) == (Outcome.FAILED, failure)


def test_what_arrived_before_a_failure_is_kept() -> None:
    reply = reply_to(ROLE, texts("a"), texts("b"), ending=TIMEOUT, closed=False)
    assert (reply.answer.text, arrivals_ms(reply), reply.output_tokens) == ("ab", [3, 4], 2)


def test_an_exchange_that_was_cut_off_keeps_what_arrived() -> None:
    reply = reply_to(texts("a"), ending=Ending(Close.CUT_OFF), closed=False)
    assert (reply.outcome, reply.failure, reply.answer.text) == (Outcome.CUT_OFF, None, "a")


STATUS_BODIES = {
    "OpenAI": (b'{"error": {"message": "Rate limit reached"}}', "429 Too Many: Rate limit reached"),
    "FastAPI": (b'{"detail": [{"loc": ["body"], "msg": "field required"}]}',
                "429 Too Many: field required"),
    "a page": (b"<html><head><title>T</title></head><body><h1>429 &amp; out</h1><p>nginx</p>",
               "429 Too Many: 429 & out nginx"),
    "only a title": (b"<html><head><title>Slow down</title></head></html>",
                     "429 Too Many: Slow down"),
    "text": (b"slow\r\ndown\x1b[0m", "429 Too Many: slow down [0m"),
    "nothing": (b"", "429 Too Many"),
    "not UTF-8": (b"\xff\xfe", "429 Too Many: \ufffd\ufffd"),
    "JSON without a message": (b'{"code": 7}', '429 Too Many: {"code":7}'),
}  # fmt: skip


@pytest.mark.parametrize("name", STATUS_BODIES)
def test_an_error_status_is_told_in_one_line_without_tags(name: str) -> None:
    body, line = STATUS_BODIES[name]
    head = b"HTTP/1.1 429 Too Many\r\nContent-Length: %d\r\n\r\n" % len(body)
    reply = reply_of(head + body, ending=WHOLE)
    assert (reply.failure, reply.http_status) == (Failure.HTTP_STATUS, 429)
    assert reply.failure_detail == line
    assert reply.output_tokens is None


def test_a_long_error_page_is_cut_short() -> None:
    body = b"<p>" + b"long " * 50_000
    head = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: %d\r\n\r\n" % len(body)
    detail = reply_of(head, body, ending=WHOLE).failure_detail
    assert detail is not None
    assert len(detail) == 200


def whole(message: dict[str, object], *, kind: bytes = b"application/json") -> bytes:
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = json.dumps({"choices": [choice], "usage": usage(9, 5)}).encode()
    return b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s" % (
        kind,
        len(body),
        body,
    )


@pytest.mark.parametrize("kind", [b"application/json; charset=utf-8", b"text/plain"])
def test_an_answer_that_was_not_streamed_is_one_event_at_its_end(kind: bytes) -> None:
    stream = whole({"role": "assistant", "content": "four"}, kind=kind)
    reply = reply_of(*cut(stream, [60, len(stream) - 5]), ending=WHOLE)
    assert (reply.outcome, reply.answer.text) == (Outcome.COMPLETED, "four")
    assert (arrivals_ms(reply), list(reply.tokens), reply.output_tokens) == ([3], [5], 5)


def test_an_answer_that_was_not_streamed_may_think() -> None:
    reply = reply_of(whole({"reasoning_content": "hm", "content": "four"}), ending=WHOLE)
    assert (reply.answer.thinking, reply.answer.text) == ("hm", "four")


def test_json_that_is_no_answer_is_malformed() -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n"
    assert reply_of(head + b'{"ok": true}').failure is Failure.MALFORMED
    assert reply_of(head + b'{"error": "no"}').failure is Failure.SERVER_ERROR_EVENT
    assert reply_of(head + b'{"choices": [{').failure is Failure.MALFORMED


def test_by_the_process_clock_an_event_arrived_when_it_was_read() -> None:
    response = Response()
    response.feed(TO_THE_CLOSE + texts("a"), 5 * MS, 7 * MS)
    response.feed(texts("b") + DONE, 8 * MS, 9 * MS)
    times = Timeline(0, None, 0, MS, 9 * MS, Clock.PROCESS)
    reply = assemble(response, BY_SERVER, times)
    assert (arrivals_ms(reply), list(reply.lateness_us)) == ([7, 9], [2000, 1000])


def test_the_detail_of_a_failure_is_concealed_before_it_is_kept() -> None:
    body = b'{"error": {"message": "bad key sk-verysecret"}}'
    response = Response()
    response.feed(b"HTTP/1.1 401 Unauthorized\r\n\r\n" + body, 1, 1)
    response.close(2)
    times = Timeline(0, None, 0, 1, 2, Clock.KERNEL)
    reply = assemble(response, BY_SERVER, times, conceal=lambda text: text.replace("sk-very", "…"))
    assert reply.failure_detail == "401 Unauthorized: bad key …secret"
