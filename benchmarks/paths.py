"""The rows of the table: who reads the streams."""

from enum import StrEnum

from benchmarks.peers.peer import AIPERF, GENAI_BENCH, GUIDELLM, VLLM, Peer


class ClientPath(StrEnum):
    """Who reads the streams."""

    BARE = "C epoll, stamps only"
    READER = "loadproof reader alone"
    USER = "loadproof user in Locust"
    USER2 = "loadproof user, 2 processes"
    TLS = "loadproof user over TLS"
    FAST_HTTP = "FastHttpUser, own parser"
    OPENAI = "openai client in Locust"
    VLLM = f"vLLM bench serve {VLLM.version}"
    AIPERF = f"AIPerf {AIPERF.version}"
    GUIDELLM = f"GuideLLM {GUIDELLM.version}"
    GENAI_BENCH = f"GenAI-Bench {GENAI_BENCH.version}"


PEERS: dict[ClientPath, Peer] = {
    ClientPath.VLLM: VLLM,
    ClientPath.AIPERF: AIPERF,
    ClientPath.GUIDELLM: GUIDELLM,
    ClientPath.GENAI_BENCH: GENAI_BENCH,
}

DROWNED_ABOVE_STREAMS = {
    ClientPath.OPENAI: 256,
    ClientPath.FAST_HTTP: 256,
    ClientPath.GUIDELLM: 256,
    ClientPath.GENAI_BENCH: 256,
}
"""Paths whose core is full at these streams already: more would only take longer."""

PROCESSES = {ClientPath.USER2: 2}
"""Among how many processes a path shares its streams out, where that is more than one."""

OURS = (ClientPath.USER, ClientPath.USER2, ClientPath.TLS)
"""loadproof's user in a real Locust run, which says something of itself."""
