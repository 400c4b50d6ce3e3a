"""Questions out of local files: public sets as they are published, and loadproof's own format."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from loadproof.model.errors import ConfigurationError
from loadproof.tasks.digest import id_of
from loadproof.tasks.public_sets import choices, sums, talks
from loadproof.tasks.public_sets.found import Found
from loadproof.tasks.questions import Question, parse_questions
from loadproof.tasks.rows import Row, read_rows

Reader = Callable[[Iterable[Row], Path], Iterator[Found]]


@dataclass(frozen=True, slots=True)
class PublicSet:
    """A set: its name, the task that asks it, the keys that give it away, where to get it."""

    name: str
    task: str
    keys: tuple[frozenset[str], ...]
    source: str
    read: Reader


def _keys(*alternatives: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(keys.split()) for keys in alternatives)


SETS: dict[str, PublicSet] = {
    "medqa": PublicSet(
        "MedQA",
        "medical_qa",
        _keys("question options answer_idx"),
        "https://github.com/jind11/MedQA (data_clean/questions/US/test.jsonl or …/Mainland/…)",
        choices.medqa,
    ),
    "cmexam": PublicSet(
        "CMExam",
        "medical_qa",
        _keys("Question Options Answer"),
        "https://github.com/williamliujl/CMExam (data/test_with_annotations.csv)",
        choices.cmexam,
    ),
    "cmb": PublicSet(
        "CMB",
        "medical_qa",
        _keys("question option question_type", "question option exam_type"),
        "https://github.com/FreedomIntelligence/CMB (data/CMB.zip: CMB-Exam/CMB-val/"
        f"CMB-val-merge.json, or the test's questions with {choices.CMB_ANSWERS} beside them)",
        choices.cmb,
    ),
    "gsm8k": PublicSet(
        "GSM8K",
        "boxed_math",
        _keys("question answer"),
        "https://github.com/openai/grade-school-math (grade_school_math/data/test.jsonl)",
        sums.gsm8k,
    ),
    "math500": PublicSet(
        "MATH-500",
        "boxed_math",
        _keys("problem answer"),
        "https://huggingface.co/datasets/HuggingFaceH4/MATH-500 (test.jsonl)",
        sums.math500,
    ),
    "commonsenseqa": PublicSet(
        "CommonsenseQA",
        "commonsense",
        _keys("question answerKey"),
        "https://www.tau-nlp.org/commonsenseqa (dev_rand_split.jsonl)",
        choices.commonsenseqa,
    ),
    "sharegpt": PublicSet(
        "ShareGPT",
        "chat",
        _keys("conversations"),
        "https://huggingface.co/datasets/anon8231489123/ShareGPT_Vicuna_unfiltered "
        "(ShareGPT_V3_unfiltered_cleaned_split.json)",
        talks.sharegpt,
    ),
    "oasst1": PublicSet(
        "OASST1",
        "chat",
        _keys("prompt message_tree_id", "message_id role text"),
        "https://huggingface.co/datasets/OpenAssistant/oasst1 "
        "(2023-04-12_oasst_ready.trees.jsonl.gz or ….messages.jsonl.gz)",
        talks.oasst1,
    ),
}
"""The public sets by their names in scenarios."""


def questions_from(path: Path, task: str, name: str | None) -> tuple[Question, ...]:
    """The questions in the file at `path`, for `task`.

    `name` is how it is written: "loadproof" or one of SETS; None: it is told by the first row.
    An id is made of the set's own, or of the question's words where the set has none; a question
    that stands there twice is asked once. Raises ConfigurationError, in one line: a file that is
    missing (and where its set is published), of another task, or with a row that is wrong.
    """
    if not path.is_file():
        raise ConfigurationError(_missing(path, task, name))
    rows = read_rows(path)
    if name is None:
        first = next(rows, None)
        name = _recognised(path, task, first)
        rows = chain([first] if first else [], rows)
    if name == "loadproof":
        return parse_questions(task, _text(path), str(path))
    public = SETS[name]
    if public.task != task:
        raise ConfigurationError(
            f"{path}: got questions of {public.name}, which task {public.task} asks, not {task}"
        )
    questions: dict[str, Question] = {}
    for found in public.read(rows, path):
        own = found.id or id_of(found.question, found.options)
        question = Question(
            f"{task}/{name}-{own}",
            task,
            found.language,
            found.question,
            found.options,
            found.answer,
            found.difficulty,
            found.follow_ups,
        )
        questions.setdefault(question.id, question)
    if not questions:
        raise ConfigurationError(f"{path}: no questions; expected rows as {public.name} has them")
    return tuple(questions.values())


def _missing(path: Path, task: str, name: str | None) -> str:
    if name == "loadproof":
        return f"got {str(path)!r}, expected a file of questions there"
    low = path.name.lower().replace("-", "").replace("_", "")
    likely = [name] if name else [known for known in SETS if known in low]
    likely = likely or [known for known, public in SETS.items() if public.task == task]
    places = "; ".join(f"{SETS[known].name}: {SETS[known].source}" for known in likely)
    return (
        f"got {str(path)!r}, expected a file there; put what is published under this name: {places}"
    )


def _recognised(path: Path, task: str, first: Row | None) -> str:
    """How the file is written, by the keys of its first row: the most that a set asks for."""
    keys = set() if first is None else set(first.fields)
    if {"id", "language", "difficulty"} <= keys:
        return "loadproof"
    fitting = [
        (len(wanted), public.task == task, name)
        for name, public in SETS.items()
        for wanted in public.keys
        if wanted <= keys
    ]
    if fitting:
        return max(fitting)[2]
    known = ", ".join(("loadproof", *SETS))
    raise ConfigurationError(
        f"{path}: got a first row with the keys {', '.join(sorted(keys)) or 'none'}, expected one "
        f"as any of these have it: {known}"
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path}: not UTF-8 at byte {error.start}") from None
