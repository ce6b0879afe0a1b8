"""Signs in the characters themselves: invisible ones, ones that reorder the line, words of two alphabets.

Each rule first looks for a character that ordinary English has not got, by one linear search, so that plain
text costs next to nothing. What has a lawful use is told apart by its neighbours: joiners inside emoji and
inside the scripts that need them, direction marks in text that really runs right to left, variation
selectors after a character that has variants. Those become soft signs, which a project where they are
ordinary never notices.

Sources: Unicode Technical Report 36 and Technical Standard 39 (mixed scripts, confusables), Unicode Standard
Annex 9 (direction), Boucher and Anderson 2021, "Trojan Source" (reordering).
"""

import re
import unicodedata
from collections.abc import Iterator

from routing.policy.sign import UNUSUAL, Sign

# Which letter stands for a script in the sketch of a text. Scripts that mix by right share one.
SCRIPTS = {
    **dict.fromkeys(("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "BOPOMOFO", "HALFWIDTH", "KANGXI", "YI"), "J"),
    **dict.fromkeys(("THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"), "S"),
    **dict.fromkeys(("LATIN", "FULLWIDTH", "FEMININE", "MASCULINE"), "L"),
    "CYRILLIC": "C", "GREEK": "G", "COPTIC": "O", "ARMENIAN": "A", "GEORGIAN": "K", "HEBREW": "H",
    "ARABIC": "R", "SYRIAC": "Y", "THAANA": "T", "NKO": "N", "DEVANAGARI": "D", "BENGALI": "B",
    "GURMUKHI": "M", "GUJARATI": "U", "ORIYA": "I", "TAMIL": "P", "TELUGU": "E", "KANNADA": "F",
    "MALAYALAM": "V", "SINHALA": "W", "ETHIOPIC": "X", "CHEROKEE": "Q", "CANADIAN": "Z",
    "DESERET": "a", "OGHAM": "b", "RUNIC": "c", "MONGOLIAN": "d", "GOTHIC": "e", "GLAGOLITIC": "f",
    "TIFINAGH": "g", "LISU": "h", "OSAGE": "i", "ADLAM": "j", "VAI": "k",
}  # fmt: skip
SPACELESS = frozenset("JS")
# Cyrillic, Greek and Armenian letters drawn like Latin ones.
LOOKALIKE = frozenset("авеѕіјӏорсԁуԛԝхһгпкмнтзАВЕЅІЈКМНОРСТУХҮԌԚԜαορνιυκτωΑΒΕΖΗΙΚΜΝΟΡΤΥΧօսցհո")

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ufdd0-\ufdef\ufffe\uffff\ud800-\udfff]")
_DIRECTION = re.compile("[\u202a-\u202e\u2066-\u2069]")
_MARK_OF_DIRECTION = re.compile("[\u200e\u200f\u061c]")
_RIGHT_TO_LEFT = re.compile(
    "[\u0590-\u05ff\u0600-\u060b\u060d-\u061b\u061d-\u08ff\ufb1d-\ufdcf\ufdf0-\ufdff\ufe70-\ufefc]"
)
_TAGS = re.compile("[\U000e0001-\U000e007f]")
_TAGGED_FLAG = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{1,6}\U000e007f")
# Characters without ink and without a use in running text.
_INVISIBLE = re.compile(
    "[\u200b\u2060-\u2065\u206a-\u206f\u180e\u034f\u115f\u1160\u3164\uffa0\u17b4\u17b5\u2800\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a]|(?<!^)\ufeff|^\ufeff\\s*$"
)
_JOINER = re.compile("(?s)(?:(?<=(.))|(?<!.))([\u200c\u200d])(?=(.?))")
_SELECTOR = re.compile("(?s)(?:(?<=(.))|(?<!.))([\u180b-\u180d\ufe00-\ufe0f\U000e0100-\U000e01ef])")
_ODD_SPACE = re.compile("[\u1680\u2000-\u2008\u200a\u205f\u3000]")
_STACK = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0e34-\u0e3a\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{4}"
)
_PRIVATE = re.compile("[\ue000-\uf8ff\U000f0000-\U000ffffd\U00100000-\U0010fffd]")
# Latin letters and digits in disguise: circled, bracketed, mathematical, turned upside down.
_STYLED = re.compile(
    "[\u249c-\u24e9\U0001d400-\U0001d7ff\U0001f110-\U0001f189\uff21-\uff3a\uff41-\uff5a"
    "\u0250\u0254\u01dd\u025f\u0265\u0279\u0287\u028c\u028d\u028e\u1d09\u0183\u029e\u0253\u0196\u0186]"
)
_MIXED = re.compile("([A-Za-z])(?!\\1)[A-Za-z]")
_RUN = re.compile("[A-Za-z]+")
_FOREIGN = re.compile("[A-KM-Za-z]{3}")
_JOINED_SCRIPTS = frozenset("RYDBMUIPEFVWdKSNj")


class _Sketch(dict[int, str]):
    """Maps each letter to its script's, marks, digits and invisible characters to nothing, the rest to a space."""

    def __missing__(self, code: int) -> str:
        self[code] = drawn = self._draw(chr(code))
        return drawn

    @staticmethod
    def _draw(character: str) -> str:
        category = unicodedata.category(character)
        if category[0] == "L" and category != "Lm":
            return SCRIPTS.get(unicodedata.name(character, "").split(" ")[0], "")
        return "" if category in ("Mn", "Mc", "Me", "Nd", "Cf", "Lm") or character == "_" else " "


# Filled as characters are met; at most one entry for each character of Unicode.
_SKETCH = _Sketch()


