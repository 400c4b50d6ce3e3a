"""The language of objectives: its grammar, and the parser that reads it."""

import math
import re
from collections.abc import Mapping
from decimal import Decimal

from loadproof.model.metrics import COUNTERS, GAUGES, LATENCIES, MEMORIES, QUALITIES
from loadproof.model.objective import (
    AT_LEAST,
    BOUNDED,
    FLOWS,
    OUTCOMES,
    PERCENT,
    Bound,
    Kind,
    Objective,
)
from loadproof.model.quantity import BYTES, MILLISECONDS, NUMBER
from loadproof.model.sentence import Sentence

_SHARES = {"%": PERCENT, "": Decimal(1)}
_FREQUENCIES = {"/s": Decimal(1), "/m": 1 / Decimal(60), "/h": 1 / Decimal(3_600)}
_SIZES = {unit: Decimal(size) for unit, size in BYTES.items()}
_COUNTS = {"": Decimal(1)}
_DURATION = "a duration with its unit, such as 120ms or 4s,"
_SHARE = "a share such as 0.1% or 0.85"
_FREQUENCY = "a rate such as 800/s"
_SIZE = "an amount of memory with its unit, such as 10GB or 512MiB,"
_COUNT = "a plain number"
_KINDS = {
    "mean": Kind.MEAN,
    "rate": Kind.RATE,
    "goodput": Kind.GOODPUT,
    "throughput": Kind.THROUGHPUT,
    "drop": Kind.DROP,
    "peak": Kind.PEAK,
    "max": Kind.GAUGE,
}
_GRADES = tuple(dict.fromkeys(name for names in QUALITIES.values() for name in names))
_METRICS = (*LATENCIES, *OUTCOMES, *FLOWS, *MEMORIES, *GAUGES)


def parse_objective(text: str, users: tuple[int, ...] | None = None) -> Objective:
    """The objective that `text` states.

    Grammar (EBNF; blanks are free between symbols, but for the "p" and its number)::

        objective  = percentile | mean | rate | quality | drop | goodput | throughput
                   | peak | gauge | counter ;
        percentile = "p" , number , "(" , latency , [ scope ] , ")" , "<=" , duration ;
        mean       = "mean" , "(" , latency , [ scope ] , ")" , "<=" , duration ;
        rate       = "rate" , "(" , outcome , [ scope ] , ")" , "<=" , share ;
        quality    = grade , "(" , task , ")" , ">=" , share ;
        drop       = "drop" , "(" , grade , "(" , task , ")" , ")" , "<=" , share ;
        goodput    = "goodput" , "(" , bound , { "and" , bound } , [ scope ] , ")" ,
                     ">=" , ( share | frequency ) ;
        bound      = ( "ttft" | "ttfat" | "itl" | "tpot" | "e2e" ) , "<=" , duration ;
        throughput = "throughput" , "(" , ( "output_tokens" | "requests" ) , [ scope ] , ")" ,
                     ">=" , frequency ;
        peak       = "peak" , "(" , ( "gpu_memory" | "server_memory" | "host_memory" ) , ")" ,
                     "<=" , size ;
        gauge      = "max" , "(" , "kv_usage" , ")" , "<=" , share
                   | "max" , "(" , ( "running" | "waiting" ) , ")" , "<=" , number ;
        counter    = "preemptions" , "<=" , number ;
        latency    = "ttft" | "ttfat" | "itl" | "tpot" | "e2e" | "start_delay" ;
        outcome    = "failed" | "cut_off" | "unfinished_thinking" ;
        scope      = "{" , "task" , "=" , task , "}" ;
        task       = identifier ;
        grade      = identifier ;
        duration   = number , ( "us" | "µs" | "ms" | "s" | "m" | "h" ) ;
        share      = number , [ "%" ] ;
        frequency  = number , ( "/s" | "/m" | "/h" ) ;
        size       = number , ( "B" | "kB" | "KB" | "MB" | "GB" | "TB"
                              | "KiB" | "MiB" | "GiB" | "TiB" ) ;
        number     = ? digits, with or without a decimal point ? ;
        identifier = ? letters, digits and underscores of any script, no digit first ? ;

    A percentile lies between p0 and p100, both excluded; a share is at most 100 %. A grade is one
    that the task's grader gives, which the scenario checks, as it checks whether it has the task.
    Raises ObjectiveError, whose message points at the character.
    """
    return _Parser(text).objective(users)


