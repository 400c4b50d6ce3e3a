"""A task of your own: what is asked, and what an answer is worth.

A scenario names it: see scenarios/own-task.toml. To see one of its questions asked and graded:

loadproof ask servers/local.toml roman_numerals --file tasks/roman_numerals.py
"""

import re

from loadproof.tasks.own import Ask

METRICS = ("correct", "bare")  # what grade gives; objectives may ask for them

_SIGNS = {
    1000: "M", 900: "CM", 500: "D", 400: "CD", 100: "C", 90: "XC",
    50: "L", 40: "XL", 10: "X", 9: "IX", 5: "V", 4: "IV", 1: "I",
}  # fmt: skip


def prompts() -> list[Ask]:
    """Every prompt, always the same ones: loadproof draws their order from the scenario's seed."""
    years = range(1900, 2100)
    return [
        Ask(f"Write {year} in Roman numerals, nothing else.", truth=roman(year)) for year in years
    ] + [
        Ask(f"用罗马数字写出{year}，只写答案。", truth=roman(year), language="zh") for year in years
    ]


def grade(ask: Ask, answer) -> dict[str, float]:
    """`correct`: the last numeral in the answer is right. `bare`: nothing else is in it.

    `answer.text` is the answer without the model's thinking, and empty where it never ended that.
    """
    numerals = re.findall(r"\b[MDCLXVI]+\b", answer.text)
    right = numerals[-1:] == [ask.truth]
    return {"correct": float(right), "bare": float(answer.text.strip(" .*。") == ask.truth)}


def roman(number: int) -> str:
    """A number from 1 on in Roman numerals."""
    text = ""
    for value, sign in _SIGNS.items():
        times, number = divmod(number, value)
        text += sign * times
    return text
