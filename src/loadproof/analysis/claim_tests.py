"""One claim on one run: whether the run can tell, and what each of its load levels says."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from loadproof.analysis import wording
from loadproof.analysis.claim_gaps import shown
from loadproof.analysis.judge import analyse, scenario_of
from loadproof.model.claim import Claim
from loadproof.model.objective import Kind
from loadproof.model.scenario import ObjectiveEntry
from loadproof.model.standing import ClaimTest, Standing
from loadproof.model.verdict import Judgement, Ruling, RunVerdict
from loadproof.recording.reader import RecordedRun

BOUNDED = (
    *(Kind.MEAN, Kind.QUALITY, Kind.RATE, Kind.DROP),
    *(Kind.GOODPUT, Kind.GOODPUT_RATE, Kind.THROUGHPUT),
)
"""Those whose bounds are of the quantity itself, not of a share of requests."""


@dataclass(frozen=True, slots=True)
class Witness:
    """A run, with what decides which claims it can tell of.

    `judged` is what it says of the claims' objectives, by sentence. `names` are all by which its
    model goes; `gpus` those that were sampled.
    """

    verdict: RunVerdict
    judged: dict[str, list[Judgement]]
    problems: dict[str, str]
    names: tuple[str, ...]
    gpus: tuple[str, ...]
    weightless: bool

    @property
    def run(self) -> str:
        """The name of the run directory."""
        return self.verdict.run

    def serves(self, model: str) -> bool:
        """Whether the model goes by that name, or one that holds it."""
        wanted = _bare(model)
        return any(wanted in _bare(name) for name in self.names)


def witness(run: RecordedRun, path: Path, claims: Iterable[Claim]) -> Witness:
    """Judges `run`, read from `path`, by what the claims say. Raises RunUnreadableError."""
    scenario = scenario_of(run.header, path)
    problems = {}
    sentences: dict[str, None] = {}
    for claim in claims:
        problem = scenario.problem_with(claim.subject)
        if problem:
            problems[claim.measure] = problem
        else:
            sentences.update(dict.fromkeys(_sentences(claim)))
    entries = tuple(ObjectiveEntry(require=sentence) for sentence in sentences)
    asked = scenario.model_copy(update={"objectives": entries}).model_dump(mode="json")
    verdict = analyse(replace(run, header={**run.header, "scenario": asked}), path)
    judged: dict[str, list[Judgement]] = {}
    for judgement in verdict.judgements:
        judged.setdefault(judgement.objective, []).append(judgement)
    server: dict[str, Any] = run.header.get("server") or {}
    flags = [str(flag) for flag in server.get("flags") or ()]
    return Witness(
        verdict=verdict,
        judged=judged,
        problems=problems,
        names=(str(server.get("model")), str(server.get("name")), *flags),
        gpus=tuple(dict.fromkeys(_gpus(run))),
        weightless="--load-format=dummy" in " ".join(flags).replace(" ", "="),
    )


def untestable(claim: Claim, seen: Witness) -> str | None:
    """Why the run cannot tell of the claim, whatever it measured; None where it can."""
    if seen.verdict.simulated:
        return "the server was simulated"
    if seen.weightless:
        return "no weights: the server made them up (--load-format dummy)"
    if claim.needs_hardware and not seen.gpus:
        return "no GPU was sampled in this run"
    if claim.needs_hardware and claim.gpu is not None:
        word = re.compile(rf"(?<!\w){re.escape(claim.gpu)}(?!\w)", re.IGNORECASE)
        others = [name for name in seen.gpus if not word.search(name)]
        if others:
            return f"another GPU: {', '.join(others)}"
    if claim.measure in seen.problems:
        return f"the run does not tell: it would take {seen.problems[claim.measure]}"
    return None


def tests_of(claim: Claim, seen: Witness) -> list[ClaimTest]:
    """What each level says of the claim, or why the run as a whole says nothing.

    What was measured is told also where it proves nothing.
    """
    reason = untestable(claim, seen)
    by_level = zip(*(seen.judged.get(text, []) for text in _sentences(claim)), strict=True)
    tests = [
        _test(claim, seen, judgements, reason)
        for judgements in by_level
        if claim.users is None or judgements[0].users == claim.users
    ]
    if tests:
        return tests
    where = "" if claim.users is None else f" at {wording.level(claim.users, 0)}"
    reason = reason or f"nothing was measured{where}"
    return [ClaimTest(seen.run, None, None, Standing.NOT_TESTED, reason)]


def _sentences(claim: Claim) -> list[str]:
    """The objectives that decide the claim: its lower bound's and its upper one's, as it has."""
    bounds = [bound for bound in claim.range if bound is not None]
    if claim.against is not None:
        bounds = [claim.value]
    possible = [bound for bound in bounds if _can_be_a_limit(claim, bound)]
    return [str(replace(claim.subject, limit=bound)) for bound in possible or [claim.value]]


def _can_be_a_limit(claim: Claim, bound: float) -> bool:
    """Whether anything can lie on both sides of the bound."""
    is_share = claim.subject.kind in (Kind.QUALITY, Kind.RATE, Kind.GOODPUT, Kind.DROP)
    return bound >= 0 and not (is_share and bound > 1)


def _test(
    claim: Claim, seen: Witness, judgements: tuple[Judgement, ...], reason: str | None
) -> ClaimTest:
    first = judgements[0]
    invalid = [j.reason for j in judgements if j.ruling is Ruling.INVALID]
    if first.n == 0:
        reason = reason or first.reason
    elif invalid:
        reason = reason or invalid[0]
    standing = Standing.NOT_TESTED if reason else _standing(claim, judgements)
    if standing is Standing.INCONCLUSIVE:
        reason = _more(claim, judgements)
    bounded = claim.subject.kind in BOUNDED
    return ClaimTest(
        run=seen.run,
        step=first.step,
        users=first.users,
        standing=standing,
        reason=reason or "",
        measured=_measured(claim, first) if first.n else "",
        n=first.n,
        observed=first.observed,
        low=first.low if bounded else None,
        high=first.high if bounded else None,
    )


def _standing(claim: Claim, judgements: tuple[Judgement, ...]) -> Standing:
    within: list[bool | None] = []
    for judgement in judgements:
        # Above the lower bound, below the upper one: of what is limited from above that is to
        # break the first and to hold the second, of what is limited from below the reverse.
        is_lower = _is_lower(claim, judgement)
        good = Ruling.HOLDS if is_lower is not claim.subject.at_most else Ruling.BROKEN
        settled = judgement.ruling in (Ruling.HOLDS, Ruling.BROKEN)
        within.append(judgement.ruling is good if settled else None)
    if False in within:
        return Standing.REFUTED
    return Standing.REPRODUCED if all(within) else Standing.INCONCLUSIVE


def _is_lower(claim: Claim, judgement: Judgement) -> bool:
    """Whether it is the lower end of the claim's range that was judged."""
    low, _ = claim.range
    return low is not None and judgement.objective == str(replace(claim.subject, limit=low))


