"""Text in pieces of about a token each, without a tokenizer.

English comes in words of up to six letters with the blank before them (about four characters a
piece), Chinese in one or two characters, digits in threes: near enough to what the tokenizers of
Qwen and Llama give that token counts, and so the load, are realistic.
"""

import re
from collections.abc import Iterable

END_OF_THINKING = "</think>"

_PIECE = re.compile(
    r"</?think>"
    r"|\\[A-Za-z]+"
    r"| ?[A-Za-z\u00c0-\u024f]{1,6}"
    r"|[\u3400-\u4dbf\u4e00-\u9fff]{1,2}"
    r"| ?\d{1,3}"
    r"|\s+"
    r"|.",
    re.DOTALL,
)
_TEMPLATE_TOKENS = 4
"""What a chat template puts around each message: its role and the marks before and after."""


def split(text: str) -> list[str]:
    """The pieces of `text`; joined they give it back."""
    return _PIECE.findall(text)


def prompt_tokens(contents: Iterable[str]) -> int:
    """Length of a prompt made of messages with these contents, chat template included."""
    return 1 + sum(_TEMPLATE_TOKENS + len(split(content)) for content in contents)


def is_chinese(text: str) -> bool:
    """Whether at least a tenth of `text` is Chinese characters."""
    chinese = sum("\u3400" <= character <= "\u9fff" for character in text)
    return chinese * 10 >= len(text) > 0
