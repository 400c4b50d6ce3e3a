"""junit.xml: a test case an objective and load level, as GitHub, GitLab and Jenkins show them."""

from xml.etree import ElementTree

from loadproof.analysis import wording
from loadproof.model.exit_codes import ExitCode
from loadproof.model.verdict import Judgement, Level, Ruling, RunVerdict
from loadproof.report.signs import plain


def junit_xml(verdict: RunVerdict) -> str:
    """The verdict as JUnit XML.

    BROKEN is a failure. INCONCLUSIVE and INVALID are errors: the exit code is not zero then, and a
    pipeline has to show why. What is wrong with the run as a whole, not with an objective, is a
    test case of its own, so that no run with a non-zero exit code comes out all green.
    """
    classname = plain(f"{verdict.scenario}.{verdict.server}")
    durations_s = {(level.step, level.users): level.duration_s for level in verdict.levels}
    cases = [
        _case(judgement, classname, durations_s.get((judgement.step, judgement.users), 0.0))
        for judgement in verdict.judgements
    ]
    all_green = not any(len(case) for case in cases)
    server_failed = verdict.exit_code == ExitCode.SERVER_FAILED
    if not cases or server_failed or (verdict.exit_code and all_green):
        cases.append(_run_case(verdict, classname))
    counts = {
        "tests": str(len(cases)),
        "failures": str(sum(case.find("failure") is not None for case in cases)),
        "errors": str(sum(case.find("error") is not None for case in cases)),
        "time": f"{sum(level.duration_s for level in verdict.levels):.3f}",
    }
    root = ElementTree.Element("testsuites", {"name": "loadproof", **counts})
    suite = ElementTree.SubElement(root, "testsuite", {"name": classname, **counts, "skipped": "0"})
    properties = ElementTree.SubElement(suite, "properties")
    for name, value in _properties(verdict):
        ElementTree.SubElement(properties, "property", {"name": name, "value": plain(value)})
    suite.extend(cases)
    if verdict.warnings:
        output = ElementTree.SubElement(suite, "system-out")
        output.text = plain("\n".join(f"warning: {warning}" for warning in verdict.warnings))
    ElementTree.indent(root)
    text = ElementTree.tostring(root, encoding="unicode")
    return f'<?xml version="1.0" encoding="UTF-8"?>\n{text}\n'


def _case(judgement: Judgement, classname: str, duration_s: float) -> ElementTree.Element:
    level = wording.level(judgement.users, judgement.step)
    case = ElementTree.Element(
        "testcase",
        {
            "classname": classname,
            "name": plain(f"{judgement.objective} @ {level}"),
            "time": f"{duration_s:.3f}",
        },
    )
    _complain(case, judgement.ruling, judgement.reason)
    return case


def _run_case(verdict: RunVerdict, classname: str) -> ElementTree.Element:
    """The run as a whole."""
    case = ElementTree.Element("testcase", {"classname": classname, "name": "run", "time": "0.000"})
    if verdict.exit_code:
        ruling = verdict.ruling or Ruling.INCONCLUSIVE
        reason = "; ".join(verdict.reasons)
        if verdict.exit_code == ExitCode.SERVER_FAILED:
            ruling = Ruling.INVALID
        _complain(case, ruling, reason)
    return case


def _complain(case: ElementTree.Element, ruling: Ruling, reason: str) -> None:
    if ruling is Ruling.HOLDS:
        return
    kind = "failure" if ruling is Ruling.BROKEN else "error"
    element = ElementTree.SubElement(
        case, kind, {"type": str(ruling), "message": plain(f"{ruling}: {reason}")}
    )
    element.text = plain(reason)


def _properties(verdict: RunVerdict) -> list[tuple[str, str]]:
    """What was measured, by level: names such as `16 users/ttft/p99_ms`."""
    found = [
        ("run", verdict.run),
        ("ruling", str(verdict.ruling or "none")),
        ("exit_code", str(verdict.exit_code)),
        ("simulated", str(verdict.simulated).lower()),
    ]
    for level in verdict.levels:
        found += _level_properties(level)
    return found


def _level_properties(level: Level) -> list[tuple[str, str]]:
    name = wording.level(level.users, level.step)
    found = [
        (f"{name}/{outcome}", str(getattr(level, outcome)))
        for outcome in ("sent", "completed", "failed", "cut_off")
    ]
    if level.tokens_per_s is not None:
        found.append((f"{name}/tokens_per_s", f"{level.tokens_per_s:.1f}"))
    for metric, row in level.latencies.items():
        for quantile in ("p50", "p90", "p95", "p99"):
            value_ms = getattr(row, quantile)
            if value_ms is not None:
                found.append((f"{name}/{metric}/{quantile}_ms", f"{value_ms:.3f}"))
    found += [(f"{name}/peak/{key}_bytes", str(size)) for key, size in level.peak_memory.items()]
    found += [
        (f"{name}/quality/{quality.task}/{quality.metric}", f"{quality.mean:.4f}")
        for quality in level.qualities
    ]
    return found
