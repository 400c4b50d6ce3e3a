"""Tasks of a user's own: what a good file gives, and the line by which a bad one is refused."""

from itertools import islice
from pathlib import Path

import pytest

from loadproof.model.answer import Answer, Message
from loadproof.model.errors import ConfigurationError
from loadproof.model.scenario import read_scenario
from loadproof.model.traffic import Traffic
from loadproof.tasks.own import OwnGraderError, load_own_task
from loadproof.tasks.traffic import load_scenario, task_of

GOOD = """
from loadproof.tasks.own import Ask

METRICS = ("right", "short")
MAX_TOKENS = 32

def prompts():
    return [
        Ask("What is 1 + 1?", truth="2"),
        Ask("1加1等于几？", truth="2", language="zh", system="简短回答。", id="zh-1"),
        Ask("What is 2 + 2?", truth="4", max_tokens=8),
    ]

def grade(ask, answer):
    return {"right": float(ask.truth in answer.text), "short": len(answer.text) < 9}
"""
EXAMPLE = Path(__file__).parents[2] / "tasks" / "roman_numerals.py"
SCENARIO = """
name = "x"
[[traffic]]
task = "sums"
file = "mine/sums.py"
[[steps]]
users = 1
requests = 1
"""


def answer(text: str, *, finished: bool = True) -> Answer:
    return Answer(text, None, finished_thinking=finished, finish_reason="stop")


def written(folder: Path, text: str = GOOD) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "sums.py"
    path.write_text(text, encoding="utf-8")
    return path


