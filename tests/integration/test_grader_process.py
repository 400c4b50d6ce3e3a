"""The grading process: real children, real pipes, awkward answers, sudden deaths."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

import loadproof
from loadproof.model.answer import Answer
from loadproof.tasks.grading import GRADE_FAILED, GraderProcess

WAIT_S = 120.0
TOWER = r"\boxed{9^{9^{9^{9^{9}}}}}"
SOURCE = str(Path(loadproof.__file__).parent.parent)


def said(text: str) -> Answer:
    return Answer(text, None, finished_thinking=True, finish_reason="stop")


@pytest.fixture
def grader() -> Iterator[GraderProcess]:
    process = GraderProcess()
    yield process
    process.close()


def graded(process: GraderProcess, *answers: tuple[str, str, str]) -> dict[int, dict[str, float]]:
    for key, (task, prompt_id, text) in enumerate(answers):
        process.submit(key, task, prompt_id, said(text))
    return dict(process.drain(WAIT_S))


def test_every_task_is_graded_and_every_key_comes_back_once(grader: GraderProcess) -> None:
    answers = [
        ("boxed_math", "boxed_math/zh-002", r"\boxed{7}"),
        ("boxed_math", "boxed_math/zh-002", r"\boxed{\frac{14}{2}}"),
        ("boxed_math", "boxed_math/zh-002", "7"),
        ("commonsense", "commonsense/zh-034", "答案：星期六"),
        ("medical_qa", "medical_qa/zh-036", "钠"),
        ("chat", "chat/zh-001#2", "好的，没问题。"),
    ]
    for key, (task, prompt_id, text) in enumerate(answers):
        grader.submit(key, task, prompt_id, said(text))
    assert grader.pending == len(answers)
    results = grader.drain(WAIT_S)
    assert len(results) == len(answers)
    assert dict(results) == {
        0: {"compliance": 1.0, "correct": 1.0},
        1: {"compliance": 1.0, "correct": 1.0},
        2: {"compliance": 0.0, "correct": 0.0},
        3: {"accuracy": 1.0},
        4: {"exact_match": 1.0, "f1": 1.0},
        5: {"answered": 1.0, "complete": 1.0},
    }
    assert grader.pending == 0
    assert grader.results() == []


def test_an_answer_that_never_left_its_thinking_is_a_failure_of_its_own(
    grader: GraderProcess,
) -> None:
    lost = Answer("", "so, 3 + 4 is", finished_thinking=False, finish_reason="length")
    for key, (task, prompt_id) in enumerate(
        (("boxed_math", "boxed_math/zh-002"), ("chat", "chat/zh-001#0"))
    ):
        grader.submit(key, task, prompt_id, lost)
    assert dict(grader.drain(WAIT_S)) == {
        0: {"compliance": 0.0, "correct": 0.0, "unfinished_thinking": 1.0},
        1: {"answered": 0.0, "complete": 0.0, "unfinished_thinking": 1.0},
    }


def test_large_answers_and_any_unicode_go_through(grader: GraderProcess) -> None:
    long = "好的。" + "".join(f"第{i}句话，各不相同。" for i in range(200_000))
    results = graded(
        grader,
        ("chat", "chat/zh-001#0", long),
        ("chat", "chat/zh-001#0", "half a pair: \ud83d, a separator: \u2028, a null: \0"),
        ("chat", "chat/zh-001#0", "🎉" * 3),
    )
    assert results == {key: {"answered": 1.0, "complete": 1.0} for key in range(3)}


def test_submitting_never_waits_for_a_child_that_does_not_read(grader: GraderProcess) -> None:
    assert grader.pid is not None
    os.kill(grader.pid, signal.SIGSTOP)
    text = "x" * 100_000
    for key in range(50):
        grader.submit(key, "chat", "chat/en-001#0", said(f"{text} {key}"))
    assert grader.results() == []
    assert grader.pending == 50
    os.kill(grader.pid, signal.SIGCONT)
    assert sorted(key for key, _ in grader.drain(WAIT_S)) == list(range(50))


def test_a_grader_that_raises_costs_that_answer_alone(grader: GraderProcess) -> None:
    before = grader.pid
    results = graded(
        grader,
        ("commonsense", "commonsense/en-999", "B"),
        ("chat", "chat/en-001#0", "Hello"),
    )
    assert results == {0: GRADE_FAILED, 1: {"answered": 1.0, "complete": 1.0}}
    assert grader.pid == before


def test_an_answer_that_hangs_is_given_up_and_the_rest_is_graded_by_another_child() -> None:
    grader = GraderProcess(tasks=("boxed_math",), limit_s=1.0)
    before = grader.pid
    results = graded(
        grader,
        ("boxed_math", "boxed_math/zh-002", r"\boxed{7}"),
        ("boxed_math", "boxed_math/zh-002", TOWER),
        ("boxed_math", "boxed_math/zh-002", r"\boxed{8}"),
    )
    assert results[0] == {"compliance": 1.0, "correct": 1.0}
    assert results[1] == GRADE_FAILED
    assert results[2] == {"compliance": 1.0, "correct": 0.0}
    assert grader.pid != before
    grader.close()


def test_a_child_killed_from_outside_is_replaced_and_nothing_is_lost(grader: GraderProcess) -> None:
    assert grader.pid is not None
    os.kill(grader.pid, signal.SIGSTOP)
    for key in range(5):
        grader.submit(key, "chat", "chat/en-001#0", said("Hello"))
    os.kill(grader.pid, signal.SIGKILL)
    assert dict(grader.drain(WAIT_S)) == {
        key: {"answered": 1.0, "complete": 1.0} for key in range(5)
    }


def test_what_is_not_graded_in_time_is_given_up_and_later_answers_are_graded(
    grader: GraderProcess,
) -> None:
    assert grader.pid is not None
    os.kill(grader.pid, signal.SIGSTOP)
    grader.submit(1, "chat", "chat/en-001#0", said("Hello"))
    assert grader.drain(0.05) == [(1, GRADE_FAILED)]
    grader.submit(2, "chat", "chat/en-001#0", said("Hello"))
    assert grader.drain(WAIT_S) == [(2, {"answered": 1.0, "complete": 1.0})]


def test_closing_ends_the_child_and_may_be_done_twice() -> None:
    grader = GraderProcess()
    child = psutil.Process(grader.pid)
    grader.close()
    grader.close()
    assert not child.is_running()


def test_the_child_ends_when_its_parent_is_killed() -> None:
    script = (
        "import signal, sys\n"
        "from loadproof.tasks.grading import GraderProcess\n"
        "grader = GraderProcess()\n"
        "print(grader.pid, flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": SOURCE},
    ) as parent:
        assert parent.stdout is not None
        child = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    gone, _ = psutil.wait_procs([child], timeout=WAIT_S)
    assert gone == [child]


def test_the_measuring_process_never_loads_sympy() -> None:
    script = (
        "import sys\n"
        "from loadproof.model.answer import Answer\n"
        "from loadproof.tasks.grading import GraderProcess\n"
        "grader = GraderProcess()\n"
        "grader.submit(1, 'boxed_math', 'boxed_math/zh-002', Answer('boxed', None, True, 'stop'))\n"
        f"print(grader.drain({WAIT_S}))\n"
        "assert not {'sympy', 'math_verify'} & set(sys.modules)\n"
        "grader.close()\n"
    )
    assert run(script) == "[(1, {'compliance': 0.0, 'correct': 0.0})]\n"


def test_it_works_under_locusts_gevent_and_lets_other_greenlets_run_while_it_waits() -> None:
    script = (
        "from gevent import monkey; monkey.patch_all()\n"
        "import gevent\n"
        "from loadproof.model.answer import Answer\n"
        "from loadproof.tasks.grading import GraderProcess\n"
        "turns = 0\n"
        "def other():\n"
        "    global turns\n"
        "    while True:\n"
        "        turns += 1\n"
        "        gevent.sleep(0.001)\n"
        "gevent.spawn(other)\n"
        "grader = GraderProcess(limit_s=1.0)\n"
        f"tower = r'{TOWER}'\n"
        "for key, text in enumerate([r'\\boxed{7}', tower, r'\\boxed{7.0}']):\n"
        "    answer = Answer(text, None, True, 'stop')\n"
        "    grader.submit(key, 'boxed_math', 'boxed_math/zh-002', answer)\n"
        f"results = dict(grader.drain({WAIT_S}))\n"
        "print([results[key].get('correct', 'failed') for key in range(3)], turns > 10)\n"
        "grader.close()\n"
    )
    assert run(script) == "[1.0, 'failed', 1.0] True\n"


def run(script: str) -> str:
    """What `script` prints in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=WAIT_S,
        env={**os.environ, "PYTHONPATH": SOURCE},
    )
    return done.stdout
