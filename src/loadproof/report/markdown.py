"""Text and tables in GitHub's and GitLab's Markdown, with nothing in them that is obeyed."""

import re
from collections.abc import Collection

from loadproof.report.signs import plain


def table(head: list[str], rows: list[list[str]], right: Collection[int]) -> str:
    """A table; the columns `right`, by their index, are numbers."""
    rule = ["--:" if index in right else ":--" for index in range(len(head))]
    cell_rows = [[cell.replace("|", "\\|") for cell in row] for row in rows]
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *cell_rows])


def text(content: str) -> str:
    """`content` on one line, with nothing in it that Markdown or HTML takes for more than text."""
    line = " ".join(plain(content).split())
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\`*_\[\]#@~!|])", r"\\\1", line)


def code(content: str) -> str:
    """`content` as it can stand between back quotes."""
    return " ".join(plain(content).split()).replace("`", "'")
