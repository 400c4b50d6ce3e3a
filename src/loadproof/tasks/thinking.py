"""What of an answer was said, and what was only thought."""

from loadproof.model.answer import Answer

OPEN, CLOSE = "<think>", "</think>"


def spoken(answer: Answer) -> str:
    """The answer proper, without thinking; empty where it never left its thinking.

    Tags that were left in the text, because the model thought twice, are honoured.
    """
    if not answer.finished_thinking:
        return ""
    after = answer.text.rpartition(CLOSE)[2]
    return after.partition(OPEN)[0].strip()


def never_left(answer: Answer) -> bool:
    """Whether the answer ended within its thinking, cut off or given up: it was none at all."""
    return not answer.finished_thinking or (OPEN in answer.text and not spoken(answer))
