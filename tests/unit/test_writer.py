import json
import os
import resource
import subprocess
import sys
from pathlib import Path

import msgspec
import pandas as pd
import pytest
from hdrh.log import HistogramLogReader

from loadproof.model.errors import RunUnwritableError
from loadproof.model.record import Clock, Outcome, RequestRecord
from loadproof.recording.append_file import AppendFile
from loadproof.recording.hdr import IntervalHistograms, new_histogram
from loadproof.recording.interval_log import interval_line
from loadproof.recording.outputs import write_output
from loadproof.recording.records import decode_record, encode_record
from loadproof.recording.writer import RunWriter


def record(number: int, **changes: object) -> RequestRecord:
    whole = RequestRecord(
        id=f"w1-{number}",
        step=0,
        users=4,
        task="chat",
        prompt_id="chat-7",
        worker="w1",
        start_ns=1_000_000_000 + number,
        first_byte_ns=1_040_000_000 + number,
        end_ns=2_000_000_000 + number,
        ttft_ms=76.123,
        ttfat_ms=None,
        itl_p50_ms=20.0,
        itl_p99_ms=31.5,
        itl_max_ms=44.25,
        tpot_ms=20.4,
        e2e_ms=999.001,
        clock=Clock.KERNEL,
        events=64,
        prompt_tokens=31,
        output_tokens=64,
        thinking_tokens=None,
        outcome=Outcome.COMPLETED,
        failure=None,
        http_status=200,
        finish_reason="stop",
        warmup=False,
        grades={"answered": 1.0},
    )
    return msgspec.structs.replace(whole, **changes)


def test_a_record_comes_back_as_it_was() -> None:
    original = record(1, failure_detail='line\nbreak, 引号 " and \u2028')
    line = encode_record(original)
    assert b"\n" not in line
    assert decode_record(line) == original


def test_a_lone_surrogate_from_a_server_does_not_lose_the_record() -> None:
    line = encode_record(record(1, failure_detail="bad \ud83d here", prompt_id="中文"))
    decoded = decode_record(line)
    assert (decoded.failure_detail, decoded.prompt_id) == ("bad ? here", "中文")


def test_requests_are_a_table_for_pandas(tmp_path: Path) -> None:
    with RunWriter(tmp_path) as writer:
        writer.append_records(
            encode_record(record(n, failure_detail="a\u2028b" if n else None)) for n in range(3)
        )
    table = pd.read_json(tmp_path / "requests.jsonl", lines=True)
    assert len(table) == 3
    assert table.id.tolist() == ["w1-0", "w1-1", "w1-2"]
    assert table.start_ns.tolist() == [1_000_000_000, 1_000_000_001, 1_000_000_002]
    assert table.ttft_ms.tolist() == [76.123] * 3
    assert table.grades[0] == {"answered": 1.0}


def test_records_are_handed_over_when_append_returns(tmp_path: Path) -> None:
    writer = RunWriter(tmp_path)
    writer.append_records([b'{"a":1}', b'{"a":2}'])
    writer.append_records([])
    assert (tmp_path / "requests.jsonl").read_bytes() == b'{"a":1}\n{"a":2}\n'
    writer.close()
    writer.close()


def test_events_carry_their_kind_time_and_fields(tmp_path: Path) -> None:
    with RunWriter(tmp_path) as writer:
        writer.append_event("step_start", step=1, users=16)
        writer.append_event("step_end", step=1, cause="test", t_ns=77)
    first, second = map(json.loads, (tmp_path / "events.jsonl").read_text().splitlines())
    assert (first["kind"], first["step"], first["users"]) == ("step_start", 1, 16)
    assert isinstance(first["t_ns"], int)
    assert second == {"t_ns": 77, "kind": "step_end", "step": 1, "cause": "test"}


def test_the_header_is_readable_json_with_a_schema_version(tmp_path: Path) -> None:
    with RunWriter(tmp_path) as writer:
        writer.write_header({"scenario": {"name": "演示"}})
        writer.write_header({"scenario": {"name": "again"}})
    text = (tmp_path / "run.json").read_text(encoding="utf-8")
    assert json.loads(text) == {"schema_version": 1, "scenario": {"name": "again"}}
    assert len(text.splitlines()) > 3
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_librarys_own_reader_reads_the_histogram_log(tmp_path: Path) -> None:
    histograms = IntervalHistograms()
    with RunWriter(tmp_path) as writer:
        clocks = {"wall_ns": 1_790_000_000_500_000_000, "monotonic_ns": 5_000_000_000}
        writer.write_header({"clocks": clocks})
        for start_s in (5, 8):
            for value in (1500.0, 76_000.0 * start_s):
                histograms.record("0/chat/ttft", value)
                histograms.record("1/boxed_math/itl", value)
            taken = histograms.take()
            writer.append_histograms(start_s * 10**9, (start_s + 3) * 10**9, taken)
        writer.append_histograms(0, 1, {})

    reader = HistogramLogReader(str(tmp_path / "histograms.hlog"), new_histogram())
    intervals = []
    while (interval := reader.get_next_interval_histogram()) is not None:
        intervals.append(interval)
    reader.close()
    assert [h.get_tag() for h in intervals] == ["0/chat/ttft", "1/boxed_math/itl"] * 2
    assert [h.get_total_count() for h in intervals] == [2] * 4
    assert intervals[0].get_start_time_stamp() == pytest.approx(1_790_000_000_500, abs=1)
    assert intervals[2].get_end_time_stamp() == pytest.approx(1_790_000_006_500, abs=1)
    assert reader.get_start_time_sec() == 1_790_000_000.5


