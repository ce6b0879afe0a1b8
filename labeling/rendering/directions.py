"""Which way a block runs."""

import unicodedata
from collections.abc import Iterable

STRONG = {"L": "ltr", "R": "rtl", "AL": "rtl"}


def first_strong(texts: Iterable[str]) -> str:
    """The direction, "rtl" or "ltr", by the first character that has one (UAX 9, rules P2 and P3); "ltr" without any.

    For containers: `dir="auto"` on a list looks past every child that has a `dir` itself, so it would see nothing.
    """
    for text in texts:
        for character in text:
            direction = STRONG.get(unicodedata.bidirectional(character))
            if direction:
                return direction
    return "ltr"
