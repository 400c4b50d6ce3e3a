"""Numbers as sentences and tables show them: units spelled out, no more digits than they carry."""

import math


def count(number: float) -> str:
    """1204 as "1,204"."""
    return f"{number:,.0f}"


def requests(number: float) -> str:
    """1 as "1 request", 1204 as "1,204 requests"."""
    return f"{count(number)} request{'' if number == 1 else 's'}"


def share(value: float) -> str:
    """A share from 0 to 1 as measured: two digits of whichever is smaller, it or its complement.

    0.0263 as "2.6 %", 0.8917 as "89.2 %", 0.99952 as "99.952 %": never "100 %" for less.
    """
    percent = 100 * value
    if percent in (0, 100):
        return f"{percent:.0f} %"
    if percent < 10:
        text = f"{percent:.2g}"
        return f"{text} %" if "e" not in text else f"{percent:.1e} %"
    rest = min(max(100 - percent, 1e-9), 90)
    decimals = max(1, 1 - math.floor(math.log10(rest))) if percent > 90 else 1
    return f"{_trimmed(f'{percent:.{decimals}f}')} %"


def share_limit(value: float) -> str:
    """A share that someone wrote, all of its digits: 0.001 as "0.1 %"."""
    return f"{100 * value:.10g} %"


def points(value: float) -> str:
    """A difference of two shares: 0.0123 as "1.2 points", in percentage points."""
    text = _trimmed(f"{100 * value:.1f}")
    number = "0" if text == "-0" else text.replace("-", "−")
    return f"{number} point{'' if number == '1' else 's'}"


def points_limit(value: float) -> str:
    """A difference of shares that someone wrote, all of its digits: 0.025 as "2.5 points"."""
    return f"{100 * value:.10g} point{'' if value == 0.01 else 's'}"


def p_value(value: float) -> str:
    """0.0312 as "p = 0.031", what is below a thousandth as "p < 0.001"."""
    return "p < 0.001" if value < 0.001 else f"p = {_trimmed(f'{value:.2g}')}"


def milliseconds(value: float) -> str:
    """Three digits: "0.42 ms", "84.2 ms", "1,240 ms", and "12.4 s" from ten seconds on."""
    if value >= 9_999.5:
        return f"{_three_digits(value / 1e3)} s"
    return f"{_three_digits(value)} ms"


def milliseconds_limit(value: float) -> str:
    """A duration that someone wrote, all of its digits."""
    if value >= 10_000:
        return f"{value / 1e3:,.10g} s"
    return f"{value:,.10g} ms"


def rate(per_second: float) -> str:
    """Three digits: "812/s", "2.04/s", "0.0278/s"."""
    if 0 < per_second < 0.9995:
        return f"{per_second:.3g}/s"
    return f"{_three_digits(per_second)}/s"


def size(value_bytes: float) -> str:
    """Bytes in decimal units, three digits: "9.21 GB"."""
    for unit, factor in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if value_bytes >= 0.9995 * factor:
            return f"{_three_digits(value_bytes / factor)} {unit}"
    return f"{value_bytes:.0f} B"


def seconds(value_s: float) -> str:
    """ "0.4 s", "30 s", "12 min", "3.2 h"."""
    if value_s >= 2 * 3600:
        return f"{_trimmed(f'{value_s / 3600:.1f}')} h"
    if value_s >= 120:
        return f"{value_s / 60:.0f} min"
    return f"{_trimmed(f'{value_s:.1f}')} s"


def three_digits(value: float) -> str:
    """A plain number with three digits: "0.42", "15.9", "1,240"."""
    return _three_digits(value)


def level(users: int | None, step: int) -> str:
    """A load level by its name: "16 users", or "step 2" where users were not fixed."""
    if users is None:
        return f"step {step}"
    return f"{count(users)} user{'' if users == 1 else 's'}"


def quantile(value: float) -> str:
    """0.99 as "p99", 0.999 as "p99.9"."""
    return f"p{100 * value:.10g}"


def _three_digits(value: float) -> str:
    if abs(value) >= 99.95:
        return f"{value:,.0f}"
    if abs(value) >= 9.995:
        return _trimmed(f"{value:.1f}")
    return _trimmed(f"{value:.2f}")


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def change(value: float, *, relative: bool) -> str:
    """A difference with its sign: 0.113 as "+11.3 %", or as "+11.3 points" of a share."""
    percent = 100 * abs(value)
    text = f"{percent:,.0f}" if percent >= 99.95 else f"{percent:.1f}"
    if percent < 9.95:
        text = f"{percent:.2f}"
    text = _trimmed(text)
    sign = "" if text == "0" else "−" if value < 0 else "+"
    return f"{sign}{text} {'%' if relative else 'points'}"


def amount(value: float, *, relative: bool) -> str:
    """A margin: 0.05 as "5 %", or as "5 points"."""
    return f"{100 * value:.10g} {'%' if relative else 'points'}"
