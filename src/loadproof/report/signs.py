"""How rulings and metrics are named and marked, the same in every report."""

from unicodedata import category

from loadproof.model.verdict import Judgement, Ruling, RunVerdict

MARKS = {
    Ruling.HOLDS: "✓",
    Ruling.BROKEN: "✗",
    Ruling.INCONCLUSIVE: "?",
    Ruling.INVALID: "⊘",
}
"""So that no report relies on colour alone."""

_REORDERING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"

METRIC_NAMES = {
    "ttft": "Time to first token",
    "ttfat": "Time to first answer token",
    "itl": "Inter-token latency",
    "tpot": "Time per output token",
    "e2e": "End-to-end latency",
    "start_delay": "Start delay",
    "gpu_memory": "GPU memory",
    "server_memory": "Server memory",
    "host_memory": "Host memory",
    "kv_usage": "KV cache usage",
    "running": "Requests running",
    "waiting": "Requests waiting",
    "preemptions": "Preemptions",
}


def run_mark(ruling: Ruling | None) -> str:
    """The ruling with its mark; what to say where nothing was asked."""
    return "– NOT JUDGED" if ruling is None else f"{MARKS[ruling]} {ruling}"


def by_objective(verdict: RunVerdict) -> dict[str, list[Judgement]]:
    """The judgements of each objective, in the scenario's order, levels ascending."""
    grouped: dict[str, list[Judgement]] = {}
    for judgement in verdict.judgements:
        grouped.setdefault(judgement.objective, []).append(judgement)
    return grouped


def plain(text: str) -> str:
    """`text` without what a terminal obeys, XML forbids, or reorders the text around it."""
    return "".join("\ufffd" if _is_control(c) else c for c in text)


def _is_control(c: str) -> bool:
    return c not in "\n\t" and (category(c) in ("Cc", "Cs", "Cn") or c in _REORDERING)