def signs_of_writing(text: str) -> Iterator[Sign]:
    """Signs in the characters of `text`; linear in its length, lone surrogates allowed."""
    yield from _found(_CONTROL, text, "control", "control character", 1.0, hard=True)
    if text.isascii():
        return
    yield from _found(_DIRECTION, text, "bidirectional", "character that reorders the line", 1.0, hard=True)
    yield from _found(_INVISIBLE, text, "zero_width", "invisible character", 1.0, hard=True)
    yield from _found(_TAGS, _TAGGED_FLAG.sub("", text), "zero_width", "invisible tag", 1.0, hard=True)
    if text[0] == "\ufeff":
        yield Sign("byte_order_mark", "starts with a byte order mark", UNUSUAL)
    yield from _marks_of_direction(text)
    yield from _joiners(text)
    yield from _selectors(text)
    yield from _scripts(text)
    yield from _found(_STACK, text, "odd_punctuation", "pile of combining marks", 0.9)
    yield from _found(_PRIVATE, text, "odd_punctuation", "character of private meaning", 0.7)
    yield from _found(_ODD_SPACE, text, "odd_space", "unusual space", 0.35)
    if "\ufffd" in text:
        yield Sign("truncation", "U+FFFD: bytes that could not be read", 0.6)
    if "\xad" in text:
        yield Sign("joiner", "U+00AD soft hyphen", UNUSUAL)
    if len(_STYLED.findall(text)) >= 3:
        yield Sign("styled_letters", "Latin letters in disguise", UNUSUAL)


def _found(
    pattern: re.Pattern[str], text: str, kind: str, what: str, weight: float, hard: bool = False
) -> Iterator[Sign]:
    hits = pattern.findall(text)
    if hits:
        code = f"U+{ord(hits[0][0]):04X}"
        yield Sign(kind, f"{code} {what}" + (f", {len(hits)} in all" if len(hits) > 1 else ""), weight, hard)


def _marks_of_direction(text: str) -> Iterator[Sign]:
    """A mark of direction has work to do only where some letters run right to left."""
    runs_right_to_left = _RIGHT_TO_LEFT.search(text) is not None
    if _MARK_OF_DIRECTION.search(text):
        hard = not runs_right_to_left
        yield from _found(
            _MARK_OF_DIRECTION, text, "bidirectional" if hard else "joiner", "mark of direction", UNUSUAL, hard
        )
    if runs_right_to_left:
        yield Sign("right_to_left", "letters that run right to left", UNUSUAL)


def _joiners(text: str) -> Iterator[Sign]:
    # Long texts repeat few neighbourhoods, so the set keeps this linear and quick.
    places = set(_JOINER.findall(text))
    if not places:
        return
    for before, joiner, after in places:
        if not _may_join(before, after):
            yield Sign("zero_width", f"U+{ord(joiner):04X} joiner that joins nothing", 1.0, hard=True)
            return
    yield Sign("joiner", "joiners where emoji or the script use them", UNUSUAL)


def _may_join(before: str, after: str) -> bool:
    """Whether a joiner may stand there: between emoji, or in a script whose spelling has joiners."""
    if not before or not after:
        return False
    if _is_pictogram(after) and (_is_pictogram(before) or "\U0001f3fb" <= before <= "\U0001f3ff" or before == "\ufe0f"):
        return True
    return _script(before) in _JOINED_SCRIPTS and (_script(after) in _JOINED_SCRIPTS or not after.isalnum())


def _is_pictogram(character: str) -> bool:
    return unicodedata.category(character) in ("So", "Sm")


def _script(character: str) -> str:
    return SCRIPTS.get(unicodedata.name(character or " ", "").split(" ")[0], "")


def _selectors(text: str) -> Iterator[Sign]:
    """Variation selectors after a character without variants hide data: each can carry a byte."""
    for before, selector in set(_SELECTOR.findall(text)):
        lawful = before in tuple("#*0123456789") or unicodedata.category(before or " ") in (
            "So",
            "Sm",
            "Po",
            "Pd",
            "Sk",
        )
        if not lawful and _script(before) not in ("J", "d", "S"):
            yield Sign("zero_width", f"U+{ord(selector):04X} selector of a variant that does not exist", 1.0, hard=True)
            return


def _scripts(text: str) -> Iterator[Sign]:
    sketch = text.translate(_SKETCH)
    soft = False
    for word in {run.group() for run in _RUN.finditer(sketch)} if _MIXED.search(sketch) else ():
        scripts = set(word)
        if len(scripts) < 2:
            continue
        if _mixes_by_right(word, scripts):
            soft = True
            continue
        yield Sign("mixed_script", f"one word in {len(scripts)} alphabets", 1.0, hard=True)
        return
    if soft:
        yield Sign("mixed_writing", "alphabets side by side without a space", UNUSUAL)
    if "L" in sketch and _FOREIGN.search(sketch):
        yield Sign("foreign_writing", "words of another alphabet among Latin ones", 0.62)
    if "L" in sketch and any(
        len(word) > 2 and LOOKALIKE.issuperset(word) for word in re.findall(r"[^\W\d_a-zA-Z]+", text)
    ):
        yield Sign("mixed_writing", "a word of another alphabet that reads as a Latin one", UNUSUAL)


def _mixes_by_right(word: str, scripts: set[str]) -> bool:
    """East Asian scripts leave no space before a Latin name; units and formulas have one Greek letter."""
    if scripts <= SPACELESS | {"L"} and len(scripts & SPACELESS) == 1:
        return True
    return scripts == {"L", "G"} and word.count("G") == 1 and len(word) <= 3
