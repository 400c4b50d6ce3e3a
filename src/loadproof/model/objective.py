"""Objectives: sentences such as `p99(ttft) <= 120ms`, parsed before any load is sent."""

import re
from dataclasses import dataclass
from enum import StrEnum

from loadproof.model.metrics import COUNTERS, GAUGES, LATENCIES, MEMORIES, QUALITIES, TASKS
from loadproof.model.quantity import BYTES, duration_s


class Kind(StrEnum):
    """What an objective is about, which decides how it is judged."""

    PERCENTILE = "percentile"
    MEAN = "mean"
    RATE = "rate"
    QUALITY = "quality"
    PEAK = "peak"
    GAUGE = "gauge"
    COUNTER = "counter"


@dataclass(frozen=True, slots=True)
class Objective:
    """One parsed objective.

    `limit` is in milliseconds for latencies, bytes for memory, a fraction from 0 to 1 for rates,
    qualities and `kv_usage`, and a plain count otherwise. `quantile` (0 to 1) is given for
    percentiles only, `task` where the objective is about one task alone. `users` are the load
    levels that it is asked of; None means all.
    """

    text: str
    kind: Kind
    metric: str
    at_most: bool
    limit: float
    quantile: float | None = None
    task: str | None = None
    users: tuple[int, ...] | None = None


RATES = ("failed", "cut_off")
_QUALITY_NAMES = tuple(dict.fromkeys(name for names in QUALITIES.values() for name in names))
_TOKEN = re.compile(r"\s*([A-Za-z_][A-Za-z0-9_.]*|<=|>=|[(){}=]|[^\s(){}=<>]+|[<>])")


class ObjectiveError(ValueError):
    """A sentence that is no objective; the message says what was expected and where."""


def parse_objective(text: str, users: tuple[int, ...] | None = None) -> Objective:
    """The objective that `text` states.

    Grammar (EBNF; blanks are free between symbols)::

        objective  = subject , comparison , limit ;
        subject    = percentile | mean | rate | quality | peak | gauge | counter ;
        percentile = "p" , number , "(" , latency , [ scope ] , ")" ;
        mean       = "mean" , "(" , latency , [ scope ] , ")" ;
        rate       = "rate" , "(" , ( "failed" | "cut_off" ) , [ scope ] , ")" ;
        quality    = ( "accuracy" | "exact_match" | "f1" | "compliance" | "correct" | "answered" ) ,
                     "(" , task , ")" ;
        peak       = "peak" , "(" , ( "gpu_memory" | "server_memory" | "host_memory" ) , ")" ;
        gauge      = "max" , "(" , ( "kv_usage" | "running" | "waiting" ) , ")" ;
        counter    = "preemptions" ;
        latency    = "ttft" | "ttfat" | "itl" | "tpot" | "e2e" | "start_delay" ;
        scope      = "{" , "task" , "=" , task , "}" ;
        task       = "chat" | "medical_qa" | "boxed_math" | "commonsense" ;
        comparison = "<=" | ">=" ;
        limit      = number , unit ;
        unit       = "us" | "ms" | "s" | "m" | "h"              (* latencies *)
                   | "B" | "kB" | "MB" | "GB" | "KiB" | "MiB" | "GiB" | …   (* memory *)
                   | "%" | ""                                    (* rates, qualities, kv_usage *)
                   | "" ;                                        (* counts *)

    Everything but a quality is limited from above (`<=`), a quality from below (`>=`).
    Raises ObjectiveError.
    """
    return _Parser(text).objective(users)