class _Parser:
    """A recursive-descent parser over one sentence."""

    def __init__(self, text: str) -> None:
        self._sentence = Sentence(text)
        self._task: str | None = None
        self._quantile: float | None = None
        self._bounds: tuple[Bound, ...] = ()

    def objective(self, users: tuple[int, ...] | None) -> Objective:
        kind, metric = self._subject(*self._sentence.next())
        wanted = ">=" if kind in AT_LEAST else "<="
        self._sentence.expect(wanted, " (the one comparison for this kind of objective)")
        kind, limit = self._limit(kind, metric)
        self._sentence.end()
        return Objective(
            text=" ".join(self._sentence.text.split()),
            kind=kind,
            metric=metric,
            at_most=kind not in AT_LEAST,
            limit=limit,
            quantile=self._quantile,
            task=self._task,
            users=users,
            bounds=self._bounds,
        )

    def _subject(self, head: str, at: int) -> tuple[Kind, str]:
        """What is judged, up to the comparison: its kind and its metric."""
        if head in COUNTERS:
            return Kind.COUNTER, head
        kind = self._kind(head, at)
        self._sentence.expect("(")
        match kind:
            case Kind.PERCENTILE | Kind.MEAN:
                metric = self._sentence.one_of(LATENCIES, "a latency")
                self._scope()
            case Kind.RATE:
                metric = self._sentence.one_of(OUTCOMES, "an outcome")
                self._scope()
            case Kind.THROUGHPUT:
                metric = self._sentence.one_of(FLOWS, "what flows")
                self._scope()
            case Kind.GOODPUT:
                metric = head
                self._bounds = self._all_bounds()
                self._scope(" or 'and'")
            case Kind.DROP:
                metric = self._sentence.identifier("a grade")
                self._sentence.expect("(")
                self._task = self._sentence.identifier("a task")
                self._sentence.expect(")")
                self._sentence.expect(")")
            case Kind.PEAK:
                metric = self._sentence.one_of(MEMORIES, "a memory")
                self._sentence.expect(")")
            case Kind.GAUGE:
                metric = self._sentence.one_of(GAUGES, "a gauge of the server")
                self._sentence.expect(")")
            case _:
                metric = head
                self._task = self._sentence.identifier("a task")
                self._sentence.expect(")")
        return kind, metric

    def _kind(self, head: str, at: int) -> Kind:
        """The kind by its first word; what it is not known for may be a grade of a user's task."""
        if head in _KINDS:
            return _KINDS[head]
        percentile = re.fullmatch(rf"p({NUMBER})", head)
        if percentile is not None:
            self._quantile = float(Decimal(percentile[1]) * PERCENT)
            if not 0 < self._quantile < 1:
                raise self._sentence.error("a percentile between p0 and p100, both excluded,", at)
            return Kind.PERCENTILE
        argument = self._sentence.lookahead(r"\(\s*(\w+)\s*\)")
        if head in _GRADES or (head.isidentifier() and argument and argument[1] not in _METRICS):
            return Kind.QUALITY
        names = ("p99", *_KINDS, *COUNTERS, *_GRADES)
        raise self._sentence.error(f"one of {', '.join(names)}", at, among=names)

    def _scope(self, instead: str = "") -> None:
        """A task in braces, if there is one, and the closing parenthesis."""
        found, at = self._sentence.next()
        if found == "{":
            self._sentence.expect("task")
            self._sentence.expect("=")
            self._task = self._sentence.identifier("a task")
            self._sentence.expect("}")
            self._sentence.expect(")")
        elif found != ")":
            raise self._sentence.error(f"')' or '{{task=…}}'{instead}", at)

    def _all_bounds(self) -> tuple[Bound, ...]:
        bounds = [self._bound()]
        while self._sentence.follows("and"):
            bounds.append(self._bound())
        return tuple(bounds)

    def _bound(self) -> Bound:
        metric = self._sentence.one_of(BOUNDED, "a latency")
        self._sentence.expect("<=")
        return Bound(metric, self._amount(_DURATION, MILLISECONDS)[0])

    def _limit(self, kind: Kind, metric: str) -> tuple[Kind, float]:
        """What stands after the comparison, and which of the two goodputs it makes."""
        match kind:
            case Kind.PERCENTILE | Kind.MEAN:
                what, units = _DURATION, MILLISECONDS
            case Kind.PEAK:
                what, units = _SIZE, _SIZES
            case Kind.THROUGHPUT:
                what, units = _FREQUENCY, _FREQUENCIES
            case Kind.GOODPUT:
                what, units = f"{_SHARE} or {_FREQUENCY}", _SHARES | _FREQUENCIES
            case Kind.COUNTER:
                what, units = _COUNT, _COUNTS
            case Kind.GAUGE if metric != "kv_usage":
                what, units = _COUNT, _COUNTS
            case _:
                what, units = _SHARE, _SHARES
        limit, unit = self._amount(what, units)
        if kind is Kind.GOODPUT and unit in _FREQUENCIES:
            return Kind.GOODPUT_RATE, limit
        return kind, limit

    def _amount(self, what: str, units: Mapping[str, Decimal]) -> tuple[float, str]:
        """A number in the unit that `units` are multiples of, and the unit it was written in."""
        amount = self._sentence.amount(what, units)
        value = float(amount.number * units[amount.unit])
        if amount.unit in _SHARES and units is not _COUNTS and value > 1:
            raise self._sentence.error("a share from 0 to 1, or from 0% to 100%,", amount.at)
        if math.isinf(value):
            raise self._sentence.error("a number that is not too large", amount.at)
        return value, amount.unit
