"""`python -m benchmarks.grading`: how many answers a second one grading process gets through.

The answers are those of many simulated models to the shipped questions, a fourth of them
mathematics, with the thinking that a reasoning model sends; they go through the process that a run
uses, handed over once a second's worth at a time. Half of the boxes are written in a way that has
not been seen before and has to be parsed, which is what takes long.
"""

import argparse
import time
from itertools import islice

import psutil

from benchmarks.machine import machine
from benchmarks.table import machine_line
from loadproof.model.answer import Answer
from loadproof.model.metrics import TASKS
from loadproof.model.server import Simulator
from loadproof.servers.simulator.answers import Answers
from loadproof.tasks.grading import GraderProcess
from loadproof.tasks.order import endless
from loadproof.tasks.questions import load_questions

AIM_PER_S = 200
BATCH = 200
WITHIN_S = 120.0

Asked = tuple[str, str, Answer]
"""Task, prompt id, answer."""


def answers(count: int) -> list[Asked]:
    """`count` answers, of all tasks in turn, each set of them from a model with another seed."""
    orders = {task: endless(load_questions(task), seed=1) for task in TASKS}
    questions = {task: load_questions(task) for task in TASKS}
    found: list[Asked] = []
    seed = 0
    while len(found) < count:
        settings = Simulator(thinks=True, thinking_tokens=400, answer_tokens=120, seed=seed)
        models = {task: Answers(settings, questions[task]) for task in TASKS}
        for task in TASKS:
            for question in islice(orders[task], 30):
                said = models[task].say(question.question)
                text = said.text
                if len(found) % 2:  # the same value in new words
                    text = text.replace(r"\boxed{", rf"\boxed{{{len(found)} - {len(found)} + ")
                turn = f"{question.id}#0" if task == "chat" else question.id
                answer = Answer(text, said.thinking, finished_thinking=True, finish_reason="stop")
                found.append((task, turn, answer))
        seed += 1
    return found[:count]


def main() -> int:
    """Prints the rate; 1 where an answer could not be graded or the aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=int, default=4_000)
    count = parser.parse_args().answers
    found = answers(count + BATCH)
    warm_up, asked = found[:BATCH], found[BATCH:]
    print(machine_line(machine()))
    grader = GraderProcess(tasks=TASKS)
    try:
        for key, one in enumerate(warm_up):  # what loads at first is not counted
            grader.submit(-1 - key, *one)
        grader.drain(WITHIN_S)
        assert grader.pid is not None, "it runs"
        child = psutil.Process(grader.pid)
        cpu_before, begun = sum(child.cpu_times()[:2]), time.perf_counter()
        graded = []
        for start in range(0, len(asked), BATCH):
            for key, one in enumerate(asked[start : start + BATCH], start):
                grader.submit(key, *one)
            graded += grader.drain(WITHIN_S)
        wall_s = time.perf_counter() - begun
        cpu_s = sum(child.cpu_times()[:2]) - cpu_before
    finally:
        grader.close()
    failed = sum("grade_failed" in grades for _, grades in graded)
    rate = len(asked) / wall_s
    print(
        f"{len(asked)} answers in {wall_s:.1f} s: {rate:.0f} a second, "
        f"{1e3 * cpu_s / len(asked):.2f} ms of CPU each, {failed} not graded; "
        f"the aim is {AIM_PER_S} a second on one core"
    )
    return int(failed > 0 or rate < AIM_PER_S)


if __name__ == "__main__":
    raise SystemExit(main())
