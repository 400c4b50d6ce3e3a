"""`loadproof ask`: one question, as it goes over the wire, and what came back, graded."""

from itertools import islice
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from loadproof.model.answer import Prompt
from loadproof.model.errors import ConfigurationError
from loadproof.model.exit_codes import ExitCode
from loadproof.model.record import Outcome
from loadproof.model.scenario import Timeouts
from loadproof.model.server import Server, read_server
from loadproof.model.toml_file import checked
from loadproof.model.traffic import Traffic
from loadproof.servers.calibration import token_cost
from loadproof.servers.identity import identify
from loadproof.servers.key import key_headers, read_key
from loadproof.streaming.connection import Connection, Target
from loadproof.streaming.reply import Reply
from loadproof.streaming.timing import latencies
from loadproof.tasks.grading import GraderProcess
from loadproof.tasks.policy import CHAT_PATH, request_body
from loadproof.tasks.traffic import load_scenario, task_of, wants_calibration

GRADED_WITHIN_S = 30.0


def asked_for(task: str, scenario: Path | None, **keys: Path | str | None) -> Traffic:
    """The traffic table that the command line means: the scenario's, or one of the `keys`.

    Raises ConfigurationError.
    """
    given = {key: str(value) for key, value in keys.items() if value is not None}
    if scenario is None:
        entry = checked({"task": task, **given}, Traffic, "TASK and options")
        return entry.located(Path.cwd())
    if given:
        raise ConfigurationError(
            f"--{next(iter(given))}: not with --scenario, whose traffic says where tasks come from"
        )
    entries = {entry.task: entry for entry in load_scenario(scenario).traffic}
    if task not in entries:
        raise ConfigurationError(
            f"TASK: got {task!r}, expected one of {scenario}: {', '.join(entries)}"
        )
    return entries[task]


def ask(server_path: Path, entry: Traffic, number: int, seed: int, console: Console) -> int:
    """Asks the `number`-th question (from 1) of a task in the order that `seed` gives.

    Shows the body as sent, the thinking, the answer, its timing and its grades. Returns the exit
    code: SERVER_FAILED where no whole answer came. Raises ConfigurationError and
    ServerFailedError.
    """
    server = read_server(server_path)
    unmeasured = wants_calibration(entry)  # reads its files, whose errors come first
    key = read_key(server.key)
    model = str(identify(server, server.url, key)["model"])
    if unmeasured:
        entry = entry.model_copy(update={"tokens": token_cost(server, model, key)})
    task = task_of(entry)
    prompt = next(next(islice(task.conversations(seed), number - 1, None)))
    body = request_body(server, model, prompt, max_tokens=entry.max_tokens, seed=None)
    _section(console, f"{prompt.id} to {server.url}{CHAT_PATH}", body.decode())
    reply = _sent(server, body)
    if reply.answer.thinking is not None:
        unfinished = "" if reply.answer.finished_thinking else ", never finished"
        _section(console, f"thinking{unfinished}", reply.answer.thinking)
    _section(console, f"answer ({reply.finish_reason or reply.outcome})", reply.answer.text)
    taken = latencies(reply)
    if taken.ttft_ms is not None and taken.e2e_ms is not None:
        console.print(
            f"{reply.output_tokens} tokens, the first after {taken.ttft_ms:.1f} ms, "
            f"the last after {taken.e2e_ms:.1f} ms ({reply.clock} clock)",
            highlight=False,
        )
    if reply.outcome is not Outcome.COMPLETED:
        console.print(f"failed: {reply.failure}: {reply.failure_detail}", markup=False)
        return ExitCode.SERVER_FAILED
    _show_grades(entry, prompt, reply, console)
    return 0


def _sent(server: Server, body: bytes) -> Reply:
    connection = Connection(Target(server.url, key_headers(server.key)), Timeouts())
    try:
        return connection.post(CHAT_PATH, body, thinking_opened=server.policy.opens_thinking)
    finally:
        connection.close()


def _show_grades(entry: Traffic, prompt: Prompt, reply: Reply, console: Console) -> None:
    grader = GraderProcess(tasks=[entry])
    try:
        grader.submit(0, prompt.task, prompt.id, reply.answer)
        ((_, grades),) = grader.drain(GRADED_WITHIN_S)
    finally:
        grader.close()
    text = (
        ", ".join(f"{metric} {value:g}" for metric, value in grades.items()) or "nothing to grade"
    )
    console.print(f"graded: {text}", highlight=False)


def _section(console: Console, title: str, text: str) -> None:
    console.print(f"[bold]{escape(title)}[/bold]", highlight=False, soft_wrap=True)
    console.print(text, markup=False, highlight=False, soft_wrap=True)
    console.print()
