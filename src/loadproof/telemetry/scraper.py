"""Reading a server's /metrics once a second, in a thread of its own."""

import http.client
import queue
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import urlsplit

from loadproof.telemetry.server_metrics import parse_metrics

PERIOD_S = 1.0
RARELY_S = 10.0
"""Between attempts on an endpoint that is missing or has stopped answering."""
TIMEOUT_S = 2.0
_PATIENCE = 5
"""Failures in a row of an endpoint that has answered before, until it counts as gone."""
_LONGEST_PAGE_BYTES = 16 * 2**20


@dataclass(frozen=True, slots=True)
class Scrape:
    """One page: when it had arrived (monotonic ns) and what it said, by our names."""

    t_ns: int
    metrics: dict[str, float]


class ScrapeFailedError(Exception):
    """Why there was no page, as the end of a sentence."""


class Scraper:
    """Scrapes `<url>/metrics`; `note` gets one line when the endpoint turns out to be missing and
    one when it stops answering, never more. Samples never wait for it: they take what is there."""

    def __init__(self, url: str, key: str | None, note: Callable[[str], None]) -> None:
        self._page = MetricsPage(url, key)
        self._note = note
        self._scrapes: queue.SimpleQueue[Scrape] = queue.SimpleQueue()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="scraper", daemon=True)
        self._answered = False
        self._failures = 0
        self._noted: set[bool] = set()

    def start(self) -> None:
        """Makes the first scrape now and the next ones each second after."""
        self._thread.start()

    def latest(self) -> Scrape | None:
        """The newest scrape that was not taken yet; returns at once."""
        newest = None
        while not self._scrapes.empty():
            newest = self._scrapes.get_nowait()
        return newest

    def finish(self) -> None:
        """Makes one last scrape, so that counters cover the whole run, and ends; bounded."""
        self._ending.set()
        self._thread.join(2 * TIMEOUT_S)

    def _run(self) -> None:
        due = time.monotonic()
        while True:
            last = self._ending.is_set()
            answered = self._attempt()
            if last or (self._ending.is_set() and not answered):
                self._page.close()
                return
            due = max(due + self._period_s(), time.monotonic())
            self._ending.wait(due - time.monotonic())

    def _attempt(self) -> bool:
        try:
            scrape = self._page.scrape()
        except ScrapeFailedError as reason:
            self._failures += 1
            self._tell(str(reason))
            return False
        self._answered, self._failures = True, 0
        self._scrapes.put(scrape)
        return True

    def _tell(self, reason: str) -> None:
        if self._gone() and self._answered not in self._noted:
            self._noted.add(self._answered)
            since = "no longer" if self._answered else "not"
            self._note(f"server metrics are {since} sampled: {self._page.address} {reason}")

    def _gone(self) -> bool:
        return self._failures >= (_PATIENCE if self._answered else 1)

    def _period_s(self) -> float:
        return RARELY_S if self._gone() else PERIOD_S


class MetricsPage:
    """A server's /metrics over one kept connection; proxies of the environment are not asked."""

    def __init__(self, url: str, key: str | None) -> None:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
        self.address = f"{url}/metrics"
        self._path = f"{parts.path}/metrics"
        self._headers = {"Accept": "text/plain"}
        if key is not None:
            self._headers["Authorization"] = f"Bearer {key}"
        self._connection = (
            http.client.HTTPSConnection(
                host, port, timeout=TIMEOUT_S, context=ssl.create_default_context()
            )
            if parts.scheme == "https"
            else http.client.HTTPConnection(host, port, timeout=TIMEOUT_S)
        )

    def scrape(self) -> Scrape:
        """Raises ScrapeFailedError."""
        page = self._read()
        t_ns = time.monotonic_ns()
        try:
            metrics = parse_metrics(page)
        except ValueError as error:
            raise ScrapeFailedError(f"is not in Prometheus' text format: {error}") from None
        if not metrics:
            raise ScrapeFailedError("names no metric of vLLM, llama.cpp or TGI")
        return Scrape(t_ns, metrics)

    def close(self) -> None:
        """Closes the connection; the next scrape opens another."""
        self._connection.close()

    def _read(self) -> bytes:
        kept = self._connection.sock is not None
        try:
            return self._request()
        except (http.client.RemoteDisconnected, ConnectionError) as error:
            self.close()
            if not kept:
                raise ScrapeFailedError(f"does not answer: {_reason(error)}") from None
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ScrapeFailedError(f"does not answer: {_reason(error)}") from None
        # A server may close a kept connection at any time: that alone says nothing of it.
        try:
            return self._request()
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise ScrapeFailedError(f"does not answer: {_reason(error)}") from None

    def _request(self) -> bytes:
        self._connection.request("GET", self._path, headers=self._headers)
        response = self._connection.getresponse()
        page = response.read(_LONGEST_PAGE_BYTES)
        if not response.isclosed():
            self.close()
        if response.status != http.client.OK:
            raise ScrapeFailedError(f"answers {response.status} {response.reason}".rstrip())
        return page


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
