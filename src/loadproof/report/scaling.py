"""What the reports say of the scaling law: its formula and its knee, in two lines."""

from loadproof.analysis.wording import share, three_digits
from loadproof.model.scaling import Estimate, Scaling, ScalingLaw


def lines(scaling: Scaling) -> tuple[str, str]:
    """The law with its parameters, and the knee; without a law what is missing for one."""
    law = scaling.law
    if law is None:
        return scaling.note, ""
    return formula(law), knee(law)


def formula(law: ScalingLaw) -> str:
    """X(N) with numbers, the intervals of its parameters, and how well it fits."""
    alone = three_digits(law.alone_per_s.value or 0.0)
    contention, crosstalk = law.contention.value or 0.0, law.crosstalk.value or 0.0
    text = (
        f"X(N) = {alone} N / (1 + {contention:.2g} (N − 1) + {crosstalk:.2g} N (N − 1)) requests/s "
        f"with N in flight; alone {_range(law.alone_per_s)}, contention {_range(law.contention)}, "
        f"crosstalk {_range(law.crosstalk)}"
    )
    off = share(round(law.misfit, 3))
    return text if law.fits else f"{text}; the levels do not follow it: one is {off} off"


def knee(law: ScalingLaw) -> str:
    """Where throughput is highest, and whether that was measured."""
    most = max(point.concurrency for point in law.curve if point.measured)
    found = law.knee
    if found.low is None:
        ceiling = law.most_per_s.value
        levels_off = "" if ceiling is None else f", levelling off at {three_digits(ceiling)}/s"
        return f"none: throughput grows with the number in flight{levels_off}"
    at = "" if found.value is None else f"{three_digits(found.value)}, "
    if found.high is None:
        where = f"{at}from {three_digits(found.low)} on, without an upper bound"
    else:
        where = f"{at}between {three_digits(found.low)} and {three_digits(found.high)}"
    text = f"{where}, in flight; at most {_range(law.most_per_s)} requests/s"
    if found.high is None or found.high > most:
        beyond = "all of it" if found.low > most else "part of it"
        text += f" ({beyond} beyond the {three_digits(most)} that were measured: predicted)"
    return text


def _range(estimate: Estimate) -> str:
    low = 0.0 if estimate.low is None else estimate.low
    high = "∞" if estimate.high is None else _short(estimate.high)
    return f"{_short(low)} to {high}"


def _short(value: float) -> str:
    return three_digits(value) if value >= 1 else f"{value:.2g}"