def test_the_histogram_log_follows_format_1_3(tmp_path: Path) -> None:
    histograms = IntervalHistograms()
    histograms.record("0/chat/e2e", 1_000_000.0)
    with RunWriter(tmp_path) as writer:
        writer.write_header({"clocks": {"wall_ns": 10**18, "monotonic_ns": 250_000_000}})
        writer.append_histograms(1_250_000_000, 4_250_000_000, histograms.take())
    with RunWriter(tmp_path) as again:
        histograms.record("0/chat/e2e", 1.0)
        again.append_histograms(4_250_000_000, 7_250_000_000, histograms.take())
    lines = (tmp_path / "histograms.hlog").read_text("ascii").splitlines()
    assert "#[Histogram log format version 1.3]" in lines
    assert "#[StartTime: 1000000000.000 (seconds since epoch), 2001-09-09T01:46:40+00:00]" in lines
    assert "#[BaseTime: 999999999.750 (seconds since epoch)]" in lines
    legend = '"StartTimestamp","Interval_Length","Interval_Max","Interval_Compressed_Histogram"'
    assert lines.count(legend) == 1
    assert lines[-2].startswith("Tag=0/chat/e2e,1.250000,3.000000,1000.447,HISTFAAAA")
    assert lines[-1].startswith("Tag=0/chat/e2e,4.250000,3.000000,0.001,HISTFAAAA")


@pytest.mark.parametrize("tag", ["", "a,b", "a b", "a\nb"])
def test_a_tag_that_would_break_the_log_is_refused(tag: str) -> None:
    with pytest.raises(ValueError, match="a tag without commas and spaces"):
        interval_line(tag, 0, 1, new_histogram().encode())


def test_an_append_after_a_torn_line_starts_on_its_own_line(tmp_path: Path) -> None:
    path = tmp_path / "requests.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":')
    with AppendFile(path) as file:
        file.append([b'{"a":3}'])
        path.write_bytes(path.read_bytes() + b'{"to')
        file.append([b'{"a":4}'])
    assert path.read_bytes() == b'{"a":1}\n{"a":\n{"a":3}\n{"to\n{"a":4}\n'


def test_a_full_disk_is_one_error_with_the_path_and_poisons_no_later_line(tmp_path: Path) -> None:
    """A limit on the size of files makes the kernel take a part of a write and then no more."""
    program = f"""
import resource
from pathlib import Path
from loadproof.model.errors import RunUnwritableError
from loadproof.recording.writer import RunWriter
writer = RunWriter(Path({str(tmp_path)!r}))
resource.setrlimit(resource.RLIMIT_FSIZE, (995, {resource.RLIM_INFINITY}))
writer.append_records([b'{{"n":%4d}}' % n for n in range(50)])
try:
    writer.append_records([b'{{"n":%4d}}' % n for n in range(50, 150)])
except RunUnwritableError as error:
    print(error)
resource.setrlimit(resource.RLIMIT_FSIZE, ({resource.RLIM_INFINITY}, {resource.RLIM_INFINITY}))
writer.append_records([b'{{"n":9999}}'])
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    path = tmp_path / "requests.jsonl"
    assert done.stdout == f"{path}: cannot be written: File too large\n"
    lines = path.read_bytes().splitlines()
    assert [json.loads(line)["n"] for line in lines[:90]] == list(range(90))
    assert lines[90] == b'{"n":'
    assert lines[91:] == [b'{"n":9999}']


def test_a_device_without_space_is_named(tmp_path: Path) -> None:
    (tmp_path / "requests.jsonl").symlink_to("/dev/full")
    writer = RunWriter(tmp_path)
    with pytest.raises(RunUnwritableError, match=r"requests\.jsonl: cannot be written: No space"):
        writer.append_records([b"{}"])


def test_a_run_directory_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunUnwritableError, match=r"gone/requests\.jsonl: cannot be written: No su"):
        RunWriter(tmp_path / "gone")
    with pytest.raises(RunUnwritableError, match=r"gone/verdict\.json: cannot be written: No such"):
        write_output(tmp_path / "gone", "verdict.json", "{}")


def test_an_output_replaces_the_old_one_whole(tmp_path: Path) -> None:
    write_output(tmp_path, "report.html", "old" * 1000)
    assert write_output(tmp_path, "report.html", "新\n") == tmp_path / "report.html"
    assert (tmp_path / "report.html").read_bytes() == "新\n".encode()
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]
