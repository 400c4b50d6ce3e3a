"""Public sets of multiple choice questions: MedQA, CMExam, CMB, CommonsenseQA."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from loadproof.tasks.language import language_of
from loadproof.tasks.public_sets.found import Found
from loadproof.tasks.questions import is_choice
from loadproof.tasks.rows import Row, read_rows

CMB_ANSWERS = "CMB-test-choice-answer.json"
"""The file in which CMB publishes the answers of its test questions."""

_OPTION = re.compile(r"^\s*([A-H])[\s.、．:：]+(.*\S)\s*$")


def medqa(rows: Iterable[Row], _: Path) -> Iterator[Found]:
    """MedQA (Jin et al. 2020): `question`, `options` by letter, `answer_idx` the right one."""
    for row in rows:
        options = _options(row, "options", row.fields.get("options"))
        yield _choice(row, row.text("question"), options, row.text("answer_idx"), "answer_idx")


def cmexam(rows: Iterable[Row], _: Path) -> Iterator[Found]:
    """CMExam (Liu et al. 2023): CSV with `Question`, `Options` of a line each ("A …"), `Answer`.

    A few of its rows have no answer; they are left out, as its authors do.
    """
    for row in rows:
        answer = row.optional("Answer")
        if answer is None:
            continue
        lines = [line for line in row.text("Options").splitlines() if line.strip()]
        found = [match for match in map(_OPTION.match, lines) if match]
        if len(found) < len(lines):
            raise row.problem("Options", row.fields["Options"], 'an option a line, such as "A …"')
        options = _options(row, "Options", {match[1]: match[2] for match in found})
        yield _choice(row, row.text("Question"), options, answer, "Answer")


def cmb(rows: Iterable[Row], path: Path) -> Iterator[Found]:
    """CMB-Exam (Wang et al. 2023): `question`, `option` by letter, `answer` of a letter or more.

    Its test questions have an `id` instead, which the answers' file, beside them, tells more of.
    """
    answers: dict[Any, str] = {}
    for row in rows:
        options = _options(row, "option", row.fields.get("option"))
        answer, id_ = row.optional("answer"), row.optional("id")
        if answer is None and id_ is not None and not answers:
            answers = _cmb_answers(path, row)
        answer = answer or answers.get(id_)
        if answer is None:
            raise row.problem("answer", None, "the right letter, or all right ones")
        yield _choice(row, row.text("question"), options, answer, "answer", id_)


def commonsenseqa(rows: Iterable[Row], _: Path) -> Iterator[Found]:
    """CommonsenseQA (Talmor et al. 2019): `question.stem` and `question.choices`, `answerKey`.

    Also as the Hugging Face hub has it: `question` and `choices` with `label` and `text`.
    """
    for row in rows:
        asked = row.fields.get("question")
        nested = isinstance(asked, dict)
        stem = row.text("question", "stem") if nested else row.text("question")
        choices = asked.get("choices") if isinstance(asked, dict) else row.fields.get("choices")
        if isinstance(choices, dict):
            pairs = zip(choices.get("label") or (), choices.get("text") or (), strict=False)
            listed = dict(pairs)
        else:
            listed = {each.get("label"): each.get("text") for each in _objects(choices)}
        options = _options(row, "choices", listed)
        answer = row.optional("answerKey")
        if answer is None:
            raise row.problem("answerKey", None, "the right letter (its test split has none)")
        yield _choice(row, stem, options, answer, "answerKey", row.optional("id"))


def _choice(
    row: Row, question: str, options: dict[str, str], answer: str, key: str, id_: str | None = None
) -> Found:
    letters = "".join(sorted(set(re.sub(r"[\s,，、]", "", answer.upper()))))
    if not is_choice(options, letters):
        raise row.problem(key, answer, f"one of {', '.join(options)}, or several of them")
    return Found(
        id=id_, language=language_of(question), question=question, options=options, answer=letters
    )


def _options(row: Row, key: str, found: object) -> dict[str, str]:
    """Options by letter; those that are empty are none."""
    options = found if isinstance(found, dict) else {}
    kept = {
        str(letter).strip(): str(text).strip()
        for letter, text in sorted(options.items())
        if text is not None and str(text).strip()
    }
    if not is_choice(kept, "A"):
        raise row.problem(key, found, "texts by the letters A, B, C, …, two at least")
    return kept


def _cmb_answers(path: Path, row: Row) -> dict[Any, str]:
    beside = path.parent / CMB_ANSWERS
    if not beside.is_file():
        raise row.problem("answer", None, f"it, or {CMB_ANSWERS} beside this file")
    return {found.optional("id"): found.text("answer") for found in read_rows(beside)}


def _objects(value: object) -> list[dict[str, Any]]:
    items = value if isinstance(value, list) else []
    return [item for item in items if isinstance(item, dict)]
