"""One text seen several ways, so that a disguise does not hide a phrase. All linear in the text."""

import unicodedata

# Lower-case letters of other alphabets, each above the Latin letter it is drawn like.
_CYRILLIC = dict(zip("авеѕіјӏорсԁуԛԝхһгпкмнт", "abesijlopcdyqwxhrnkmht", strict=True))
_GREEK = dict(zip("αορνιυκτωεηχγ", "aopviuktwenxy", strict=True))
_OTHER = dict(zip("օսցհոıɡɑ’‘“”", "oughniga''\"\"", strict=True))
_LATIN = {ord(character): latin for table in (_CYRILLIC, _GREEK, _OTHER) for character, latin in table.items()}

# Digits and signs that stand for letters ("1gn0r3"); what is left that is no letter goes.
_STANDS_FOR = dict(zip("013457@$!|", "oieastasii", strict=True))
_ROT13 = str.maketrans("abcdefghijklmnopqrstuvwxyz", "nopqrstuvwxyzabcdefghijklm")


class _Visible(dict[int, str]):
    """Drops marks and what has no ink; keeps the rest, line ends too."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        dropped = unicodedata.category(character) in ("Mn", "Me", "Cf", "Cc", "Cs") and character not in "\n\t\r"
        self[code] = kept = "" if dropped else character
        return kept


_VISIBLE = _Visible()
_LETTERS_ONLY = str.maketrans(
    {character: _STANDS_FOR.get(character, "") for character in map(chr, range(128)) if not character.islower()}
)


def unstyled(text: str) -> str:
    """Lower-case, styled letters made plain, accents and invisible characters gone; alphabets kept."""
    if text.isascii():
        return text.lower()
    bare = unicodedata.normalize("NFKD", text).translate(_VISIBLE)
    # Korean syllables came apart as well: put them together again.
    return unicodedata.normalize("NFC", bare).lower()


def revealed(text: str) -> str:
    """The text as it looks to a reader: styled letters, digits and units made plain (NFKC), invisible characters and
    marks gone, look-alikes of other alphabets read as Latin, every white space a space. Capitals are kept."""
    if text.isascii():
        return text
    bare = unicodedata.normalize("NFKD", text).translate(_VISIBLE)
    return "".join(" " if character.isspace() else character for character in latin(unicodedata.normalize("NFC", bare)))


def latin(unstyled_text: str) -> str:
    """The result of `unstyled` with letters of other alphabets read as the Latin ones they look like."""
    return unstyled_text if unstyled_text.isascii() else unstyled_text.translate(_LATIN)


def squeezed(latin_text: str) -> str:
    """The Latin letters alone, digits read as letters: no spacing or punctuation can break a phrase apart."""
    return latin_text.encode("ascii", "ignore").decode("ascii").translate(_LETTERS_ONLY)


def blurred(letters: str) -> str:
    """Letters and patterns with l as i: the digit 1 stands for both."""
    return letters.replace("l", "i")


def turned_by_13(latin_text: str) -> str:
    """ROT13, which is its own inverse."""
    return latin_text.translate(_ROT13)
