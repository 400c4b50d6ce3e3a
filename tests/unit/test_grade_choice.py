"""Which option an answer means, in the styles in which models really answer."""

import pytest

from loadproof.tasks.choice import chosen_letter

ELECTROLYTES = {"A": "Potassium", "B": "Sodium", "C": "Calcium", "D": "Magnesium"}
ARTICLES = {"A": "A healthy diet", "B": "A cold bath", "C": "Sleep", "D": "Running"}
VITAMINS = {"A": "Vitamin C", "B": "Vitamin D", "C": "Vitamin A", "D": "Vitamin K"}
CHINESE = {"A": "钾", "B": "钠", "C": "C反应蛋白", "D": "镁"}
NESTED = {"A": "Iron deficiency", "B": "Iron", "C": "Deficiency of zinc", "D": "Copper"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("B", "B"),
        ("b", "B"),
        ("(B)", "B"),
        ("B.", "B"),
        ("B. Sodium", "B"),
        ("**B**", "B"),
        ("**B. Sodium**", "B"),
        (r"\boxed{B}", "B"),
        (r"$\boxed{\text{B}}$", "B"),
        (r"\boxed{\text{B. Sodium}}", "B"),
        ("The answer is B.", "B"),
        ("The correct answer is (B) Sodium.", "B"),
        ("The correct option is **B**.", "B"),
        ("Answer: B", "B"),
        ("### Answer\nB", "B"),
        ("**Answer:** (B)", "B"),
        ("Answer: Option B", "B"),
        ("The answer is: \n\n**B. Sodium**", "B"),
        ("The best answer to this question is B.", "B"),
        ("I would go with B here.", "B"),
        ("It's B, since sodium raises blood pressure.", "B"),
        ("Option B is correct.", "B"),
        ("B is the right answer because A and C lower it.", "B"),
        ("Sodium", "B"),
        ("sodium.", "B"),
        ("The answer is sodium.", "B"),
        ("It should be sodium, as it binds water.", "B"),
        ("B. Sodium\n\nExplanation:\nA. Potassium lowers it.\nC. Calcium is neutral.", "B"),
        ("Option A is incorrect. Option C is incorrect. So the answer must be B.", "B"),
        ("The answer is A. Wait, potassium lowers it. So the answer is B.", "B"),
        ("A is correct at first sight, but on reflection B is correct.", "B"),
        ("Potassium helps, calcium does little.\n\nTherefore:\n\nB", "B"),
        ("A. Potassium\nB. Sodium\nC. Calcium\nD. Magnesium\n\nB", "B"),
        ("So we rule out A, C and D => B", "B"),
        ("The answer is not A. The answer is B.", "B"),
        ("B) Sodium, because it holds water.", "B"),
        ("Ｂ", "B"),
        ("Option (B)", "B"),
        ("<b>B</b>", "B"),
        ("The patient should avoid B", "B"),
        ("选项B", "B"),
        ("正确答案为选项B，因为A和C都错。", "B"),
        ("答案是B", "B"),
        ("答案：B", "B"),
        ("答案为（B）。", "B"),
        ("正确答案是 **B**。", "B"),
        ("故选B。", "B"),
        ("因此应选择B选项。", "B"),
        ("我选 B", "B"),
        ("B选项正确。", "B"),
        ("A项错误，C项错误，B是正确的。", "B"),
        ("不选A，选B。", "B"),
        ("综上所述，正确选项是B。", "B"),
        ("答案不是A，答案是B", "B"),
    ],
)
def test_the_letter_that_is_meant_is_found(text: str, wanted: str) -> None:
    assert chosen_letter(text, ELECTROLYTES) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   \n",
        "I'm sorry, but I cannot give medical advice.",
        "抱歉，我无法回答这个问题。",
        "The answer is B or C.",
        "The answer is B and C.",
        "B/C",
        "I cannot say whether the answer is A.",
        "I don't think the answer is B.",
        "A. Potassium\nB. Sodium\nC. Calcium\nD. Magnesium",
        "Sodium or potassium.",
        "The answer is E.",
        "As an assistant I have no opinion.",
        "Both are important electrolytes.",
        "答案是B或C",
        r"\boxed{}",
    ],
)
def test_no_letter_is_read_into_refusals_hedges_and_lists(text: str) -> None:
    assert chosen_letter(text, ELECTROLYTES) is None


@pytest.mark.parametrize(
    ("text", "options", "wanted"),
    [
        ("The answer is a cold bath.", ARTICLES, "B"),
        ("Answer: A cold bath", ARTICLES, "B"),
        ("Answer: A healthy diet", ARTICLES, "A"),
        ("The answer is a good night's sleep: Sleep.", ARTICLES, "C"),
        ("The answer is A because food matters.", ARTICLES, "A"),
        ("The answer is Vitamin C.", VITAMINS, "A"),
        ("Vitamin C", VITAMINS, "A"),
        ("Scurvy comes from a lack of vitamin C.", VITAMINS, "A"),
        ("C. Vitamin A", VITAMINS, "C"),
        ("答案是钠", CHINESE, "B"),
        ("应该避免摄入钠。", CHINESE, "B"),
        ("答案是C反应蛋白。", CHINESE, "C"),
        ("Iron deficiency", NESTED, "A"),
        ("The cause is iron deficiency.", NESTED, "A"),
        ("The answer is iron.", NESTED, "B"),
    ],
)
def test_an_options_own_words_count_and_are_not_mistaken_for_letters(
    text: str, options: dict[str, str], wanted: str
) -> None:
    assert chosen_letter(text, options) == wanted
