"""A plain `openai` client in a Locust user, as one writes it: stream=True, a loop over chunks."""

import itertools
import ssl
import time
from typing import Any

from locust import User, task
from openai import DefaultHttpxClient, OpenAI, OpenAIError, Stream
from openai.types.chat import ChatCompletionChunk

from benchmarks.clients.locust_hooks import observed_run

seen = observed_run()
# Shared, as constructing one for each user takes longer than all the rest of its construction.
ssl_context = ssl.create_default_context()
numbers = itertools.count()


class OpenAIUser(User):
    """One request after another, a client of its own."""

    host = seen.order.url

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.client = OpenAI(
            base_url=f"{seen.order.url}/v1",
            api_key="none",
            max_retries=0,
            http_client=DefaultHttpxClient(verify=ssl_context),
        )

    def on_start(self) -> None:
        """Waits for its turn."""
        seen.wait_for_turn()

    @task
    def ask(self) -> None:
        """One request, reported to Locust as its own clients report theirs."""
        if seen.stopping:
            time.sleep(0.1)
            return
        start_ns = time.monotonic_ns()
        texts, arrivals_ns = [], []
        try:
            for chunk in self._chunks():
                if chunk.choices and chunk.choices[0].delta.content:
                    arrivals_ns.append(time.monotonic_ns())
                    texts.append(chunk.choices[0].delta.content)
        except OpenAIError as error:
            seen.failed += 1
            seen.note(f"failed: {type(error).__name__}: {error}")
            return
        seen.keep(start_ns, "".join(texts), arrivals_ns)
        self.environment.events.request.fire(
            request_type="POST",
            name="/v1/chat/completions",
            response_time=(time.monotonic_ns() - start_ns) / 1e6,
            response_length=len(texts),
            exception=None,
            context={},
        )

    def _chunks(self) -> Stream[ChatCompletionChunk]:
        return self.client.chat.completions.create(
            model="truth",
            messages=[{"role": "user", "content": "When?"}],
            stream=True,
            stream_options={"include_usage": True},
        )
