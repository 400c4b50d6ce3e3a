"""Locust's FastHttpUser with SSE parsing of one's own.

Lines come from the response's own `readline`: `iter_lines` waits for 1,024 bytes, and would hold
a first token back until the third or fourth had arrived.
"""

import time

import msgspec
from locust import FastHttpUser, task

from benchmarks.clients.locust_hooks import observed_run
from benchmarks.clients.observation import BODY

seen = observed_run()
BODY_TEXT = BODY.decode()


class FastUser(FastHttpUser):
    """One request after another on a connection of its own."""

    host = seen.order.url

    def on_start(self) -> None:
        """Waits for its turn."""
        seen.wait_for_turn()

    @task
    def ask(self) -> None:
        """One request; an event is parsed as soon as it is there."""
        if seen.stopping:
            time.sleep(0.1)
            return
        start_ns = time.monotonic_ns()
        texts, arrivals_ns = [], []
        response = self.client.post(
            "/v1/chat/completions",
            data=BODY_TEXT,
            headers={"content-type": "application/json"},
            stream=True,
        )
        if response.status_code != 200:
            seen.failed += 1
            return
        while event := response.stream.readline(b"\n\n"):
            arrival_ns = time.monotonic_ns()
            if event.startswith(b"data: {"):
                choices = msgspec.json.decode(event[6:])["choices"]
                text = choices[0]["delta"].get("content") if choices else None
                if text:
                    texts.append(text)
                    arrivals_ns.append(arrival_ns)
        seen.keep(start_ns, "".join(texts), arrivals_ns)
