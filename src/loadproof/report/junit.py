"""junit.xml: a test case an objective and load level, as GitHub, GitLab and Jenkins show them."""

import re
from collections import Counter
from xml.etree import ElementTree

from loadproof.analysis import wording
from loadproof.model.exit_codes import ExitCode
from loadproof.model.verdict import Judgement, Level, Ruling, RunVerdict
from loadproof.report.signs import plain

_STARTED = re.compile(r"(\d{4}-\d\d-\d\d)T(\d\d)-(\d\d)-(\d\d)Z_")
"""What the name of a run directory begins with."""


def junit_xml(verdict: RunVerdict) -> str:
    """The verdict as JUnit XML, in the part of it that Jenkins' schema allows and GitLab and the
    reporters for GitHub read.

    BROKEN is a failure. INCONCLUSIVE and INVALID are errors: the exit code is not zero then, and a
    pipeline has to show why. What is wrong with the run as a whole, not with an objective, is a
    test case of its own, so that no run with a non-zero exit code comes out all green.

    - GitLab shows the text of a failure and not its message, so the text says all. It drops a
      second case of the same class and name, so each name is given once.
    - Jenkins takes what follows the last dot for the class and the rest for its package: the
      scenario is the package, the server the class, and neither has a dot of its own.
    - All add up the cases' times: a level's time is shared out among its cases.
    """
    classname = f"{_dotless(verdict.scenario)}.{_dotless(verdict.server)}"
    cases = _cases(verdict, classname)
    all_green = not any(_complains(case) for case in cases)
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
    attributes = {"name": classname, **counts, "skipped": "0"}
    started = _STARTED.match(verdict.run)
    if started:
        attributes["timestamp"] = "{}T{}:{}:{}Z".format(*started.groups())
    suite = ElementTree.SubElement(root, "testsuite", attributes)
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


def _complains(case: ElementTree.Element) -> bool:
    return any(child.tag in ("failure", "error") for child in case)


def _dotless(name: str) -> str:
    return plain(name).replace(".", "_")


def _cases(verdict: RunVerdict, classname: str) -> list[ElementTree.Element]:
    """One for each judgement, in their order."""
    durations_s = {(level.step, level.users): level.duration_s for level in verdict.levels}
    sharing = Counter((judgement.step, judgement.users) for judgement in verdict.judgements)
    names = [_name(judgement) for judgement in verdict.judgements]
    cases = []
    for judgement, name in zip(verdict.judgements, names, strict=True):
        level = (judgement.step, judgement.users)
        unique = name if names.count(name) == 1 else f"{name}, step {judgement.step}"
        time_s = durations_s.get(level, 0.0) / sharing[level]
        case = ElementTree.Element(
            "testcase", {"classname": classname, "name": unique, "time": f"{time_s:.3f}"}
        )
        _say(case, judgement.ruling, judgement.reason)
        cases.append(case)
    return cases


def _name(judgement: Judgement) -> str:
    return plain(f"{judgement.objective} @ {wording.level(judgement.users, judgement.step)}")


def _run_case(verdict: RunVerdict, classname: str) -> ElementTree.Element:
    """The run as a whole."""
    case = ElementTree.Element("testcase", {"classname": classname, "name": "run", "time": "0.000"})
    if verdict.exit_code:
        ruling = verdict.ruling or Ruling.INCONCLUSIVE
        reason = "; ".join(verdict.reasons)
        if verdict.exit_code == ExitCode.SERVER_FAILED:
            ruling = Ruling.INVALID
        _say(case, ruling, reason)
    return case


def _say(case: ElementTree.Element, ruling: Ruling, reason: str) -> None:
    said = plain(f"{ruling}: {reason}")
    if ruling is Ruling.HOLDS:
        ElementTree.SubElement(case, "system-out").text = said
        return
    kind = "failure" if ruling is Ruling.BROKEN else "error"
    element = ElementTree.SubElement(case, kind, {"type": str(ruling), "message": said})
    element.text = said


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
