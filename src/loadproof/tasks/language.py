"""Whether a text is to be treated as Chinese or as English."""

from loadproof.tasks.questions import Language

_SHARE = 0.1


def language_of(text: str) -> Language:
    """ "zh" where at least a tenth of the text's characters are Chinese and none is kana."""
    chinese = sum("㐀" <= sign <= "鿿" for sign in text)
    kana = any("぀" <= sign <= "ヿ" for sign in text)
    return "zh" if chinese and not kana and chinese >= _SHARE * len(text) else "en"
