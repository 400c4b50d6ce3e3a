"""Which options an answer takes together, where several are right."""

import pytest

from loadproof.tasks.several import chosen_letters

OPTIONS = {"A": "发热", "B": "咳嗽", "C": "皮疹", "D": "腹泻", "E": "头痛"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("ABD", "ABD"),
        ("A、B、D", "ABD"),
        ("A, B and D", "ABD"),
        ("A，B，D。", "ABD"),
        ("A B D", "ABD"),
        ("(A)(B)(D)", "ABD"),
        ("DBA", "ABD"),
        ("**ABD**", "ABD"),
        (r"\boxed{ABD}", "ABD"),
        (r"\boxed{\text{A, B, D}}", "ABD"),
        ("答案：ABD", "ABD"),
        ("答案是A、B和D。", "ABD"),
        ("正确选项是 A、B、D。", "ABD"),
        ("故选ABD。", "ABD"),
        ("C不对，E也不对。\n\n答案：ABD", "ABD"),
        ("The answers are A, B and D.\n\nAnswer: A, B, D", "ABD"),
        ("The answer is options A, B and D.", "ABD"),
        ("答案：A. 发热\nB. 咳嗽\nD. 腹泻", "ABD"),
        ("A. 发热\nB. 咳嗽\nD. 腹泻", "ABD"),
        ("A、B、D\n\n解析：C和E不是。", "ABD"),
        ("分析如下……\nABD", "ABD"),
        ("A", "A"),
        ("答案：A", "A"),
        ("", ""),
        ("我不知道。", ""),
        ("All of them may occur.", ""),
        ("选项很多，各有道理。", ""),
    ],
)
def test_the_letters_that_are_meant_are_found(text: str, wanted: str) -> None:
    assert "".join(sorted(chosen_letters(text, OPTIONS))) == wanted
