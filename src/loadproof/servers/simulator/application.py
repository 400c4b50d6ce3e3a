"""The routes of the simulated server and what stands behind them."""

import hmac
import time
from collections.abc import Callable
from uuid import uuid4

import msgspec

from loadproof import __version__
from loadproof.model.server import Server, Simulator
from loadproof.servers.simulator import chat_request, faults, wire
from loadproof.servers.simulator.answers import Answers
from loadproof.servers.simulator.connection import Connection
from loadproof.servers.simulator.driver import Driver
from loadproof.servers.simulator.engine import Engine, Sequence, context_limit
from loadproof.servers.simulator.exchange import Exchange, Job, StreamedExchange, WholeExchange
from loadproof.servers.simulator.http_parser import Request
from loadproof.servers.simulator.metrics import Metrics
from loadproof.servers.simulator.script import script

DEFAULT_MODEL = "simulated"
_METRICS_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Application:
    """One simulated server's state: engine, metrics, answers, the requests in flight.

    `make_driver` gives what runs the engine and fills the metrics in real time.
    """

    def __init__(
        self,
        server: Server,
        answers: Answers,
        make_driver: Callable[[Engine, Metrics], Driver],
        key: str | None = None,
    ) -> None:
        self.settings = server.simulator or Simulator()
        self.model = server.model or DEFAULT_MODEL
        self._answers = answers
        self._key = key
        self._context_tokens = context_limit(self.settings)
        self._started = int(time.time())
        engine = Engine(self.settings)
        self._metrics = Metrics(engine, self.model)
        self._driver = make_driver(engine, self._metrics)
        self._faults = faults.Faults(self.settings)
        self._in_flight: dict[Connection, Sequence] = {}

    def handle(self, request: Request, connection: Connection) -> None:
        """Answers one request, now or as its tokens come."""
        if request.path.startswith("/v1") and not self._is_authorized(request):
            connection.respond(401, b'{"error":"Unauthorized"}')
            return
        match request.method, request.path:
            case "POST", "/v1/chat/completions":
                self._chat(request, connection)
            case "GET", "/health":
                connection.respond(200, b"")
            case "GET", "/v1/models":
                listed = wire.models(self.model, self._started, self._context_tokens)
                connection.respond(200, listed)
            case "GET", "/version":
                version = {"version": __version__, "simulated": True}
                connection.respond(200, msgspec.json.encode(version))
            case "GET", "/metrics":
                connection.respond(200, self._metrics.text(), _METRICS_TYPE)
            case _, ("/v1/chat/completions" | "/health" | "/v1/models" | "/version" | "/metrics"):
                connection.respond(405, b'{"detail":"Method Not Allowed"}')
            case _:
                connection.respond(404, b'{"detail":"Not Found"}')

    def lost(self, connection: Connection) -> None:
        """Takes the request of a client that has gone out of the engine."""
        sequence = self._in_flight.pop(connection, None)
        if sequence is not None:
            self._driver.abort(sequence)

    def _is_authorized(self, request: Request) -> bool:
        if self._key is None:
            return True
        given = request.headers.get("authorization", "")
        return hmac.compare_digest(given.encode(), f"Bearer {self._key}".encode())

    def _chat(self, request: Request, connection: Connection) -> None:
        try:
            asked = chat_request.read(request.body, self.model, self._context_tokens)
            fault = self._fault(request)
        except chat_request.Refusal as refusal:
            connection.respond(refusal.status, refusal.body)
            return
        status = fault.kind.status if fault else None
        if status is not None:
            connection.respond(status, chat_request.fault_body(status))
            return
        said = self._answers.say(asked.question, asked.seed)
        job = Job(
            identifier=f"chatcmpl-{uuid4().hex[:16]}",
            created=int(time.time()),
            model=self.model,
            asked=asked,
            script=script(said, asked, self.settings),
            fault=fault,
        )
        kind = StreamedExchange if asked.stream else WholeExchange
        exchange: Exchange = kind(job, connection)
        if exchange.start():
            sequence = Sequence(asked.prompt_tokens, len(job.script.tokens))
            self._in_flight[connection] = sequence
            finish = job.script.finish
            delivery = _Delivery(self, connection, exchange, sequence, finish)
            self._driver.submit(sequence, delivery)

    def _fault(self, request: Request) -> faults.Fault | None:
        drawn = self._faults.next()
        header = request.headers.get(faults.HEADER)
        if header is None:
            return drawn
        try:
            return faults.forced(header)
        except ValueError as error:
            raise chat_request.Refusal(
                400, wire.error(str(error), "BadRequestError", 400, faults.HEADER)
            ) from None

    def ended(self, connection: Connection, sequence: Sequence, finish: wire.Finish) -> None:
        """An answer needs no more tokens: it has had all, or a fault has ended it."""
        if self._in_flight.get(connection) is sequence:
            del self._in_flight[connection]
        if sequence.finished:
            self._metrics.finished[finish] += 1
        else:
            self._driver.abort(sequence)


class _Delivery:
    """Carries tokens from the driver to an exchange, and its end back to the application."""

    __slots__ = ("_application", "_connection", "_exchange", "_finish", "_sequence")

    def __init__(
        self,
        application: Application,
        connection: Connection,
        exchange: Exchange,
        sequence: Sequence,
        finish: wire.Finish,
    ) -> None:
        self._application = application
        self._connection = connection
        self._exchange = exchange
        self._sequence = sequence
        self._finish = finish

    def token(self) -> None:
        if not self._exchange.token():
            self._application.ended(self._connection, self._sequence, self._finish)
