"""Exact match and F1, as SQuAD and CMRC 2018 define them."""

import pytest

from loadproof.tasks.short_answer import cmrc_f1, exact_match, f1, prediction, squad_f1


@pytest.mark.parametrize(
    ("said", "answer", "wanted"),
    [
        ("sodium", "sodium", 1.0),
        ("The sodium.", "sodium", 1.0),
        ("carbon dioxide", "dioxide", 2 / 3),
        ("monosodium urate crystals", "urate crystals", 0.8),
        ("potassium", "sodium", 0.0),
        ("", "sodium", 0.0),
        ("urate urate", "urate", 2 / 3),
    ],
)
def test_english_f1_is_over_normalised_tokens(said: str, answer: str, wanted: float) -> None:
    assert squad_f1(said, answer) == pytest.approx(wanted)


@pytest.mark.parametrize(
    ("said", "answer", "wanted"),
    [
        ("钠", "钠", 1.0),
        ("钠。", "钠", 1.0),
        ("氯化钠", "钠", 0.5),
        ("结核杆菌", "结核分枝杆菌", 0.4),
        ("维生素B1", "维生素B1", 1.0),
        ("维生素A", "维生素B1", 2 * (3 / 4) * (3 / 4) / (3 / 4 + 3 / 4)),
        ("钾", "钠", 0.0),
        ("", "钠", 0.0),
    ],
)
def test_chinese_f1_is_over_the_longest_common_run_of_characters(
    said: str, answer: str, wanted: float
) -> None:
    # 结核杆菌 / 结核分枝杆菌: the longest common run is two characters, 2/4 and 2/6. A bag of
    # characters, or a common subsequence, would give 0.8.
    assert cmrc_f1(said, answer) == pytest.approx(wanted)


def test_the_best_of_several_accepted_answers_counts() -> None:
    assert f1("salt", ("sodium", "salt"), "en") == 1.0
    assert exact_match("盐", ("钠", "盐"), "zh") == 1.0


@pytest.mark.parametrize(
    ("said", "accepted", "language", "wanted"),
    [
        ("The Sodium!", "sodium", "en", 1.0),
        ("sodium chloride", "sodium", "en", 0.0),
        ("“钠”。", "钠", "zh", 1.0),
        ("钠!", "钠", "zh", 1.0),
        ("钠离子", "钠", "zh", 0.0),
        ("CO2", "co2", "en", 1.0),
    ],
)
def test_exact_match_forgives_signs_and_case_only(
    said: str, accepted: str, language: str, wanted: float
) -> None:
    assert exact_match(said, (accepted,), language) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("钠", "钠"),
        ("答案：钠", "钠"),
        ("高血压患者应限盐。\n\n**答案：钠**", "钠"),
        (r"因此答案是 \boxed{钠}。", "钠"),
        ("**Sodium**", "Sodium"),
        ("The answer is sodium.", "sodium."),
        ("Sodium\n\nIt holds back water.", "Sodium"),
        ("", ""),
    ],
)
def test_the_stated_answer_is_taken_out_of_the_prose(text: str, wanted: str) -> None:
    assert prediction(text) == wanted
