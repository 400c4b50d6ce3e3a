"""summary.md: the verdict for a pull request, in GitHub's and GitLab's Markdown."""

from urllib.parse import quote

from loadproof.analysis import wording
from loadproof.model.verdict import Ruling, RunVerdict
from loadproof.recording.directory import JUNIT, REPORT, VERDICT
from loadproof.report import cells, generator, quality, thinking
from loadproof.report.markdown import code, table, text
from loadproof.report.signs import MARKS, by_objective, run_mark

_SHOWN_REASONS = 10


def summary_md(verdict: RunVerdict, report_url: str | None = None) -> str:
    """The verdict sentence, what decided it, the levels, each objective by level, and links.

    They are relative to the run directory, for who reads the summary there. Shown elsewhere it
    needs `report_url`, the address of report.html, in which `{run}` stands for the name of the run
    directory.
    """
    title = f"{run_mark(verdict.ruling)}: {verdict.scenario} on {verdict.server}"
    blocks = [f"## {text(title)}"]
    if verdict.simulated:
        blocks.append("**SIMULATED server**: these numbers say nothing about real hardware.")
    reasons = verdict.reasons[:_SHOWN_REASONS]
    lines = [f"- {text(reason)}" for reason in reasons]
    if len(verdict.reasons) > len(reasons):
        lines.append(f"- and {len(verdict.reasons) - len(reasons)} more, in report.html")
    if lines:
        blocks.append("\n".join(lines))
    if verdict.levels:
        blocks.append(_levels(verdict))
    if verdict.judgements:
        blocks.append(_objectives(verdict))
    of_quality = quality.sentences(verdict)
    if of_quality:
        blocks.append("\n".join(f"- {text(sentence)}" for sentence in of_quality))
    if verdict.capacity is not None:
        facts = [verdict.capacity.sentence, *cells.capacity_facts(verdict.capacity)]
        blocks.append("**Capacity**\n\n" + "\n".join(f"- {text(fact)}" for fact in facts))
    early = [cells.ended_early(level) for level in verdict.levels if level.ended_early]
    if early and verdict.capacity is None:
        blocks.append(text(f"Ended early: {'; '.join(early)}."))
    thoughts = [
        f"- {wording.level(level.users, level.step)}: {text(thinking.sentence(level, found))}"
        for level, found in thinking.thoughtful(verdict)
    ]
    if thoughts:
        blocks.append("**Thinking**\n\n" + "\n".join(thoughts))
    of_generator = generator.sentence(verdict)
    if of_generator:
        blocks.append(text(of_generator))
    if verdict.warnings:
        warnings = "\n".join(f"- {text(warning)}" for warning in verdict.warnings)
        blocks.append(f"**Warnings**\n\n{warnings}")
    blocks.append(_links(verdict, report_url))
    confidence = wording.share_limit(verdict.confidence)
    blocks.append(
        f"<sub>Run `{code(verdict.run)}`, exit code {verdict.exit_code}. "
        f"Each HOLDS and BROKEN is stated at {confidence} confidence. "
        "Latencies in ms, of completed requests; warm-up is left out.</sub>"
    )
    return "\n\n".join(blocks) + "\n"


def _links(verdict: RunVerdict, report_url: str | None) -> str:
    if report_url is None:
        return " · ".join(f"[{name}]({name})" for name in (REPORT, VERDICT, JUNIT))
    return f"[Report with charts]({report_url.replace('{run}', quote(verdict.run))})"


def _levels(verdict: RunVerdict) -> str:
    head = [
        "Users",
        "Requests",
        "Failed",
        "Tokens/s",
        "TTFT p50",
        "p95",
        "p99",
        "ITL p99",
        "E2E p99",
        "Memory",
        "Quality",
    ]
    rows = [
        [
            cells.users(level),
            wording.count(level.sent),
            cells.not_completed(level),
            cells.tokens_per_s(level),
            cells.latency(level, "ttft", "p50"),
            cells.latency(level, "ttft", "p95"),
            cells.latency(level, "ttft", "p99"),
            cells.latency(level, "itl", "p99"),
            cells.latency(level, "e2e", "p99"),
            " ".join(cells.memory(level)).strip(),
            cells.quality(level),
        ]
        for level in verdict.levels
    ]
    return table(head, rows, right=range(10))


def _objectives(verdict: RunVerdict) -> str:
    columns = list(dict.fromkeys((j.step, j.users) for j in verdict.judgements))
    columns.sort(key=lambda key: key[0])
    head = ["Objective", *(wording.level(users, step) for step, users in columns)]
    rows = []
    for objective, judgements in by_objective(verdict).items():
        found = {(j.step, j.users): j for j in judgements}
        rows.append(
            [
                f"`{code(objective)}`",
                *(_ruling(found[key].ruling) if key in found else "" for key in columns),
            ]
        )
    return table(head, rows, right=range(0))


def _ruling(ruling: Ruling) -> str:
    text = f"{MARKS[ruling]} {ruling}"
    return text if ruling is Ruling.HOLDS else f"**{text}**"
