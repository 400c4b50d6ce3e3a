"""The names of what is measured, sampled and graded: one vocabulary for all rooms."""

LATENCIES = ("ttft", "ttfat", "itl", "tpot", "e2e", "start_delay")
"""Latency metrics. `itl` has a value a token, the others one a request."""

PER_REQUEST_LATENCIES = ("ttft", "ttfat", "tpot", "e2e", "start_delay")

GENERATOR = "generator"
"""Stands for the task in the tags of what the load generator measures of itself."""

LOOP_LATENESS = "loop_lateness"
"""How late a timer of the generator's loop fired."""

READ_LATENESS = "read_lateness"
"""How long an event had waited in the kernel when the generator read it."""

MACRO_F1 = "macro_f1"
"""Of a level's choices as a whole: made of `chosen` and `truth` (see NO_QUALITIES)."""

QUALITIES: dict[str, tuple[str, ...]] = {
    "chat": ("answered", "complete"),
    "medical_qa": ("accuracy", MACRO_F1, "exact_match", "f1"),
    "boxed_math": ("compliance", "correct"),
    "commonsense": ("accuracy",),
}
"""What each task's grader gives, each from 0 to 1. A grader leaves out what does not apply."""

TASKS = tuple(QUALITIES)

UNGRADED = ("synthetic", "trace")
"""Tasks that ask nothing of the answers."""

NO_QUALITIES = ("grade_failed", "unfinished_thinking", "chosen", "truth")
"""What stands among a record's grades and is no quality: 1 where a grader gave nothing, 1 where an
answer never left its thinking, and the options chosen and right, each a sum of 1 for A, 2 for B, 4
for C and so on (0: none was read)."""

MEMORIES = ("gpu_memory", "server_memory", "host_memory")
"""Memory in bytes, as the sidecar samples it: NVML's used memory, the resident memory of the
server's process tree, and the machine's memory in use."""

GAUGES = ("kv_usage", "running", "waiting")
"""The server's own gauges: KV cache usage from 0 to 1, requests running, requests waiting."""

COUNTERS = ("preemptions",)
"""The server's own counters, judged by their growth within a level."""
