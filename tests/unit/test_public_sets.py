"""Public sets from local files, in the formats in which they are published."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import pytest

from loadproof.model.answer import Answer, Message
from loadproof.model.errors import ConfigurationError
from loadproof.model.traffic import FORMATS, Format, Traffic
from loadproof.tasks.public_sets import SETS, questions_from
from loadproof.tasks.questions import Question
from loadproof.tasks.traffic import load_scenario, task_of

# All questions here are made up for these tests.
MEDQA = {
    "question": "A man of 40 has drunk only sea water for a day. Which ion is too high?",
    "answer": "Sodium",
    "options": {"A": "Iron", "B": "Sodium", "C": "Zinc", "D": "Iodide", "E": "Lithium"},
    "meta_info": "step1",
    "answer_idx": "B",
}
MEDQA_CHINESE = {
    "question": "健康成人安静时每分钟心跳大约多少次？",
    "options": {"A": "20", "B": "70", "C": "150", "D": "300"},
    "answer": "70",
    "meta_info": "第一部分",
    "answer_idx": "B",
}
CMEXAM = """Question,Options,Answer,Explanation
人体最大的器官是,"A 心
B 皮肤
C 肺",B,皮肤覆盖全身。
下列属于维生素的有,"A 维生素A
B 葡萄糖
C 维生素C
D 维生素D
E 氯化钠",ACD,略
这一行没有答案,"A 甲
B 乙",,
"""
CMB = {
    "exam_type": "医师考试",
    "exam_class": "执业医师",
    "exam_subject": "临床执业医师",
    "question": "正常人体温大约是多少摄氏度？",
    "answer": "C",
    "question_type": "单项选择题",
    "option": {"A": "27", "B": "32", "C": "37", "D": "42", "E": ""},
}
CMB_SEVERAL = {
    **CMB,
    "question": "下列哪些是红细胞的成分？",
    "answer": "AB",
    "question_type": "多项选择题",
    "option": {"A": "血红蛋白", "B": "细胞膜", "C": "细胞壁", "D": "叶绿体"},
}
GSM8K = {
    "question": "Ann has 3 boxes with 400 pins each and finds 12 more. How many pins has she?",
    "answer": "3 boxes hold 3 * 400 = <<3*400=1200>>1200 pins.\n1200 + 12 = 1212.\n#### 1,212",
}
MATH = {
    "problem": "What is $\\frac{1}{2} + \\frac{1}{3}$?",
    "solution": "It is $\\frac{3}{6} + \\frac{2}{6} = \\boxed{\\frac{5}{6}}$.",
    "answer": "\\frac{5}{6}",
    "subject": "Prealgebra",
    "level": 1,
    "unique_id": "test/prealgebra/0.json",
}
COMMONSENSE = {
    "answerKey": "C",
    "id": "0a1b2c3d",
    "question": {
        "question_concept": "umbrella",
        "choices": [
            {"label": "A", "text": "oven"},
            {"label": "B", "text": "aquarium"},
            {"label": "C", "text": "hall stand"},
        ],
        "stem": "Where does one put a wet umbrella?",
    },
}
COMMONSENSE_HUB = {
    "id": "0a1b2c3d",
    "question": "Where does one put a wet umbrella?",
    "question_concept": "umbrella",
    "choices": {"label": ["A", "B", "C"], "text": ["oven", "aquarium", "hall stand"]},
    "answerKey": "C",
}
SHAREGPT = [
    {
        "id": "aBcD_0",
        "conversations": [
            {"from": "human", "value": "Name a bird."},
            {"from": "gpt", "value": "A robin."},
            {"from": "human", "value": "And a fish?"},
            {"from": "gpt", "value": "A carp."},
        ],
    },
    {"id": "aBcD_1", "conversations": [{"from": "gpt", "value": "Anything else?"}]},
    {"id": "eFgH_0", "conversations": [{"from": "human", "value": "请说出一种树。"}]},
]


def message(id_: str, role: str, text: str, **more: Any) -> dict[str, Any]:
    return {"message_id": id_, "role": role, "text": text, "lang": "en", "parent_id": None} | more


OASST = {
    "message_tree_id": "t1",
    "tree_state": "ready_for_export",
    "prompt": message(
        "t1",
        "prompter",
        "Where do bees live?",
        replies=[
            message("t2", "assistant", "In trees.", rank=1, replies=[]),
            message(
                "t3",
                "assistant",
                "In hives.",
                rank=0,
                replies=[message("t4", "prompter", "All of them?", replies=[])],
            ),
        ],
    ),
}
OASST_SPANISH = {"message_tree_id": "u1", "prompt": message("u1", "prompter", "¿Qué?", lang="es")}
OASST_FLAT = [
    message("t1", "prompter", "Where do bees live?"),
    message("t2", "assistant", "In trees.", parent_id="t1", rank=1),
    message("t3", "assistant", "In hives.", parent_id="t1", rank=0),
    message("t4", "prompter", "All of them?", parent_id="t3"),
]


def lines(*rows: dict[str, Any]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def array(*rows: dict[str, Any]) -> str:
    return json.dumps(rows, ensure_ascii=False, indent=1)


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], Path]:
    """Writes a file and gives its path."""

    def written(name: str, text: str) -> Path:
        path = tmp_path / name
        data = text.encode()
        path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)
        return path

    return written


Write = Callable[[str, str], Path]


def test_the_scenarios_formats_are_those_that_can_be_read() -> None:
    assert FORMATS == get_args(Format) == ("loadproof", *SETS)


@pytest.mark.parametrize("name", [None, "medqa"])
def test_medqa(write: Write, name: str | None) -> None:
    path = write("medqa_test.jsonl", lines(MEDQA, MEDQA_CHINESE))
    english, chinese = questions_from(path, "medical_qa", name)
    assert (english.answer, english.language, len(english.options or ())) == ("B", "en", 5)
    assert english.id.startswith("medical_qa/medqa-")
    assert (chinese.answer, chinese.language) == ("B", "zh")


@pytest.mark.parametrize("name", [None, "cmexam"])
def test_cmexam(write: Write, name: str | None) -> None:
    one, several = questions_from(write("cm.csv", CMEXAM), "medical_qa", name)
    assert one.options == {"A": "心", "B": "皮肤", "C": "肺"}
    assert (one.answer, one.language) == ("B", "zh")
    assert (several.answer, several.options is not None) == ("ACD", True)


@pytest.mark.parametrize("layout", [array, lines])
def test_cmb(write: Write, layout: Callable[..., str]) -> None:
    path = write("CMB-val-merge.json", layout(CMB, CMB_SEVERAL))
    one, several = questions_from(path, "medical_qa", None)
    assert one.options == {"A": "27", "B": "32", "C": "37", "D": "42"}
    assert (one.answer, several.answer) == ("C", "AB")


def test_the_answers_of_cmbs_test_stand_in_a_file_beside_its_questions(write: Write) -> None:
    asked = {"id": 7, **{key: value for key, value in CMB.items() if key != "answer"}}
    path = write("CMB-test-choice-question-merge.json", array(asked))
    with pytest.raises(ConfigurationError, match="answer: is missing; expected it, or CMB-test"):
        questions_from(path, "medical_qa", None)
    write("CMB-test-choice-answer.json", array({"id": 6, "answer": "A"}, {"id": 7, "answer": "C"}))
    (question,) = questions_from(path, "medical_qa", None)
    assert (question.id, question.answer) == ("medical_qa/cmb-7", "C")


@pytest.mark.parametrize("name", [None, "gsm8k"])
def test_gsm8k(write: Write, name: str | None) -> None:
    (question,) = questions_from(write("test.jsonl", lines(GSM8K)), "boxed_math", name)
    assert question.answer == "1212"


@pytest.mark.parametrize("name", [None, "math500"])
def test_math500(write: Write, name: str | None) -> None:
    (question,) = questions_from(write("test.jsonl", lines(MATH)), "boxed_math", name)
    assert (question.id, question.answer) == (
        "boxed_math/math500-test/prealgebra/0.json",
        r"\frac{5}{6}",
    )
    assert question.difficulty == "easy"


@pytest.mark.parametrize("row", [COMMONSENSE, COMMONSENSE_HUB])
def test_commonsenseqa_as_its_authors_and_as_the_hub_have_it(
    write: Write, row: dict[str, Any]
) -> None:
    (question,) = questions_from(write("dev.jsonl", lines(row)), "commonsense", None)
    assert question == Question(
        id="commonsense/commonsenseqa-0a1b2c3d",
        task="commonsense",
        language="en",
        question="Where does one put a wet umbrella?",
        options={"A": "oven", "B": "aquarium", "C": "hall stand"},
        answer="C",
    )


def test_sharegpt_is_what_its_users_said(write: Write) -> None:
    english, chinese = questions_from(write("s.json", array(*SHAREGPT)), "chat", None)
    assert (english.id, english.question) == ("chat/sharegpt-aBcD_0", "Name a bird.")
    assert english.follow_ups == ("And a fish?",)
    assert (chinese.language, chinese.follow_ups) == ("zh", ())


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("o.trees.jsonl.gz", lines(OASST, OASST_SPANISH)),
        ("o.trees.jsonl", lines(OASST, OASST_SPANISH)),
        ("o.messages.jsonl.gz", lines(*OASST_FLAT)),
    ],
)
def test_oasst1_follows_the_best_ranked_reply_in_english_and_chinese(
    write: Write, name: str, text: str
) -> None:
    (talk,) = questions_from(write(name, text), "chat", None)
    assert (talk.id, talk.question) == ("chat/oasst1-t1", "Where do bees live?")
    assert talk.follow_ups == ("All of them?",)


def test_parquet_is_read_as_the_hub_serves_it(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    path = tmp_path / "validation.parquet"
    parquet.write_table(pyarrow.Table.from_pylist([COMMONSENSE_HUB]), path)
    (question,) = questions_from(path, "commonsense", None)
    assert question.answer == "C"
    path.write_bytes(b"nothing of the kind")
    with pytest.raises(ConfigurationError, match="cannot be read as Parquet"):
        questions_from(path, "commonsense", None)


def test_our_own_format_can_be_named_and_is_recognised(write: Write) -> None:
    own = {
        "id": "commonsense/en-901",
        "language": "en",
        "question": "Which is wet?",
        "difficulty": "easy",
        "options": {"A": "water", "B": "sand"},
        "answer": "A",
    }
    for name in (None, "loadproof"):
        (question,) = questions_from(write("own.jsonl", lines(own)), "commonsense", name)
        assert question.id == "commonsense/en-901"


def test_ids_stay_though_the_file_is_cut_or_shuffled_and_repeated_questions_are_one(
    write: Write,
) -> None:
    whole = questions_from(write("a.jsonl", lines(MEDQA, MEDQA_CHINESE, MEDQA)), "medical_qa", None)
    cut = questions_from(write("b.jsonl", lines(MEDQA_CHINESE)), "medical_qa", None)
    assert len(whole) == 2
    assert cut[0] == whole[1]


def changed(row: dict[str, Any], **fields: Any) -> str:
    return lines(MEDQA, {**row, **fields})


@pytest.mark.parametrize(
    ("task", "format_", "text", "message"),
    [
        (
            "medical_qa",
            "medqa",
            changed(MEDQA, answer_idx="F"),
            ":2: answer_idx: got 'F'; expected",
        ),
        (
            "medical_qa",
            "medqa",
            changed(MEDQA, question=None),
            ":2: question: is missing; expected",
        ),
        ("medical_qa", "medqa", changed(MEDQA, options=["x"]), ":2: options: got ['x']; expected"),
        ("medical_qa", "medqa", changed(MEDQA, options={"A": "x"}), ":2: options: got {'A': 'x'}"),
        ("medical_qa", "medqa", lines(MEDQA) + "{\n", ":2: not JSON: "),
        ("medical_qa", "medqa", lines(MEDQA) + "[]\n", ":2: got []; expected a JSON object"),
        ("medical_qa", "medqa", "[1]", ": item 1: got 1; expected a JSON object"),
        ("medical_qa", "medqa", "\n", ": no questions; expected rows as MedQA has them"),
        ("medical_qa", None, "\n", ": got a first row with the keys none, expected one as any"),
        ("medical_qa", None, lines({"x": 1}), "with the keys x, expected one as any of these"),
        ("boxed_math", None, lines(MEDQA), "questions of MedQA, which task medical_qa asks, not"),
        ("boxed_math", "gsm8k", lines({**GSM8K, "answer": "7"}), ":1: answer: got '7'; expected"),
        ("boxed_math", "math500", lines({**MATH, "answer": ""}), ":1: answer: got ''; expected"),
        (
            "commonsense",
            None,
            lines({**COMMONSENSE_HUB, "answerKey": ""}),
            ":1: answerKey: is missing; expected the right letter (its test split has none)",
        ),
        ("chat", None, lines({"conversations": "x"}), ":1: conversations: got 'x'; expected"),
        ("chat", "oasst1", lines({"message_id": "a", "text": "b"}), ":1: role: is missing"),
        ("medical_qa", "loadproof", lines(MEDQA), ":1: "),
    ],
)
def test_a_row_that_is_wrong_is_named_with_its_line(
    write: Write, task: str, format_: str | None, text: str, message: str
) -> None:
    path = write("set.jsonl", text)
    with pytest.raises(ConfigurationError) as caught:
        questions_from(path, task, format_)
    assert str(caught.value).startswith(str(path))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_rows_of_a_csv_are_named_by_their_lines(write: Write) -> None:
    path = write("cm.csv", CMEXAM.replace("C 肺", "无字母"))
    with pytest.raises(ConfigurationError, match=r"cm\.csv:4: Options: got 'A 心"):
        questions_from(path, "medical_qa", "cmexam")


@pytest.mark.parametrize(
    ("file", "format_", "wanted", "unwanted"),
    [
        ("medqa_test.jsonl", None, "MedQA: https://github.com/jind11/MedQA", "CMExam"),
        ("x.jsonl", "cmb", "CMB: https://github.com/FreedomIntelligence/CMB", "MedQA"),
        ("x.jsonl", None, "CMExam: https://github.com/williamliujl/CMExam", "GSM8K"),
    ],
)
def test_a_missing_file_says_where_the_set_is_published(
    tmp_path: Path, file: str, format_: str | None, wanted: str, unwanted: str
) -> None:
    path = tmp_path / "s.toml"
    written_as = "" if format_ is None else f'format = "{format_}"'
    path.write_text(
        f"""
