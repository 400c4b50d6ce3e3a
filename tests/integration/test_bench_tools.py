"""The tools of the bench: the trace of a loop, and the stages of sending."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HELD_UP_MS = 60
PROGRAM = f"""
import time
from pathlib import Path
import gevent
from benchmarks.clients.loop_trace import LoopTrace

def computes_without_a_pause():
    until_ns = time.thread_time_ns() + {HELD_UP_MS}_000_000
    while time.thread_time_ns() < until_ns:
        pass

trace = LoopTrace([])
gevent.sleep(0.02)
gevent.spawn(computes_without_a_pause).join()
gevent.sleep(0.02)
trace.write(Path("trace.json"))
"""


def test_a_function_that_holds_up_the_loop_is_found_with_its_time(tmp_path: Path) -> None:
    (tmp_path / "benchmarks_program.py").write_text(PROGRAM)
    subprocess.run(
        [sys.executable, "benchmarks_program.py"],
        cwd=tmp_path,
        env={"PYTHONPATH": f"{ROOT}:{ROOT / 'src'}", "PATH": ""},
        check=True,
    )
    trace = json.loads((tmp_path / "trace.json").read_bytes())
    longest = max(trace["pauses"], key=lambda pause: pause["cpu_ns"])
    assert longest["cpu_ns"] >= HELD_UP_MS * 1e6
    assert longest["wall_ns"] <= trace["end_ns"] - trace["begin_ns"]
    assert longest["switches"] >= 2
    cause, spent_ns = max(longest["causes_ns"].items(), key=lambda item: item[1])
    assert cause == "benchmarks_program.computes_without_a_pause"
    assert spent_ns >= HELD_UP_MS * 1e6 / 2
    # The two sleeps are polls, and no pauses.
    assert sum(pause["wall_ns"] for pause in trace["pauses"]) <= (
        trace["end_ns"] - trace["begin_ns"] - 30e6
    )


def test_the_tool_prints_the_longest_turns_and_what_took_the_time() -> None:
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks.pauses", "--path", "reader"),
            *("--streams", "3", "--seconds", "0.3", "--from-ms", "0"),
        ],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    assert "The longest turns of the loop" in done.stdout
    assert "All turns" in done.stdout


def test_the_stages_of_sending_come_after_the_start_and_in_their_order() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.transmit", "--requests", "20"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    rows = [line.split("│") for line in done.stdout.splitlines() if line.startswith("│")]
    median_us = {row[1].strip(): float(row[2]) for row in rows}
    assert (
        0
        < median_us["handed to the queue of the device"]
        <= median_us["sent by the device"]
        <= median_us["received by the other side's kernel"]
    )
