"""What a correction changed, word by word."""

import re
from collections.abc import Iterator

from diff_match_patch import diff_match_patch
from django.utils.safestring import SafeString, mark_safe

from labeling.rendering.characters import marked

# Longer texts are compared line by line.
MAX_CHARACTERS = 60_000
# After so many seconds what is left counts as replaced: correct, only coarser.
PATIENCE = 0.3
# A run of letters and digits, or any other single character. Scripts written without spaces go character by
# character (with its combining marks): Thai and its neighbours, Chinese, Japanese, and the halves of surrogates.
UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19df\u1a20-\u1aaf\ua9e0-\ua9ff\uaa60-\uaa7f"
    "\u2e80-\u2fff\u3005-\u3007\u3021-\u302f\u3031-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"
    "\U0001b000-\U0001b16f\U00020000-\U0003ffff"
)
MARKS = "\u0300-\u036f\u0e31\u0e34-\u0e3a\u0e47-\u0e4e\u0eb1\u0eb4-\u0ebc\u0ec8-\u0ece\u200d\ufe00-\ufe0f"
WORDS = re.compile(rf"[{UNSPACED}][{MARKS}]*|(?:(?![{UNSPACED}])\w)+[{MARKS}]*|[^\S\n]+|.", re.DOTALL)
LINES = re.compile(r"[^\n]*\n|[^\n]+")
# Code points that stand for words while comparing; surrogates are no characters.
FIRST_SURROGATE, SURROGATES = 0xD800, 0x800
MAX_DISTINCT = 0x10FFFF - SURROGATES
ELEMENTS = {-1: "del", 1: "ins"}


def word_diff(original: str, corrected: str) -> SafeString:
    """The corrected text with what was taken out in <del> and what was put in in <ins>, the rest as it stands.

    Without the <ins> elements the text content is `original`, without the <del> elements `corrected`.
    """
    units = LINES if len(original) + len(corrected) > MAX_CHARACTERS else WORDS
    return mark_safe("".join(_shown(operation, text) for operation, text in _changes(original, corrected, units)))


def _changes(original: str, corrected: str, units: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """(−1 deleted, 0 kept, 1 inserted; text) in reading order."""
    codes: dict[str, str] = {}
    words: dict[str, str] = {}

    def encoded(text: str) -> str:
        symbols = []
        for unit in units.findall(text):
            if unit not in codes:
                number = len(codes) % MAX_DISTINCT
                codes[unit] = chr(number if number < FIRST_SURROGATE else number + SURROGATES)
                words[codes[unit]] = unit
            symbols.append(codes[unit])
        return "".join(symbols)

    engine = diff_match_patch()
    engine.Diff_Timeout = PATIENCE
    changes = engine.diff_main(encoded(original), encoded(corrected), False)
    engine.diff_cleanupSemantic(changes)
    for operation, symbols in changes:
        yield operation, "".join(words[symbol] for symbol in symbols)


def _shown(operation: int, text: str) -> str:
    html = marked(text).html
    if not operation:
        return html
    element = ELEMENTS[operation]
    # A line end that came or went would show as nothing.
    ends = html.replace("\n", '<span class="line-end"></span>\n')
    return f"<{element}>{ends}</{element}>"
