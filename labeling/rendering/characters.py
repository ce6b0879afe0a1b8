"""Text exactly as it is, with the characters that nobody sees wrapped so that a style sheet can show them.

The text content of the markup is the text itself, character for character: offsets into one are
offsets into the other.
"""

import re
import unicodedata
from dataclasses import dataclass

from django.utils.html import escape

# A text of a million such characters must not become a page of a hundred megabytes.
MAX_SIGNS = 2_000
# Short names as they stand in the Unicode charts, for the characters one really meets.
SIGNS = {
    0x00: "NUL", 0x08: "BS", 0x0B: "VT", 0x0C: "FF", 0x0D: "CR", 0x1B: "ESC", 0x7F: "DEL", 0x85: "NEL",
    0xA0: "NBSP", 0xAD: "SHY", 0x034F: "CGJ", 0x061C: "ALM", 0x180E: "MVS",
    0x200B: "ZWSP", 0x200C: "ZWNJ", 0x200D: "ZWJ", 0x200E: "LRM", 0x200F: "RLM", 0x2028: "LS", 0x2029: "PS",
    0x202A: "LRE", 0x202B: "RLE", 0x202C: "PDF", 0x202D: "LRO", 0x202E: "RLO", 0x202F: "NNBSP",
    0x2060: "WJ", 0x2066: "LRI", 0x2067: "RLI", 0x2068: "FSI", 0x2069: "PDI", 0x3000: "IDSP",
    0xFE0E: "VS15", 0xFE0F: "VS16", 0xFEFF: "BOM",
}  # fmt: skip
# Format characters, odd spaces, fillers, variation selectors, tags, private use and what is no character at all.
# Line feeds, tabs and the format characters that do show (the Arabic number signs) are left alone.
UNSEEN = re.compile(
    "([\x00-\x08\x0b-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f"
    "\u205f-\u206f\u2800\u3000\u3164\ud800-\udfff\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ufffe\uffff"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff])\\1*"
)
SPACES = "Zs"
# What may stand beside a joiner or a variation selector that only makes an emoji one.
PICTURES = ("So", "Sk", "Sm")
KEYCAPS = "#*0123456789"
SURROGATES = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Marked:
    """`signs` wrapped runs in all; `hidden` characters among them that are not merely odd spaces."""

    html: str
    signs: int
    hidden: int


def storable(text: str) -> str:
    """The text with half surrogate pairs, which no page can hold, replaced by U+FFFD; as long as before."""
    return SURROGATES.sub("\ufffd", text)


def marked(text: str) -> Marked:
    """The text escaped, each run of one unseen character in a span with its short name and its full one."""
    pieces: list[str] = []
    signs = hidden = at = 0
    for match in UNSEEN.finditer(text):
        if signs == MAX_SIGNS:
            break
        if _is_seen(text, match):
            continue
        pieces += (_escaped(text[at : match.start()]), _sign(match.group()))
        at = match.end()
        signs += 1
        if unicodedata.category(match.group(1)) != SPACES:
            hidden += len(match.group())
    pieces.append(_escaped(text[at:]))
    return Marked("".join(pieces), signs, hidden)


def _is_seen(text: str, match: re.Match[str]) -> bool:
    """Part of an emoji or of an ordinary line end."""
    character, start, end = match.group(1), match.start(), match.end()
    if character == "\r":
        return end - start == 1 and text[end : end + 1] == "\n"
    if end - start > 1 or start == 0:
        return False
    before = text[start - 1]
    if character in "\ufe0e\ufe0f":
        return before in KEYCAPS or unicodedata.category(before) in PICTURES
    if character == "\u200d" and end < len(text):
        return unicodedata.category(text[end]) in PICTURES and (
            before == "\ufe0f" or unicodedata.category(before) in PICTURES
        )
    return False


def _sign(run: str) -> str:
    code = ord(run[0])
    short = SIGNS.get(code, f"{code:04X}")
    name = unicodedata.name(run[0], "")
    count = f" ×{len(run)}" if len(run) > 1 else ""
    title = escape(f"U+{code:04X} {name}".strip())
    return f'<span class="sign" data-sign="{short}{count}" title="{title}{count}">{_escaped(run)}</span>'


def _escaped(text: str) -> str:
    """Escaped so that a browser reads back the same characters: it would turn a bare CR into LF and drop NUL."""
    return escape(storable(text)).replace("\r", "&#13;").replace("\x00", "\ufffd")
