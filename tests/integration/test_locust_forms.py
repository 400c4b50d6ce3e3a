"""Every form in which Locust can be started gives the same run directory and the verdict's code."""

import json
import signal
import subprocess
import urllib.parse
import urllib.request
from collections import Counter
from pathlib import Path

import psutil
import pytest

from integration.locust_process import (
    LOCUSTFILES,
    TIMEOUT_S,
    command,
    environment,
    finished,
    free_port,
    has_records,
    only_run,
    processes,
    read_only_run,
    running,
    wait_until,
)
from loadproof.model.record import Failure, Outcome, RequestRecord
from loadproof.servers.launch import RunningServer

OUTPUTS = {
    "run.json",
    "requests.jsonl",
    "histograms.hlog",
    "telemetry.jsonl",
    "events.jsonl",
    "verdict.json",
    "report.html",
    "junit.xml",
    "summary.md",
}


def measured(records: list[RequestRecord]) -> Counter[int]:
    """How many requests were measured in each step."""
    return Counter(record.step for record in records if not record.warmup)


def test_a_locustfile_alone_runs_headless_with_locusts_own_options(
    simulator: RunningServer, tmp_path: Path
) -> None:
    done = finished(
        *("locust", "-f", LOCUSTFILES / "commonsense.py", "--host", simulator.url),
        *("--headless", "-u", "3", "-r", "3", "-t", "3s"),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    run = read_only_run(tmp_path)
    assert {path.name for path in only_run(tmp_path).iterdir()} == OUTPUTS
    assert run.finished
    assert {record.outcome for record in run.records} == {Outcome.COMPLETED}
    assert {record.task for record in run.records} == {"commonsense"}
    assert {record.users for record in run.records} == {3}
    assert measured(run.records)[0] > 0
    assert str(only_run(tmp_path).name) in done.stdout


def test_an_objective_on_the_command_line_decides_the_exit_code(
    simulator: RunningServer, tmp_path: Path
) -> None:
    done = finished(
        *("locust", "-f", LOCUSTFILES / "commonsense.py", "--host", simulator.url),
        *("--headless", "-u", "2", "-r", "2", "-t", "3s", "--objective", "p50(ttft) <= 1us"),
        cwd=tmp_path,
    )
    assert done.returncode == 10, done.stdout
    assert "BROKEN" in done.stdout


@pytest.mark.parametrize("count", [1, 2])
def test_a_scenario_walks_through_its_steps(
    simulator: RunningServer, scenario_file: Path, tmp_path: Path, count: int
) -> None:
    done = finished(
        *("locust", "-f", LOCUSTFILES / "mixed.py", "--host", simulator.url, "--headless"),
        *("--scenario", scenario_file, *(processes(2) if count == 2 else ())),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    run = read_only_run(tmp_path)
    assert measured(run.records) == {0: 12, 1: 12}
    assert {record.users for record in run.records if record.step == 1} == {4}
    assert len({record.id for record in run.records}) == len(run.records)
    assert len({record.worker for record in run.records}) == count
    assert run.torn_lines == 0
    assert isinstance(run.header["clocks"]["drift_ns"], int)


def test_a_master_with_two_workers_makes_one_run(
    simulator: RunningServer, scenario_file: Path, tmp_path: Path
) -> None:
    port = str(free_port())
    mixed = LOCUSTFILES / "mixed.py"
    workers = [
        subprocess.Popen(
            command("locust", "-f", mixed, "--worker", "--master-port", port),
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    try:
        done = finished(
            *("locust", "-f", mixed, "--host", simulator.url, "--headless", "--master"),
            *("--master-bind-port", port, "--expect-workers", "2", "--scenario", scenario_file),
            cwd=tmp_path,
        )
        assert done.returncode == 0, done.stdout
        assert [worker.wait(TIMEOUT_S) for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.kill()
    run = read_only_run(tmp_path)
    assert measured(run.records) == {0: 12, 1: 12}
    assert {record.worker for record in run.records} == {"w0", "w1"}


def test_the_web_page_starts_and_stops_runs_and_is_bound_to_localhost(
    simulator: RunningServer, tmp_path: Path
) -> None:
    port = free_port()
    base = f"http://127.0.0.1:{port}"

    def page(path: str, **form: str) -> bytes:
        data = urllib.parse.urlencode(form).encode() if form else None
        with urllib.request.urlopen(base + path, data, timeout=60) as answer:
            body: bytes = answer.read()
            return body

    def answers() -> bool:
        try:
            return b"Locust" in page("/")
        except OSError:
            return False

    arguments = ("-f", LOCUSTFILES / "chat.py", "--web-port", str(port))
    with running("locust", *arguments, cwd=tmp_path) as process:
        wait_until(answers, process)
        page("/swarm", user_count="2", spawn_rate="2", host=simulator.url)
        wait_until(
            lambda: json.loads(page("/stats/requests"))["stats"][-1]["num_requests"] > 4, process
        )
        stats = json.loads(page("/stats/requests"))["stats"]
        assert {row["method"] for row in stats if row["name"] == "chat"} == {"TTFT", "E2E"}
        page("/stop", now="yes")
        wait_until((only_run(tmp_path) / "verdict.json").exists, process)
        process.send_signal(signal.SIGINT)
        output = process.communicate(timeout=TIMEOUT_S)[0]
    assert process.returncode == 0, output
    assert f"http://127.0.0.1:{port}" in output
    assert "0.0.0.0" not in output
    run = read_only_run(tmp_path)
    assert run.finished
    assert {record.outcome for record in run.records} == {Outcome.COMPLETED}


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_counts_what_was_in_flight_and_judges_the_rest(
    simulator: RunningServer, scenario_file: Path, tmp_path: Path, number: signal.Signals
) -> None:
    text = scenario_file.read_text(encoding="utf-8")
    scenario_file.write_text(text.replace("requests = 12\n", ""), encoding="utf-8")
    arguments = ("-f", LOCUSTFILES / "mixed.py", "--host", simulator.url, "--headless")
    with running("locust", *arguments, "--scenario", scenario_file, cwd=tmp_path) as process:
        wait_until(lambda: has_records(tmp_path), process)
        process.send_signal(number)
        output = process.communicate(timeout=TIMEOUT_S)[0]
    assert process.returncode == 130, output
    assert "Traceback" not in output
    run = read_only_run(tmp_path)
    assert run.events[-1]["kind"] == "run_end"
    assert run.events[-1]["reason"] == "interrupted"
    assert {record.outcome for record in run.records} <= {Outcome.COMPLETED, Outcome.CUT_OFF}
    assert (only_run(tmp_path) / "verdict.json").exists()


def test_a_killed_run_is_judged_by_what_was_written(
    simulator: RunningServer, scenario_file: Path, tmp_path: Path
) -> None:
    text = scenario_file.read_text(encoding="utf-8")
    scenario_file.write_text(text.replace("requests = 12\n", ""), encoding="utf-8")
    arguments = ("-f", LOCUSTFILES / "mixed.py", "--host", simulator.url, "--headless")
    with running("locust", *arguments, "--scenario", scenario_file, cwd=tmp_path) as process:
        wait_until(lambda: has_records(tmp_path, b'"warmup":false'), process)
    done = finished("loadproof", "gate", only_run(tmp_path), cwd=tmp_path)
    assert done.returncode == 11, done.stdout
    assert "cut off" in done.stdout
    assert not read_only_run(tmp_path).finished


def test_requests_that_outlast_the_grace_period_are_cut_off_and_counted(
    tmp_path: Path, scenario_file: Path, stalling_simulator: RunningServer
) -> None:
    scenario_file.write_text(
        """
name = "stalled"
[[traffic]]
task = "commonsense"
[[steps]]
users = 3
duration = "500ms"
grace = "500ms"
""",
        encoding="utf-8",
    )
    done = finished(
        *("locust", "-f", LOCUSTFILES / "mixed.py", "--host", stalling_simulator.url),
        *("--headless", "--scenario", scenario_file),
        cwd=tmp_path,
    )
    assert done.returncode == 11, done.stdout
    run = read_only_run(tmp_path)
    assert [record.outcome for record in run.records] == [Outcome.CUT_OFF] * 3


def test_failures_are_records_with_their_kinds_and_locusts_own_exit_code_stands(
    tmp_path: Path, failing_simulator: RunningServer
) -> None:
    done = finished(
        *("locust", "-f", LOCUSTFILES / "commonsense.py", "--host", failing_simulator.url),
        *("--headless", "-u", "4", "-r", "4", "-t", "4s"),
        cwd=tmp_path,
    )
    assert done.returncode == 1, done.stdout
    run = read_only_run(tmp_path)
    kinds = {record.failure for record in run.records if record.outcome is Outcome.FAILED}
    assert kinds <= {Failure.RESET, Failure.MALFORMED, Failure.SERVER_ERROR_EVENT}
    assert len(kinds) > 1
    assert any(record.outcome is Outcome.COMPLETED for record in run.records)


def test_a_server_that_is_not_there_is_reported_before_any_load(tmp_path: Path) -> None:
    done = finished(
        *("locust", "-f", LOCUSTFILES / "chat.py", "--headless", "-t", "5s"),
        *("--host", f"http://127.0.0.1:{free_port()}"),
        cwd=tmp_path,
    )
    assert done.returncode == 21, done.stdout
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--headless",), "no server to load: give --host URL or --server FILE"),
        (("--scenario", "missing.toml"), "missing.toml: no such file"),
        (("--server", "missing.toml"), "missing.toml: no such file"),
        (("--objective", "p99(ttff) <= 1s"), "--objective: got 'p99(ttff) <= 1s', expected"),
        (
            ("--headless", "--host", "http://127.0.0.1:9", "--objective", "f1(medical_qa) >= 0.5"),
            "a task of this scenario's traffic (chat), not medical_qa",
        ),
        (("--headless", "--host", "127.0.0.1:8000"), "expected an address such as"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(
    tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    done = finished("locust", "-f", LOCUSTFILES / "chat.py", *arguments, cwd=tmp_path)
    assert done.returncode == 20, done.stdout
    assert message in done.stdout.splitlines()[-1]
    assert "Traceback" not in done.stdout


def test_a_full_disk_ends_the_run_as_invalid_in_one_line(
    simulator: RunningServer, tmp_path: Path
) -> None:
    locust = command(
        *("locust", "-f", LOCUSTFILES / "commonsense.py", "--host", simulator.url),
        *("--headless", "-u", "4", "-r", "4", "-t", "60s", "--only-summary"),
    )
    # A file that may not grow beyond 16 KiB behaves as one on a full disk.
    done = subprocess.run(
        ["bash", "-c", 'ulimit -f 16; exec "$@"', "bash", *locust],
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 12, done.stdout
    assert "Traceback" not in done.stdout
    assert "cannot be written" in done.stdout


def test_a_step_without_warmup_sends_exactly_the_requests_it_asks_for(
    simulator: RunningServer, scenario_file: Path, tmp_path: Path
) -> None:
    text = scenario_file.read_text(encoding="utf-8")
    scenario_file.write_text(text.replace('warmup = "300ms"\n', ""), encoding="utf-8")
    done = finished(
        *("locust", "-f", LOCUSTFILES / "mixed.py", "--host", simulator.url, "--headless"),
        *("--scenario", scenario_file),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    records = read_only_run(tmp_path).records
    assert measured(records) == {0: 12, 1: 12}
    assert len(records) == 24


def test_a_worker_that_is_killed_makes_the_run_invalid(
    simulator: RunningServer, scenario_file: Path, tmp_path: Path
) -> None:
    text = scenario_file.read_text(encoding="utf-8")
    scenario_file.write_text(
        text.replace("requests = 12\n", "").replace("30s", "8s").replace("[1, 4]", "4"),
        encoding="utf-8",
    )

    def workers(master: int) -> list[psutil.Process]:
        """The forked Locusts: not the graders and the sidecar, which are other programs."""
        children = psutil.Process(master).children()
        return [child for child in children if "locust" in " ".join(child.cmdline())]

    arguments = ("-f", LOCUSTFILES / "mixed.py", "--host", simulator.url, "--headless")
    steps = ("--scenario", scenario_file, *processes(2))
    with running("locust", *arguments, *steps, cwd=tmp_path) as process:
        wait_until(lambda: has_records(tmp_path), process)
        workers(process.pid)[0].kill()
        output = process.communicate(timeout=TIMEOUT_S)[0]
    assert process.returncode == 12, output
    assert "was lost with what it had measured" in output
