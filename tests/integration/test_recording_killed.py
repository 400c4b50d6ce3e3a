"""A run whose process is killed while it writes."""

import os
import subprocess
import sys
from pathlib import Path

from loadproof.recording.reader import read_run

WRITE_UNTIL_KILLED = """
import sys
from pathlib import Path
from loadproof.recording.hdr import IntervalHistograms
from loadproof.recording.writer import RunWriter

template = Path(sys.argv[2]).read_bytes()
histograms = IntervalHistograms()
writer = RunWriter(Path(sys.argv[1]))
writer.write_header({"scenario": {"name": "killed"}})
batch = 0
while True:
    lines = [template.replace(b"NUMBER", b"%d" % (batch * 20 + n)) for n in range(20)]
    writer.append_records(lines)
    histograms.record("0/chat/ttft", 1000.0)
    writer.append_histograms(batch, batch + 1, histograms.take())
    writer.append_event("warning", message=str(batch))
    batch += 1
    sys.stdout.write(f"{batch}\\n")
    sys.stdout.flush()
"""
TEMPLATE = (
    b'{"id":"w1-NUMBER","step":0,"users":4,"task":"chat","prompt_id":"p","worker":"w1",'
    b'"start_ns":1,"first_byte_ns":2,"end_ns":3,"ttft_ms":1.5,"ttfat_ms":null,"itl_p50_ms":null,'
    b'"itl_p99_ms":null,"itl_max_ms":null,"tpot_ms":null,"e2e_ms":2.5,"clock":"kernel",'
    b'"events":1,"prompt_tokens":3,"output_tokens":1,"thinking_tokens":null,'
    b'"outcome":"completed","failure":null,"http_status":200,"finish_reason":"stop",'
    b'"warmup":false,"grades":{}}'
)


def test_everything_handed_over_before_a_sigkill_is_read(tmp_path: Path) -> None:
    template = tmp_path / "template.json"
    template.write_bytes(TEMPLATE)
    for attempt in range(3):
        directory = tmp_path / f"run-{attempt}"
        directory.mkdir()
        with subprocess.Popen(
            [sys.executable, "-c", WRITE_UNTIL_KILLED, str(directory), str(template)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        ) as child:
            assert child.stdout is not None
            for _ in range(40 + attempt):
                assert child.stdout.readline()
            child.kill()
            batches = 40 + attempt + len(child.stdout.read().split())
        run = read_run(directory)
        ids = [record.id for record in run.records]
        assert len(ids) >= batches * 20
        assert ids == [f"w1-{number}" for number in range(len(ids))]
        assert run.histograms["0/chat/ttft"].get_total_count() >= batches
        assert len(run.events) >= batches
        assert run.torn_lines <= 3
        assert not run.finished
