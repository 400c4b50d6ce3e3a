"""The load generator's own health, as every report words it."""

from collections.abc import Sequence

from loadproof.analysis import wording
from loadproof.model.verdict import GeneratorHealth, Level, RunVerdict
from loadproof.report import cells


def watched(verdict: RunVerdict) -> list[tuple[Level, GeneratorHealth]]:
    """The levels at which the generator was measured, with what was found."""
    return [(level, level.generator) for level in verdict.levels if level.generator is not None]


def brief(health: GeneratorHealth) -> str:
    """One level's figures, short: "1.7 ms late at p99, 3.7 % of a core, 99.9 % of the load"."""
    parts = [
        f"{wording.milliseconds(lateness_ms(health))} late at p99",
        f"{wording.share(health.cpu_share_mean)} of a core",
    ]
    if health.delivered is not None:
        parts.append(f"{delivered_share(health.delivered)} of the load")
    return ", ".join(parts)


def sentence(verdict: RunVerdict) -> str:
    """What is to be thought of the generator over all levels; empty where it was not measured."""
    found = watched(verdict)
    if not found:
        return ""
    if suspicion(verdict):
        poor = [health for _, health in found if health.troubles]
        return f"{suspicion(verdict)} It was up to {_figures(poor)}."
    return f"The generator was fine: at most {_figures([health for _, health in found])}."


def suspicion(verdict: RunVerdict) -> str:
    """At which levels the generator may have spoilt something; empty where at none."""
    poor = [level for level, health in watched(verdict) if health.troubles]
    where = ", ".join(wording.level(level.users, level.step) for level in poor)
    return (
        f"What was measured at {where} may be owed to the load generator itself." if where else ""
    )


def _figures(healths: Sequence[GeneratorHealth]) -> str:
    """The worst of some levels: "1.7 ms late (p99), used 3.7 % of a core"."""
    late_ms = max(lateness_ms(health) for health in healths)
    core = max(health.cpu_share_mean for health in healths)
    text = f"{wording.milliseconds(late_ms)} late (p99), used {wording.share(core)} of a core"
    delivered = [health.delivered for health in healths if health.delivered is not None]
    if delivered:
        text += f" and delivered {delivered_share(min(delivered))} of the load"
    return text


def as_sentence(trouble: str) -> str:
    """A trouble with a capital letter and a full stop."""
    return trouble[:1].upper() + trouble[1:] + "."


def lateness_ms(health: GeneratorHealth) -> float:
    """The P99 of the loop's lateness or of the reads', whichever is more."""
    reads = health.read_lateness
    return max(health.loop_lateness.p99 or 0.0, (reads.p99 if reads else None) or 0.0)


def delivered_share(delivered: float) -> str:
    """A share of the load with one decimal, rounded down: "99.9 %" for 0.99996."""
    return f"{int(delivered * 1000) / 10:.3g} %"


def optional_share(value: float | None) -> str:
    """A share, or a dash."""
    return cells.NOTHING if value is None else wording.share(round(value, 4))


def optional_ms(value: float | None) -> str:
    """Milliseconds without their unit, or a dash."""
    return cells.NOTHING if value is None else cells.milliseconds(value)