name = "x"
[[traffic]]
task = "medical_qa"
questions = "data/{file}"
{written_as}
[[steps]]
users = 1
requests = 1
""",
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError) as caught:
        load_scenario(path)
    said = str(caught.value)
    assert said.startswith(f"{path}: traffic[0].questions: got '{tmp_path / 'data' / file}'")
    assert wanted in said
    assert unwanted not in said
    assert "\n" not in said


def test_a_task_asks_and_grades_the_questions_of_its_file(write: Write) -> None:
    path = write("cm.csv", CMEXAM)
    task = task_of(Traffic(task="medical_qa", questions=str(path)))
    prompts = {
        next(talk).id: None for talk, _ in zip(task.conversations(1), range(4), strict=False)
    }
    assert len(prompts) == 2
    several = next(
        question.id
        for question in questions_from(path, "medical_qa", None)
        if len(question.answer) > 1
    )
    answer = Answer("答案：A、C、D", None, finished_thinking=True, finish_reason="stop")
    assert task.grade(several, answer) == {"accuracy": 1.0, "chosen": 13.0, "truth": 13.0}


def test_a_conversation_of_a_set_grows_like_any_other(write: Write) -> None:
    task = task_of(Traffic(task="chat", questions=str(write("s.json", array(SHAREGPT[0])))))
    talk = next(task.conversations(1))
    first = next(talk)
    answer = Answer("A gull.", None, finished_thinking=True, finish_reason="stop")
    second = talk.send(answer)
    assert first.messages[-1] == Message("user", "Name a bird.")
    assert [turn.content for turn in second.messages[1:]] == [
        "Name a bird.",
        "A gull.",
        "And a fish?",
    ]
    assert task.grade(second.id, answer)["answered"] == 1.0
