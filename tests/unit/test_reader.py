import json
from pathlib import Path

import numpy as np
import pytest

from loadproof.model.errors import RunUnreadableError
from loadproof.model.record import Clock, Outcome, RequestRecord
from loadproof.recording.hdr import IntervalHistograms, counts_of, new_histogram
from loadproof.recording.reader import read_run
from loadproof.recording.records import encode_record
from loadproof.recording.writer import RunWriter


def record(number: int) -> RequestRecord:
    return RequestRecord(
        id=f"w1-{number}",
        step=0,
        users=4,
        task="chat",
        prompt_id="chat-7",
        worker="w1",
        start_ns=number,
        first_byte_ns=None,
        end_ns=number + 5,
        ttft_ms=None,
        ttfat_ms=None,
        itl_p50_ms=None,
        itl_p99_ms=None,
        itl_max_ms=None,
        tpot_ms=None,
        e2e_ms=None,
        clock=Clock.PROCESS,
        events=0,
        prompt_tokens=None,
        output_tokens=None,
        thinking_tokens=None,
        outcome=Outcome.CUT_OFF,
        failure=None,
        http_status=None,
        finish_reason=None,
        warmup=True,
        grades={},
    )


def write_header(run: Path, **fields: object) -> None:
    (run / "run.json").write_text(json.dumps({"schema_version": 1, **fields}))


def test_a_run_is_read_back_as_written(tmp_path: Path) -> None:
    with RunWriter(tmp_path) as writer:
        writer.write_header({"scenario": {"name": "demo"}})
        writer.append_event("run_start", t_ns=1)
        writer.append_records([encode_record(record(1)), encode_record(record(2))])
        writer.append_records([encode_record(record(3))])
        writer.append_event("run_end", reason="done", t_ns=9)
    (tmp_path / "telemetry.jsonl").write_text('{"t_ns": 4, "host_memory": 5}\n')
    run = read_run(tmp_path)
    assert run.header == {"schema_version": 1, "scenario": {"name": "demo"}}
    assert run.records == [record(1), record(2), record(3)]
    assert run.telemetry == [{"t_ns": 4, "host_memory": 5}]
    assert [event["kind"] for event in run.events] == ["run_start", "run_end"]
    assert run.torn_lines == 0
    assert run.finished


def test_a_run_that_only_has_a_header_is_an_unfinished_one(tmp_path: Path) -> None:
    write_header(tmp_path)
    run = read_run(tmp_path)
    assert (run.records, run.events, run.telemetry, run.histograms) == ([], [], [], {})
    assert not run.finished


