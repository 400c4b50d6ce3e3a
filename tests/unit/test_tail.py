import json
from pathlib import Path

from loadproof.recording.tail import RunTail
from loadproof.recording.writer import RunWriter


def event(number: int) -> bytes:
    return json.dumps({"t_ns": number, "kind": "warning", "text": "第"}).encode() + b"\n"


def test_nothing_is_new_before_the_run_exists(tmp_path: Path) -> None:
    tail = RunTail(tmp_path / "later")
    assert tail.poll() == ([], [])
    (tmp_path / "later").mkdir()
    assert tail.poll() == ([], [])
    with RunWriter(tmp_path / "later") as writer:
        writer.append_event("run_start", t_ns=1)
        assert tail.poll().events == [{"t_ns": 1, "kind": "run_start"}]


def test_each_line_comes_once_and_in_order(tmp_path: Path) -> None:
    tail = RunTail(tmp_path)
    numbers = []
    with RunWriter(tmp_path) as writer:
        for number in range(6):
            writer.append_event("warning", t_ns=number)
            if number % 3 == 0:
                numbers.append([e["t_ns"] for e in tail.poll().events])
        numbers.append([e["t_ns"] for e in tail.poll().events])
        numbers.append([e["t_ns"] for e in tail.poll().events])
    assert numbers == [[0], [1, 2, 3], [4, 5], []]


def test_a_line_cut_at_any_byte_waits_until_it_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    whole = event(1) + event(2)
    for cut in range(len(whole) + 1):
        path.write_bytes(whole[:cut])
        tail = RunTail(tmp_path)
        before = tail.poll().events
        path.write_bytes(whole)
        after = tail.poll().events
        assert len(before) == whole[:cut].count(b"\n")
        assert [e["t_ns"] for e in before + after] == [1, 2]


def test_a_torn_line_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").write_bytes(event(1) + b'{"t_ns": 2, "ki\n' + event(3))
    (tmp_path / "requests.jsonl").write_bytes(b'{"id": "w')
    tail = RunTail(tmp_path)
    assert [e["t_ns"] for e in tail.poll().events] == [1, 3]
    assert tail.poll() == ([], [])
