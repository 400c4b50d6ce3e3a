"""Whether runs bear out what was claimed of served models.

A claim becomes objectives, which are judged as those of a scenario are, with all that is heeded
there: one-sided bounds, requests that hang together, the generator's own error. "mean(ttft) = 76ms
± 8ms" is REPRODUCED where the mean is shown to be at most 84.5 ms and shown to be over 67.5 ms: the
claimed figure, as it was rounded, give or take the stated margin. That is an equivalence test by
two one-sided tests (Schuirmann, Journal of Pharmacokinetics and Biopharmaceutics 15, 1987), so
that a false REPRODUCED is as rare as a false HOLDS; that a figure fails to be refuted reproduces
nothing. It is REFUTED where the mean is shown to lie outside, and INCONCLUSIVE where neither is
shown. Of a bound such as "mean(ttft) < 80ms" the one side is all there is.

A claim that says at how many users is judged there alone. One that does not is judged at each level
and REPRODUCED as a whole if it is at some level, REFUTED if it is at every level that was tested.
"""

from collections.abc import Sequence
from pathlib import Path

from loadproof.analysis import wording
from loadproof.analysis.claim_differences import difference_tests
from loadproof.analysis.claim_gaps import contradictions, gaps
from loadproof.analysis.claim_tests import Witness, tests_of, witness
from loadproof.model.claim import Claim
from loadproof.model.exit_codes import ExitCode
from loadproof.model.standing import ClaimsVerdict, ClaimTest, Standing, TestedClaim
from loadproof.recording.reader import RecordedRun


def claims_on(
    claims: Sequence[Claim], runs: Sequence[tuple[Path, RecordedRun]], source: str
) -> ClaimsVerdict:
    """What `runs`, each with its directory, say of `claims`; `source` is where those stand.

    The exit code is that of a verdict: BROKEN where a claim is refuted, else INCONCLUSIVE where one
    is not reproduced, else HOLDS. Raises RunUnreadableError.
    """
    witnesses = [witness(run, path, claims) for path, run in runs]
    found = [_tested(claim, witnesses) for claim in claims]
    confidence = min((seen.verdict.confidence for seen in witnesses), default=0.95)
    return ClaimsVerdict(
        source=source,
        runs=tuple(seen.run for seen in witnesses),
        confidence=confidence,
        exit_code=int(_exit_code(found)),
        claims=tuple(found),
        contradictions=tuple(contradictions(claims)),
        gaps=tuple(gaps(claims, confidence)),
    )


def _tested(claim: Claim, witnesses: Sequence[Witness]) -> TestedClaim:
    if claim.against is not None:
        tests = difference_tests(claim, witnesses)
    else:
        tests = [
            test for seen in witnesses if seen.serves(claim.model) for test in tests_of(claim, seen)
        ]
        if not tests:
            tests = [ClaimTest("", None, None, Standing.NOT_TESTED, f"no run of {claim.model}")]
    standing = _overall([test.standing for test in tests])
    return TestedClaim(
        claim=claim.text,
        model=claim.model,
        gpu=claim.gpu,
        against=claim.against,
        standing=standing,
        summary=_summary(tests),
        tests=tuple(tests),
    )


def _overall(standings: Sequence[Standing]) -> Standing:
    for standing in (Standing.REPRODUCED, Standing.INCONCLUSIVE, Standing.REFUTED):
        if standing in standings:
            return standing
    return Standing.NOT_TESTED


def _summary(tests: Sequence[ClaimTest]) -> str:
    """Where it stands how: "reproduced at 1 and 4 users, refuted at 16 users"; why not tested."""
    levels: dict[Standing, list[str]] = {}
    for test in tests:
        if test.standing is not Standing.NOT_TESTED and test.step is not None:
            where = wording.level(test.users, test.step)
            levels.setdefault(test.standing, []).append(where)
    if not levels:
        reasons = dict.fromkeys(test.reason for test in tests)
        return f"not tested: {'; '.join(reasons)}"
    return ", ".join(
        f"{standing} at {_joined(list(dict.fromkeys(levels[standing])))}"
        for standing in (Standing.REPRODUCED, Standing.INCONCLUSIVE, Standing.REFUTED)
        if standing in levels
    )


def _joined(names: list[str]) -> str:
    """ "1, 4 and 16 users" """
    bare = [name.removesuffix("s").removesuffix(" user") for name in names[:-1]]
    return f"{', '.join(bare)} and {names[-1]}" if bare else names[-1]


def _exit_code(found: Sequence[TestedClaim]) -> ExitCode:
    standings = {claim.standing for claim in found}
    if Standing.REFUTED in standings:
        return ExitCode.BROKEN
    return ExitCode.HOLDS if standings <= {Standing.REPRODUCED} else ExitCode.INCONCLUSIVE
