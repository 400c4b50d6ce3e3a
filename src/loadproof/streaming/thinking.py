"""Where the thinking ends and the answer begins."""

from dataclasses import dataclass

OPENING = "<think>"
CLOSING = "</think>"


@dataclass(frozen=True, slots=True)
class Split:
    """A content, divided. `thinking` is None where there was none.

    `closed_at_byte` is how many bytes of the content (UTF-8) come before and within the closing
    tag, None where the thinking was not closed. `answer_follows` says whether anything, be it a
    blank, stands after it.
    """

    text: str
    thinking: str | None
    closed_at_byte: int | None
    answer_follows: bool


def split_content(content: str, *, opened: bool = False) -> Split:
    """`content` as a server sent it without a reasoning parser, divided at the first `</think>`.

    The opening tag may be missing: the templates of DeepSeek-R1's distillations end in it, so
    that the model's own text begins within the thinking. A content that begins with `<think>` and
    never closes it is thinking from end to end; so is, with `opened` (the prompt is known to have
    ended in an opening tag), any content without a closing one.

    Blanks around the thinking and before the answer are left out, being the template's; a content
    without thinking stays as it is.
    """
    at = content.find(CLOSING)
    begins = content.lstrip().startswith(OPENING)
    if at >= 0:
        after = content[at + len(CLOSING) :]
        return Split(
            text=after.lstrip(),
            thinking=_without_opening(content[:at]),
            closed_at_byte=len(content[:at].encode()) + len(CLOSING),
            answer_follows=bool(after),
        )
    if begins or (opened and content):
        return Split("", _without_opening(content), None, answer_follows=False)
    return Split(content, None, None, answer_follows=bool(content))


def _without_opening(text: str) -> str:
    return text.strip().removeprefix(OPENING).strip()