def _measured(claim: Claim, judgement: Judgement) -> str:
    if judgement.observed is None:
        return judgement.reason
    what = "samples"
    if claim.subject.kind in (Kind.QUALITY, Kind.DROP):
        what = "answers"
    elif claim.subject.kind not in (Kind.PEAK, Kind.GAUGE, Kind.COUNTER):
        what = "gaps" if claim.subject.metric == "itl" else "requests"
    what = what.removesuffix("s") if judgement.n == 1 else what
    text = f"{shown_measured(claim, judgement.observed)} of {wording.count(judgement.n)} {what}"
    bounds = (judgement.low, judgement.high)
    if claim.subject.kind in BOUNDED and None not in bounds:
        low, high = (shown_measured(claim, bound) for bound in bounds if bound is not None)
        text += f", {low} to {high}"
    return text


def shown_measured(claim: Claim, value: float) -> str:
    """A measured value of the quantity that the claim is about, no more digits than it carries."""
    match claim.subject.kind:
        case Kind.PERCENTILE | Kind.MEAN:
            return wording.milliseconds(value)
        case Kind.QUALITY | Kind.RATE | Kind.GOODPUT:
            return wording.share(value)
        case Kind.DROP:
            return wording.points(value)
        case Kind.THROUGHPUT | Kind.GOODPUT_RATE:
            return f"{value:,.3g}/s"
        case _:
            return shown(claim, value)


def _more(claim: Claim, judgements: tuple[Judgement, ...]) -> str:
    """What would settle it: of a value outside the range, that it is; else, on both sides."""
    low, high = claim.range
    observed = judgements[0].observed
    deciding = list(judgements)
    if observed is not None and low is not None and observed < low:
        deciding = [judgement for judgement in judgements if _is_lower(claim, judgement)]
    elif observed is not None and high is not None and observed > high:
        deciding = [judgement for judgement in judgements if not _is_lower(claim, judgement)]
    undecided = [j.more_requests for j in deciding if j.ruling is Ruling.INCONCLUSIVE]
    needed = [more for more in undecided if more is not None]
    if not needed or len(needed) < len(undecided):
        return "no number of requests would be expected to settle it"
    return f"about {wording.requests(max(needed))} more would be expected to settle it"


def _gpus(run: RecordedRun) -> list[str]:
    return [
        str(gpu["name"])
        for line in run.telemetry
        for gpu in line.get("gpus") or ()
        if gpu.get("name")
    ]


def _bare(name: str) -> str:
    """A name without what is written in one way here and in another there."""
    return "".join(c for c in name.casefold() if c.isalnum())
