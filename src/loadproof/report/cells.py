"""The cells of the table of levels, as every report words them."""

from loadproof.analysis import wording
from loadproof.model.verdict import Capacity, Level

NOTHING = "–"

_SHORT_TASKS = {
    "chat": "chat",
    "medical_qa": "medical",
    "boxed_math": "math",
    "commonsense": "commonsense",
}


def latency(level: Level, metric: str, quantile: str) -> str:
    """A percentile in milliseconds, without the unit: the column's head has it."""
    row = level.latencies.get(metric)
    value_ms = None if row is None else getattr(row, quantile)
    return NOTHING if value_ms is None else milliseconds(value_ms)


def milliseconds(value_ms: float) -> str:
    """Milliseconds without their unit, three digits at least: "1,240", "71.2", "0.42"."""
    if value_ms >= 99.95:
        return f"{value_ms:,.0f}"
    return f"{value_ms:.1f}" if value_ms >= 9.995 else f"{value_ms:.2f}"


def users(level: Level) -> str:
    """The number of users, or which step it was."""
    return wording.level(level.users, level.step).removesuffix(" users").removesuffix(" user")


def not_completed(level: Level) -> str:
    """Failures and, where there are any, requests cut off."""
    text = wording.count(level.failed)
    return f"{text} +{wording.count(level.cut_off)} cut" if level.cut_off else text


def tokens_per_s(level: Level) -> str:
    """Output tokens a second."""
    return NOTHING if level.tokens_per_s is None else wording.count(level.tokens_per_s)


def ended_early(level: Level) -> str:
    """ "16 users after 12 s: all 3 objectives were settled"; empty for a level in full length."""
    if level.ended_early is None:
        return ""
    after = wording.seconds(level.ended_early.after_s)
    return f"{wording.level(level.users, level.step)} after {after}: {level.ended_early.why}"


def capacity_facts(capacity: Capacity) -> list[str]:
    """What else a search found, a sentence each."""
    facts = []
    if capacity.breaks_first:
        facts.append(f"at {capacity.broken_from} users breaks: {', '.join(capacity.breaks_first)}")
    if capacity.requests_per_s is not None and capacity.tokens_per_s is not None:
        good = ""
        if capacity.goodput_per_s is not None:
            good = f", {capacity.goodput_per_s:.3g} of them within every limit (goodput)"
        facts.append(
            f"at {capacity.holds_up_to} users: {capacity.requests_per_s:.3g} requests/s{good}, "
            f"{wording.count(capacity.tokens_per_s)} tokens/s"
        )
    facts.append(
        f"{wording.requests(capacity.requests)} in {len(capacity.visits)} visits, "
        f"{wording.seconds(capacity.duration_s)}; ended because {capacity.ended}"
    )
    return [*facts, *(f"but {contradiction}" for contradiction in capacity.contradictions)]


def memory(level: Level) -> tuple[str, str]:
    """The peak of the memory that says most (GPU, else server, else host), and which it is."""
    for name in ("gpu_memory", "server_memory", "host_memory"):
        if name in level.peak_memory:
            return wording.size(level.peak_memory[name]), name.removesuffix("_memory")
    return NOTHING, ""


def quality(level: Level) -> str:
    """All grades on one line: "chat 100 %, math 94 % compliance / 80 % correct"."""
    tasks: dict[str, list[str]] = {}
    several = {q.task for q in level.qualities if q.metric != "accuracy"}
    for item in level.qualities:
        name = f" {item.metric}" if item.task in several and item.metric != "answered" else ""
        tasks.setdefault(item.task, []).append(f"{100 * item.mean:.3g} %{name}")
    return (
        ", ".join(f"{_SHORT_TASKS.get(task, task)} {' / '.join(v)}" for task, v in tasks.items())
        or NOTHING
    )
