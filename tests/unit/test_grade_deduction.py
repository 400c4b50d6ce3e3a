"""Weekdays, numbers and words that an answer arrives at, in both languages."""

import pytest

from loadproof.tasks.deduction import is_deduced
from loadproof.tasks.numerals import numbers


@pytest.mark.parametrize(
    ("text", "accepted", "right"),
    [
        ("Saturday", "Saturday", True),
        ("saturday.", "Saturday", True),
        ("Answer: Saturday", "Saturday", True),
        ("**Answer:** Saturday", "Saturday", True),
        ("10 days after Wednesday is Saturday.", "Saturday", True),
        ("It will be Saturday, because today is Wednesday.", "Saturday", True),
        ("7 days later it is Wednesday again. Then 3 more: **Saturday**", "Saturday", True),
        ("Saturday\n\nToday is Wednesday, and 10 = 7 + 3.", "Saturday", True),
        ("Is it Friday? No. Answer: Saturday", "Saturday", True),
        ("星期六", "Saturday", True),
        ("Answer: Friday", "Saturday", False),
        ("I do not know.", "Saturday", False),
        ("", "Saturday", False),
        ("答案：星期六", "星期六", True),
        ("答案：周六", "星期六", True),
        ("今天是星期三，再过10天是星期六。", "星期六", True),
        ("是礼拜六，因为今天是星期三", "星期六", True),
        ("**星期日**", "星期六", False),
        ("答案是星期天", "星期日", True),
        ("Answer: 16", "16", True),
        ("3 * 4 + 2 * 2 = 16", "16", True),
        ("Answer: 12 + 4 = 16 legs", "16", True),
        ("They have sixteen legs together.", "16", True),
        ("一共有十六条腿。", "16", True),
        ("答案：16条", "16", True),
        (r"\boxed{16}", "16", True),
        ("Three dogs have 12 legs, two chickens 4.\n\nAnswer: 16.", "16", True),
        ("Answer: 1,600", "1600", True),
        ("Answer: 15", "16", False),
        ("Answer: 160", "16", False),
    ],
)
def test_what_is_deduced(text: str, accepted: str, *, right: bool) -> None:
    assert is_deduced(text, (accepted,)) is right


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1,200 and 3.5", [1200, 3.5]),
        ("3/4", [0.75]),
        ("50%", [0.5]),
        ("twenty-one, nine", [21, 9]),
        ("一百零五", [105]),
        ("三十", [30]),
        ("十二", [12]),
        ("两千零二十六", [2026]),
        ("一万二千", [12000]),
        ("二〇二六", [2026]),
        ("１２", [12]),
        ("-7", [-7]),
        ("none", []),
    ],
)
def test_numbers_are_read_in_figures_and_words(text: str, wanted: list[float]) -> None:
    assert numbers(text) == wanted
