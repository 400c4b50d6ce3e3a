"""What a run of loadproof's user says of its own generator, and of a limit that the truth keeps."""

from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np

from benchmarks.exchanges import Exchange
from loadproof.analysis.judge import analyse
from loadproof.recording.reader import RecordedRun, read_run

MARGIN_MS = 1.0


def said_of_itself(run: Path, exchanges: list[Exchange], streams: int) -> str:
    """One line: the generator's health, and the ruling on a limit just above the true TTFT P90.

    (Too few requests are sent to settle anything about P99.)

    HOLDS is right and INVALID honest; BROKEN would be owed to the generator. The limit is put into
    the run when it is over, as the truth is not known before. The first request of each user is
    not held against its generator: the bench made it wait. Raises RunUnreadableError.
    """
    true_ms = [(int(one.sent_ns[0]) - one.read_ns) / 1e6 for one in exchanges if len(one.sent_ns)]
    limit_ms = float(np.percentile(true_ms, 90, method="inverted_cdf")) + MARGIN_MS
    found = _asked(read_run(run), f"p90(ttft) <= {limit_ms:.3f}ms", streams)
    verdict = analyse(found, run)
    busiest = max(verdict.levels, key=lambda level: level.sent)
    judgement = next(one for one in verdict.judgements if one.step == busiest.step)
    health = busiest.generator
    if health is None:
        return "the run does not say how its generator fared"
    reads = "" if health.read_lateness is None else f", its reads {_ms(health.read_lateness.p99)}"
    return (
        f"the run says: its loop was {_ms(health.loop_lateness.p99)} late (p99){reads}, it used "
        f"{health.cpu_share_mean:.0%} of a core, {health.events_coalesced:.1%} of events and "
        f"{health.first_tokens_coalesced:.1%} of first tokens shared a read; {judgement.objective} "
        f"(true p90 and {MARGIN_MS:g} ms): {judgement.ruling}: {judgement.reason}"
    )


def _ms(value: float | None) -> str:
    return "not" if value is None else f"{value:.2f} ms"


def _asked(run: RecordedRun, objective: str, streams: int) -> RecordedRun:
    scenario = {**run.header["scenario"], "objectives": [{"require": objective}]}
    by_start = sorted(run.records, key=lambda record: record.start_ns)
    records = [msgspec.structs.replace(record, intended_ns=None) for record in by_start[:streams]]
    header = {**run.header, "scenario": scenario}
    return replace(run, header=header, records=records + by_start[streams:])
