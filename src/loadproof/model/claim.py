"""Claims: what somebody has said of served models, as sentences that a run can bear out or not."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, model_validator

from loadproof.model.grammar import parse_objective
from loadproof.model.lengths import Positive
from loadproof.model.objective import AT_LEAST, Kind, Objective
from loadproof.model.quantity import NUMBER
from loadproof.model.sentence import ObjectiveError
from loadproof.model.toml_file import FileModel, problem_at

_CLAIM = re.compile(
    r"(?P<subject>.*\)|[^()<>=]*)(?P<relation>\s*(?:<=|>=|<|>|=))"
    rf"(?P<value>\s*(?P<number>{NUMBER})\s*(?P<unit>[^\s±+\d]*)\s*)"
    rf"(?:(?:±|\+-)(?P<margin>\s*{NUMBER}\s*\S*)\s*)?"
)
_SHARES = (Kind.QUALITY, Kind.RATE, Kind.GOODPUT)


class Relation(StrEnum):
    """How a claimed value stands to the true one."""

    EQUAL = "="
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, slots=True)
class Claim:
    """One claim: `subject`, whose limit is the claimed value, stands in `relation` to the truth.

    `rounding` is half a unit in the last digit that was written, `margin` is how far off a
    measurement may still be called the same; both in the unit of the subject's limit. With
    `against` the value is by how much `model` has more than that other model. `users` and
    `answers` are the concurrency and the sample that the claim was made for, None where it does
    not say; so is `gpu`.
    """

    text: str
    model: str
    subject: Objective
    relation: Relation
    rounding: float
    margin: float = 0.0
    gpu: str | None = None
    against: str | None = None
    users: int | None = None
    answers: int | None = None

    @property
    def value(self) -> float:
        """What is claimed, in the unit of the subject's limit."""
        return self.subject.limit

    @property
    def measure(self) -> str:
        """What it is about, without the value, in its normal form: "mean(ttft)"."""
        comparison = "<=" if self.subject.at_most else ">="
        return str(self.subject).rpartition(f" {comparison} ")[0]

    @property
    def range(self) -> tuple[float | None, float | None]:
        """From where to where the true value may lie for the claim to be borne out; None: open."""
        reach = self.rounding + self.margin
        match self.relation:
            case Relation.EQUAL:
                return _plain(self.value - reach), _plain(self.value + reach)
            case Relation.BELOW | Relation.AT_MOST:
                return None, self.value
            case _:
                return self.value, None

    @property
    def needs_hardware(self) -> bool:
        """Whether its truth depends on the machine that serves the model."""
        return self.subject.kind not in (Kind.QUALITY, Kind.DROP, Kind.RATE)


class Claims(FileModel):
    """Claims of one source about one model."""

    model: str
    """The model's name, or a part of it that tells it from others; case and hyphens are free."""
    says: Annotated[
        tuple[str, ...],
        Field(min_length=1),
        BeforeValidator(lambda v: tuple(v) if isinstance(v, list) else v),
    ]
    """Sentences such as "mean(ttft) = 76ms ± 8ms"; see loadproof.model.claim.parse_claim."""
    gpu: str | None = None
    """The GPU that it was said of, as a word of its name, such as "T4"."""
    against: str | None = None
    """Another model: the sentences say by how much `model` has more than that one."""
    users: Positive | None = None
    """At how many concurrent users, where the source says so."""
    answers: Positive | None = None
    """Of how many answers, where the source says so."""

    @model_validator(mode="after")
    def _parse(self) -> Self:
        for index, text in enumerate(self.says):
            try:
                self._claim(text)
            except ObjectiveError as error:
                raise problem_at(f"says[{index}]", text, str(error)) from None
        return self

    def parsed(self) -> Iterator[Claim]:
        """The claims one by one."""
        return (self._claim(text) for text in self.says)

    def _claim(self, text: str) -> Claim:
        claim = parse_claim(text, self.model)
        return replace(
            claim, gpu=self.gpu, against=self.against, users=self.users, answers=self.answers
        )


def parse_claim(text: str, model: str) -> Claim:
    """The claim about `model` that `text` states.

    Grammar (EBNF; `subject` and the amounts are those of an objective, see model.grammar)::

        claim  = subject , ( "=" , amount , [ ( "±" | "+-" ) , amount ]
                           | ( "<" | "<=" | ">" | ">=" ) , amount ) ;

    Raises ObjectiveError.
    """
    match = _CLAIM.fullmatch(text)
    if match is None:
        raise ObjectiveError(
            'a claim such as "mean(ttft) = 76ms ± 8ms" or "mean(ttft) < 80ms": what was measured, '
            "one of = < <= > >=, and an amount"
        )
    relation = Relation(match["relation"].strip())
    subject = _objective(match["subject"], match["value"])
    if match["margin"] is not None and relation is not Relation.EQUAL:
        raise ObjectiveError("a margin only after an = and its value: a bound has none")
    margin = _objective(match["subject"], match["margin"]).limit if match["margin"] else 0.0
    exponent = Decimal(match["number"]).as_tuple().exponent
    assert isinstance(exponent, int), "a number of digits is finite"
    rounding = 0.0
    if relation is Relation.EQUAL:
        rounding = _objective(match["subject"], f"1{match['unit']}").limit * 10.0**exponent / 2
    if subject.kind in _SHARES and margin >= max(subject.limit, 1 - subject.limit):
        raise ObjectiveError("a margin that leaves something to be refuted")
    return Claim(" ".join(text.split()), model, subject, relation, rounding, margin)


def _plain(value: float) -> float:
    """`value` without the noise of binary fractions, as someone would write it."""
    return float(f"{value:.12g}")


def _objective(subject: str, amount: str) -> Objective:
    """The subject as an objective with the amount as its limit, whichever way that is limited."""
    # Written so that errors point at the right character of the claim, too.
    try:
        return parse_objective(f"{subject.rstrip()} <= {amount.strip()}")
    except ObjectiveError as error:
        try:
            found = parse_objective(f"{subject.rstrip()} >= {amount.strip()}")
        except ObjectiveError as other:
            raise (other if "the one comparison" in str(error) else error) from None
        assert found.kind in AT_LEAST, "only these are limited from below"
        return found
