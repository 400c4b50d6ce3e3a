"""Two load generating processes share the load, and what the master adds up is exact."""

from collections import Counter
from pathlib import Path

import numpy as np

from integration.locust_process import LOCUSTFILES, finished, processes, read_only_run
from integration.simulated_server import metrics
from loadproof.model.record import Outcome, RequestRecord
from loadproof.recording.hdr import counts_indexes, counts_of
from loadproof.servers.launch import RunningServer

PER_REQUEST = ("ttft", "ttfat", "tpot", "e2e")


def counts(values_us: list[float]) -> list[tuple[int, int]]:
    """(index, count) of a histogram that holds these values and no others."""
    indexes = counts_indexes(np.rint(np.array(values_us)).astype(np.int64))
    return sorted(Counter(indexes.tolist()).items())


def of_metric(records: list[RequestRecord], metric: str) -> list[float]:
    values = [getattr(record, f"{metric}_ms") for record in records]
    return [value * 1e3 for value in values if value is not None]


def test_no_request_no_token_and_no_value_is_lost_or_counted_twice(
    simulator: RunningServer, scenario_file: Path, tmp_path: Path
) -> None:
    before = metrics(simulator)
    done = finished(
        *("locust", "-f", LOCUSTFILES / "mixed.py", "--host", simulator.url, "--headless"),
        *("--scenario", scenario_file, *processes(2)),
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stdout
    served = {name: value - before.get(name, 0.0) for name, value in metrics(simulator).items()}
    run = read_only_run(tmp_path)

    # The load is split: of four users, two are with each worker.
    shared = [record for record in run.records if record.step == 1]
    assert {record.worker for record in shared} == {"w0", "w1"}
    assert {record.users for record in shared} == {4}

    # What the server counted is what the records say, warm-up and all.
    assert {record.outcome for record in run.records} == {Outcome.COMPLETED}
    assert len({record.id for record in run.records}) == len(run.records)
    succeeded = [
        value for name, value in served.items() if name.startswith("request_success_total")
    ]
    assert sum(succeeded) == len(run.records)
    output_tokens = sum(record.output_tokens or 0 for record in run.records)
    assert served["generation_tokens_total"] == output_tokens
    prompt_tokens = sum(record.prompt_tokens or 0 for record in run.records)
    assert served["prompt_tokens_total"] == prompt_tokens

    # The histograms of both workers together hold the records' values, each once.
    cells: dict[tuple[int, str], list[RequestRecord]] = {}
    for record in run.records:
        if not record.warmup:
            cells.setdefault((record.step, record.task), []).append(record)
    for (step, task), records in cells.items():
        for metric in PER_REQUEST:
            values = of_metric(records, metric)
            histogram = run.histograms.get(f"{step}/{task}/{metric}")
            found = counts_of(histogram) if histogram is not None else np.zeros(0, dtype=np.int64)
            held = [(int(at), int(found[at])) for at in np.flatnonzero(found)]
            assert held == counts(values), (step, task, metric)
        # Tokens before the first event, or after the last one, make no gap.
        gaps = run.histograms[f"{step}/{task}/itl"].total_count
        assert gaps >= sum(record.events - 1 for record in records)
        assert gaps <= sum((record.output_tokens or 0) - 1 for record in records)
