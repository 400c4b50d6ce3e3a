"""When vLLM's HTTP front end was called, and when it answered: an ASGI middleware for the server.

Loaded by `--middleware front_end_times.FrontEndTimes`. Appends a line to the file that the
environment variable FRONT_END_TIMES names for each chat completion: a JSON array of monotonic
nanoseconds of this machine, which client processes on it share.
"""

import json
import os
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]

WITHOUT_TOKEN = b'"content":""'


class FrontEndTimes:
    """Notes of each chat completion [called, first event handed over, first event with text
    handed over], each before what it is about goes on."""

    def __init__(self, application: Application) -> None:
        self._application = application
        path = Path(os.environ["FRONT_END_TIMES"])
        self._log = path.open("a", buffering=1, encoding="utf-8")

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http" or not scope["path"].endswith("/chat/completions"):
            await self._application(scope, receive, send)
            return
        times_ns = [time.monotonic_ns()]

        async def noted(message: Message) -> None:
            if len(times_ns) < 3 and message["type"] == "http.response.body":
                body = message.get("body", b"")
                if len(times_ns) == 1 or (b'"content":' in body and WITHOUT_TOKEN not in body):
                    times_ns.append(time.monotonic_ns())
            await send(message)

        await self._application(scope, receive, noted)
        self._log.write(json.dumps(times_ns) + "\n")