def test_prompts_are_asked_in_seeded_passes_over_all_of_them(tmp_path: Path) -> None:
    task = load_own_task("sums", written(tmp_path))
    first, again, other = (
        [next(talk) for talk in islice(task.conversations(seed), 30)] for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other
    assert len({prompt.id for prompt in first[:3]}) == 3
    chinese = next(prompt for prompt in first if prompt.id == "sums/zh-1")
    assert chinese.task == "sums"
    assert chinese.messages == (Message("system", "简短回答。"), Message("user", "1加1等于几？"))
    assert sorted(prompt.max_tokens for prompt in first[:3]) == [8, 32, 32]


def test_ids_and_digest_are_made_of_what_is_sent(tmp_path: Path) -> None:
    one = load_own_task("sums", written(tmp_path))
    again = load_own_task("sums", written(tmp_path))
    other = load_own_task("sums", written(tmp_path, GOOD.replace("2 + 2", "2 + 3")))
    assert one.digest == again.digest != other.digest
    ids = {next(talk).id for talk in islice(one.conversations(1), 3)}
    others = {next(talk).id for talk in islice(other.conversations(1), 3)}
    assert len(ids & others) == 2


def test_the_grader_sees_the_prompt_and_the_answer_without_its_thinking(tmp_path: Path) -> None:
    task = load_own_task("sums", written(tmp_path))
    assert task.metrics == ("right", "short")
    assert task.grade("sums/zh-1", answer("2")) == {"right": 1.0, "short": 1.0}
    thought = answer("<think>2, or is it 22222?</think>3")
    assert task.grade("sums/zh-1", thought) == {"right": 0.0, "short": 1.0}
    assert task.grade("sums/zh-1", answer("2", finished=False))["right"] == 0.0
    with pytest.raises(KeyError):
        task.grade("sums/zh-2", answer("2"))


@pytest.mark.parametrize(
    ("grades", "message"),
    [
        ("1 / 0", r"grade raised ZeroDivisionError: division by zero \(line 15\) for sums/zh-1"),
        ("0.5", "grade gave 0.5, expected a dict"),
        ("{'right': 2}", "grade gave 2 as right, expected a value from 0 to 1"),
        ("{'right': float('nan')}", "grade gave nan as right"),
        ("{'right': 'yes'}", "grade gave 'yes' as right"),
        ("{'wrong': 1}", r"'wrong', which is not in METRICS \(right, short\)"),
    ],
)
def test_a_grader_that_fails_says_where_and_of_what(
    tmp_path: Path, grades: str, message: str
) -> None:
    text = GOOD[: GOOD.index('    return {"right"')] + f"    return {grades}\n"
    task = load_own_task("sums", written(tmp_path, text))
    with pytest.raises(OwnGraderError, match=message):
        task.grade("sums/zh-1", answer("2"))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('METRICS = ("right", "short")', "", "METRICS: is missing; expected the names"),
        ('("right", "short")', '"right"', "METRICS: got 'right'; expected"),
        ('("right", "short")', '("p99",)', "METRICS: got ('p99',); expected"),
        ('("right", "short")', '("is right",)', "METRICS: got ('is right',); expected"),
        ('("right", "short")', '("grade_failed",)', "METRICS: got ('grade_failed',)"),
        ("def grade", "def mark", "grade: is missing; expected a function grade(ask, answer)"),
        ("def prompts", "def asks", "prompts: is missing; expected a function prompts()"),
        ("def prompts():", "prompts = 5\ndef _():", "prompts: got 5; expected a function"),
        ("MAX_TOKENS = 32", "MAX_TOKENS = '32'", "MAX_TOKENS: got '32', expected a whole number"),
        ("MAX_TOKENS = 32", "THINK_TIME_S = -1", "THINK_TIME_S: got -1, expected seconds"),
        ("return [", "return 5, [", "prompts()[0]: got 5, expected an Ask"),
        ("return [", "return []\n    [", "prompts() gave none"),
        ("2 + 2", "1 + 1", "prompts()[2]: got 'What is 1 + 1?' a second time"),
        ('"What is 1 + 1?"', '" "', "ValueError: text: got ' ', expected some text (line 9)"),
        ('"zh"', '"fr"', 'ValueError: language: got \'fr\', expected "en" or "zh"'),
        ("max_tokens=8", "max_tokens=0", "ValueError: max_tokens: got 0"),
        ('id="zh-1"', "id=1", "ValueError: id: got 1, expected text"),
        ("def grade(", "def grade(((", "cannot be run: SyntaxError"),
        ("METRICS =", "import nothing_like_it\nMETRICS =", "No module named 'nothing_like_it'"),
        ("METRICS =", "raise SystemExit(3)\nMETRICS =", "cannot be run: SystemExit: 3 (line 4)"),
        ("return [", "yield 1 / 0\n    [", "prompts() raised ZeroDivisionError"),
    ],
)
def test_a_bad_file_is_refused_in_a_line(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as caught:
        load_own_task("sums", path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_may_import_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "neighbour_of_sums.py").write_text("N = 5\n", encoding="utf-8")
    text = GOOD.replace("MAX_TOKENS = 32", "from neighbour_of_sums import N as MAX_TOKENS")
    assert load_own_task("sums", written(tmp_path, text)).metrics == ("right", "short")


def test_a_scenario_finds_the_file_beside_itself_and_knows_its_metrics(tmp_path: Path) -> None:
    written(tmp_path / "mine")
    path = tmp_path / "s.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    (entry,) = load_scenario(path).traffic
    assert entry.file == str(tmp_path / "mine" / "sums.py")
    assert entry.metrics == ("right", "short")
    assert task_of(entry).name == "sums"
    assert Traffic.model_validate_json(entry.model_dump_json()) == entry


def test_names_may_be_in_any_script(tmp_path: Path) -> None:
    text = GOOD.replace('"right", "short"', '"正确",').replace('"right":', '"正确":')
    written(tmp_path / "mine", text.replace(', "short": len(answer.text) < 9', ""))
    path = tmp_path / "s.toml"
    objective = '[[objectives]]\nrequire = "正确(加法) >= 80%"\n'
    path.write_text(SCENARIO.replace('"sums"', '"加法"') + objective, encoding="utf-8")
    scenario = load_scenario(path)
    assert scenario.traffic[0].metrics == ("正确",)
    assert scenario.parsed_objectives()[0].task == "加法"


def test_a_file_that_changed_since_is_refused_by_a_worker(tmp_path: Path) -> None:
    path = written(tmp_path)
    entry = Traffic(task="sums", file=str(path), digest="0123456789abcdef")
    with pytest.raises(ConfigurationError, match="gives other prompts here than in the process"):
        task_of(entry)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("mine/sums.py", "mine/sum.py", "traffic[0].file: got '"),
        ('file = "mine/sums.py"', "", "traffic[0].task: got 'sums', expected one of chat, "),
        ('"sums"', '"chat"', "traffic[0].file: got 'mine/sums.py', expected no such key for chat"),
        ('"sums"', '"2sums"', "traffic[0].task: got '2sums', expected"),
        ('"sums"', '"generator"', "traffic[0].task: got 'generator', expected another name"),
        ("[[steps]]", 'format = "medqa"\n[[steps]]', "traffic[0].format: got 'medqa'"),
    ],
)
def test_a_scenario_that_names_it_wrongly_is_refused(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    written(tmp_path / "mine")
    path = tmp_path / "s.toml"
    path.write_text(SCENARIO.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ConfigurationError) as caught:
        load_scenario(path)
    assert f"{path}: {message}" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_recorded_scenario_is_read_without_the_file(tmp_path: Path) -> None:
    path = tmp_path / "s.toml"
    path.write_text(SCENARIO, encoding="utf-8")
    assert read_scenario(path).traffic[0].qualities is None


def test_the_example_of_the_kit_is_a_good_one() -> None:
    task = load_own_task("roman_numerals", EXAMPLE)
    prompts = [next(talk) for talk in islice(task.conversations(1), 400)]
    (year,) = (prompt.id for prompt in prompts if "Write 1994 " in prompt.messages[0].content)
    assert task.grade(year, answer("MCMXCIV")) == {"correct": 1.0, "bare": 1.0}
    assert task.grade(year, answer("It is **MCMXCIV**.")) == {"correct": 1.0, "bare": 0.0}
    assert task.grade(year, answer("MCMXCVI")) == {"correct": 0.0, "bare": 0.0}
