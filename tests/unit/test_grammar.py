"""The grammar in the docstring is the one that the parser has, and the one in the docs."""

import inspect
import re
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadproof.model.grammar import parse_objective
from loadproof.model.metrics import COUNTERS, GAUGES, LATENCIES, MEMORIES
from loadproof.model.objective import BOUNDED, FLOWS, OUTCOMES, Kind
from loadproof.model.quantity import BYTES, MILLISECONDS

DOCS = Path(__file__).parents[2] / "docs/objectives.md"
_TOKEN = re.compile(r'"([^"]*)"|([a-z]\w*)|([][{}()|,])|\?[^?]*\?')


def ebnf() -> str:
    """The grammar in the parser's docstring."""
    text = inspect.getdoc(parse_objective) or ""
    lines = text.split("::\n\n", 1)[1].split("\n\n", 1)[0].splitlines()
    return "\n".join(line.removeprefix("    ") for line in lines)


def rules() -> dict[str, str]:
    found = (rule.split("=", 1) for rule in re.split(r";\s*$", ebnf(), flags=re.MULTILINE))
    return {name[0].strip(): name[1].strip() for name in found if len(name) == 2}


class _Reader:
    """Turns an EBNF expression into a strategy that gives lists of symbols."""

    def __init__(self, expression: str) -> None:
        self.tokens = [match[0] for match in _TOKEN.finditer(expression)]

    def alternatives(self) -> st.SearchStrategy[list[str]]:
        options = [self.sequence()]
        while self.tokens and self.tokens[0] == "|":
            self.tokens.pop(0)
            options.append(self.sequence())
        return st.one_of(options)

    def sequence(self) -> st.SearchStrategy[list[str]]:
        parts = [self.term()]
        while self.tokens and self.tokens[0] == ",":
            self.tokens.pop(0)
            parts.append(self.term())
        return st.tuples(*parts).map(lambda found: list(chain(*found)))

    def term(self) -> st.SearchStrategy[list[str]]:
        token = self.tokens.pop(0)
        if token in "[{(":
            inner = self.alternatives()
            assert self.tokens.pop(0) == {"[": "]", "{": "}", "(": ")"}[token]
            if token == "[":
                return st.one_of(st.just([]), inner)
            if token == "{":
                return st.lists(inner, max_size=2).map(lambda found: list(chain(*found)))
            return inner
        if token.startswith('"'):
            return st.just([token.strip('"')])
        return symbol(token)


def symbol(name: str) -> st.SearchStrategy[list[str]]:
    """What a rule stands for. Numbers are such as may be a percentile and a share too, which EBNF
    cannot say."""
    match name:
        case "number":
            return st.sampled_from(["0.95", ".5", "1", "0.070"]).map(lambda n: [n])
        case "identifier":
            return st.sampled_from(["chat", "boxed_math", "数学", "my_task2"]).map(lambda n: [n])
        case _:
            return st.deferred(lambda: _Reader(rules()[name]).alternatives())


@given(symbol("objective"), st.sampled_from(["", " ", "  "]))
def test_each_sentence_of_the_grammar_is_read_by_the_parser(words: list[str], blank: str) -> None:
    text = blank.join(" and " if word == "and" else word for word in words)
    text = re.sub(r"^p\s+", "p", text)
    objective = parse_objective(text)
    assert str(parse_objective(str(objective))) == str(objective)


def test_the_grammar_names_all_that_is_measured() -> None:
    terminals = set(re.findall(r'"([^"]*)"', ebnf()))
    names = {*LATENCIES, *BOUNDED, *OUTCOMES, *FLOWS, *MEMORIES, *GAUGES, *COUNTERS}
    assert names <= terminals
    assert {*BYTES, *MILLISECONDS} <= terminals


def test_the_docs_have_the_same_grammar() -> None:
    text = DOCS.read_text(encoding="utf-8")
    assert text.split("```ebnf\n", 1)[1].split("```", 1)[0] == ebnf() + "\n"


def test_each_sentence_of_the_docs_is_one_and_each_kind_has_one() -> None:
    table = [line for line in DOCS.read_text(encoding="utf-8").splitlines() if line[:3] == "| `"]
    kinds = {parse_objective(re.findall(r"`([^`]*)`", line)[0]).kind for line in table}
    assert kinds == set(Kind)


@pytest.mark.parametrize("name", ["task", "grade", "number"])
def test_each_rule_is_there_once(name: str) -> None:
    assert len(re.findall(rf"^{name}\s+=", ebnf(), flags=re.MULTILINE)) == 1