@pytest.mark.parametrize("end", ["last", "middle"])
def test_torn_lines_are_counted_and_all_others_read(tmp_path: Path, end: str) -> None:
    histograms = IntervalHistograms()
    histograms.record("0/chat/ttft", 50_000.0)
    with RunWriter(tmp_path) as writer:
        writer.write_header({})
        writer.append_records([encode_record(record(1))])
        writer.append_histograms(0, 10, histograms.take())
        writer.append_event("run_start")
        (tmp_path / "telemetry.jsonl").write_text('{"t_ns":1}\n{"t_')
        for name in ("requests.jsonl", "histograms.hlog", "events.jsonl"):
            path = tmp_path / name
            last = path.read_bytes().splitlines()[-1]
            path.write_bytes(path.read_bytes() + last[: len(last) * 2 // 3])
        if end == "middle":
            writer.append_records([encode_record(record(2))])
            histograms.record("0/chat/ttft", 50_000.0)
            writer.append_histograms(10, 20, histograms.take())
            writer.append_event("run_end")
    run = read_run(tmp_path)
    whole = 2 if end == "middle" else 1
    assert run.torn_lines == 4
    assert [r.id for r in run.records] == ["w1-1", "w1-2"][:whole]
    assert run.histograms["0/chat/ttft"].get_total_count() == whole
    assert len(run.events) == whole
    assert run.telemetry == [{"t_ns": 1}]
    assert run.finished == (end == "middle")


def test_every_cut_of_the_requests_reads_every_whole_line(tmp_path: Path) -> None:
    write_header(tmp_path)
    lines = [encode_record(record(number)) for number in range(2)]
    data = b"\n".join(lines) + b"\n"
    for size in range(len(lines[0]), len(data)):
        (tmp_path / "requests.jsonl").write_bytes(data[:size])
        run = read_run(tmp_path)
        whole = 2 if size >= len(data) - 1 else 1
        partial = len(lines[0]) + 1 < size < len(data) - 1
        assert (len(run.records), run.torn_lines) == (whole, partial)


def test_blocks_of_zeros_left_by_a_crashed_machine_are_torn_lines(tmp_path: Path) -> None:
    write_header(tmp_path)
    (tmp_path / "requests.jsonl").write_bytes(encode_record(record(1)) + b"\n" + bytes(4096))
    (tmp_path / "events.jsonl").write_bytes(b'{"kind":"\xff\xfe"}\n')
    run = read_run(tmp_path)
    assert len(run.records) == 1
    assert run.torn_lines == 2


def test_intervals_of_several_workers_add_up_by_tag(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    whole: dict[str, list[int]] = {"0/chat/itl": [], "0/boxed_math/itl": []}
    with RunWriter(tmp_path) as writer:
        writer.write_header({})
        for interval in range(5):
            for _worker in range(3):
                histograms = IntervalHistograms()
                for tag, values in whole.items():
                    part = random.lognormal(9, 1, 50).astype(int)
                    values.extend(part.tolist())
                    histograms.record(tag, part.astype(np.float64))
                writer.append_histograms(interval * 10, interval * 10 + 10, histograms.take())
        empty = {"0/chat/itl": bytes(new_histogram().encode())}
        writer.append_histograms(50, 60, empty)
    found = read_run(tmp_path).histograms
    assert set(found) == set(whole)
    for tag, values in whole.items():
        expected = new_histogram()
        for value in values:
            expected.record_value(value)
        assert np.array_equal(counts_of(found[tag]), counts_of(expected))
        assert found[tag].get_min_value() == expected.get_min_value() > 0
        assert found[tag].get_max_value() == expected.get_max_value()


def test_fields_of_a_newer_version_are_passed_over(tmp_path: Path) -> None:
    write_header(tmp_path, moon_phase="full")
    newer = {**json.loads(encode_record(record(1))), "energy_mj": 12.5, "route": ["a", "b"]}
    (tmp_path / "requests.jsonl").write_text(json.dumps(newer) + "\n")
    assert read_run(tmp_path).records == [record(1)]


def test_an_older_schema_is_read(tmp_path: Path) -> None:
    write_header(tmp_path, schema_version=0)
    assert read_run(tmp_path).header["schema_version"] == 0


def refusal(run: Path) -> str:
    with pytest.raises(RunUnreadableError) as caught:
        read_run(run)
    message = str(caught.value)
    assert "\n" not in message
    assert str(run) in message
    return message


def test_a_newer_schema_is_refused_in_one_line(tmp_path: Path) -> None:
    write_header(tmp_path, schema_version=2)
    assert "schema_version: got 2, expected at most 1" in refusal(tmp_path)
    assert "newer loadproof" in refusal(tmp_path)


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ("", "not the header of a run"),
        ('{"schema_version": 1', "not the header of a run"),
        ("[1]", "not the header of a run"),
        ("{}", "schema_version: got None, expected a number"),
        ('{"schema_version": "one"}', "schema_version: got 'one', expected a number"),
        ('{"schema_version": true}', "schema_version: got True, expected a number"),
    ],
)
def test_a_header_that_is_none_is_refused(tmp_path: Path, header: str, reason: str) -> None:
    (tmp_path / "run.json").write_text(header)
    assert reason in refusal(tmp_path)


def test_a_directory_that_is_no_run_is_refused(tmp_path: Path) -> None:
    assert "it holds no run.json" in refusal(tmp_path)
    assert "no such run directory" in refusal(tmp_path / "missing")
    (tmp_path / "file").write_text("")
    assert "no such run directory" in refusal(tmp_path / "file")


def test_a_whole_line_that_is_no_record_is_refused_with_its_number(tmp_path: Path) -> None:
    write_header(tmp_path)
    (tmp_path / "requests.jsonl").write_bytes(encode_record(record(1)) + b'\n{"id": 5}\n')
    assert "requests.jsonl: line 2: " in refusal(tmp_path)