class _Parser:
    """A recursive-descent parser over one line."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0

    def fail(self, expected: str, at: int | None = None) -> ObjectiveError:
        at = self.position if at is None else at
        found = self.text[at:].split()[0] if self.text[at:].strip() else "the end"
        return ObjectiveError(f"{expected} at character {at + 1}, where {found!r} stands")

    def next(self) -> tuple[str, int]:
        """The next symbol and where it begins; an empty one at the end."""
        match = _TOKEN.match(self.text, self.position)
        if match is None:
            self.position = len(self.text)
            return "", len(self.text)
        self.position = match.end()
        return match[1], match.start(1)

    def expect(self, symbol: str) -> None:
        found, at = self.next()
        if found != symbol:
            raise self.fail(f"{symbol!r}", at)

    def one_of(self, names: tuple[str, ...], what: str) -> str:
        found, at = self.next()
        if found not in names:
            raise self.fail(f"{what} ({', '.join(names)})", at)
        return found

    def scope(self) -> str | None:
        """A task in braces, if there is one, and the closing parenthesis."""
        found, at = self.next()
        if found == ")":
            return None
        if found != "{":
            raise self.fail("')' or '{task=…}'", at)
        self.expect("task")
        self.expect("=")
        task = self.one_of(TASKS, "a task")
        self.expect("}")
        self.expect(")")
        return task

    def objective(self, users: tuple[int, ...] | None) -> Objective:
        head, at = self.next()
        kind, quantile = self.kind(head, at)
        task: str | None = None
        metric = head
        if kind is not Kind.COUNTER:
            self.expect("(")
            match kind:
                case Kind.PERCENTILE | Kind.MEAN:
                    metric = self.one_of(LATENCIES, "a latency")
                    task = self.scope()
                case Kind.RATE:
                    metric = self.one_of(RATES, "an outcome")
                    task = self.scope()
                case Kind.QUALITY:
                    task = self.one_of(_tasks_graded_by(head), f"a task that gives {head}")
                    self.expect(")")
                case Kind.PEAK:
                    metric = self.one_of(MEMORIES, "a memory")
                    self.expect(")")
                case Kind.GAUGE:
                    metric = self.one_of(GAUGES, "a gauge of the server")
                    self.expect(")")
        wanted = ">=" if kind is Kind.QUALITY else "<="
        comparison, at = self.next()
        if comparison != wanted:
            raise self.fail(f"{wanted!r} (the one comparison for this kind of objective)", at)
        limit = self.limit(kind, metric)
        return Objective(
            text=" ".join(self.text.split()),
            kind=kind,
            metric=metric,
            at_most=wanted == "<=",
            limit=limit,
            quantile=quantile,
            task=task,
            users=users,
        )

    def kind(self, head: str, at: int) -> tuple[Kind, float | None]:
        simple = {"mean": Kind.MEAN, "rate": Kind.RATE, "peak": Kind.PEAK, "max": Kind.GAUGE}
        if head in simple:
            return simple[head], None
        if head in COUNTERS:
            return Kind.COUNTER, None
        if head in _QUALITY_NAMES:
            return Kind.QUALITY, None
        percentile = re.fullmatch(r"p(\d+(?:\.\d+)?)", head)
        if percentile is None:
            names = ", ".join(("p99", *simple, *_QUALITY_NAMES, *COUNTERS))
            raise self.fail(f"one of {names}", at)
        quantile = float(percentile[1]) / 100
        if not 0 < quantile < 1:
            raise self.fail("a percentile between p0 and p100, both excluded,", at)
        return Kind.PERCENTILE, quantile

    def limit(self, kind: Kind, metric: str) -> float:
        rest = self.text[self.position :].strip()
        at = len(self.text) - len(self.text[self.position :].lstrip())
        match kind:
            case Kind.PERCENTILE | Kind.MEAN:
                try:
                    return duration_s(rest) * 1e3
                except ValueError as error:
                    raise self.fail(str(error), at) from None
            case Kind.PEAK:
                match = re.fullmatch(rf"([\d.]+)\s*({'|'.join(BYTES)})", rest)
                if match is None or not _is_number(match[1]):
                    raise self.fail("an amount of memory with its unit, such as 10GB or 512MiB", at)
                return float(match[1]) * BYTES[match[2]]
            case Kind.RATE | Kind.QUALITY:
                return self.fraction(rest, at)
            case Kind.GAUGE if metric == "kv_usage":
                return self.fraction(rest, at)
            case _:
                if not _is_number(rest):
                    raise self.fail("a plain number", at)
                return float(rest)

    def fraction(self, rest: str, at: int) -> float:
        number = rest.removesuffix("%").strip()
        if not _is_number(number):
            raise self.fail("a share such as 0.1% or 0.85", at)
        value = float(number) / (100 if rest.endswith("%") else 1)
        if not 0 <= value <= 1:
            raise self.fail("a share from 0 to 1, or from 0% to 100%,", at)
        return value


def _is_number(text: str) -> bool:
    return re.fullmatch(r"\d+(?:\.\d*)?|\.\d+", text) is not None


def _tasks_graded_by(quality: str) -> tuple[str, ...]:
    return tuple(task for task, names in QUALITIES.items() if quality in names)
