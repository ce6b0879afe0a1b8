"""Regular expressions of policies: RE2 only, whose search is linear in the text, and bounded even so.

RE2 knows no look-around and no back-references; that is what keeps a text of the caller's from hanging it.
Its slowest way through a text still costs the size of the compiled pattern times that of the text (about
5 ns each on one core), so the product is capped: more raises `SearchTooCostly`, and whoever asked fails closed.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import re2

from routing.policy.folding import latin, revealed, unstyled

MAX_PATTERN_CHARS = 1000
# Instructions of the compiled pattern: a class such as \pL takes about 1,200 of them, a letter takes one.
MAX_PROGRAM = 20_000
# Instructions times bytes: a pattern of 500 instructions may look at 2 MB.
MAX_COST = 1_000_000_000
MAX_CAPTURES = 2000


class SearchTooCostly(Exception):
    """The text is too long for a pattern of this size, or the pattern matches too often in it."""


def check_pattern(pattern: str, *, groups: int | None = None) -> None:
    """Raises ValueError saying what is wrong with `pattern`, also where it does not have so many `groups`."""
    if not pattern:
        raise ValueError("a pattern must not be empty")
    if len(pattern) > MAX_PATTERN_CHARS:
        raise ValueError(f"a pattern may be {MAX_PATTERN_CHARS} characters long; this one has {len(pattern)}")
    try:
        compiled = _compiled(pattern)
    except re2.error as error:
        raise ValueError(f"not an RE2 regular expression: {_said(error)}") from None
    except UnicodeEncodeError:
        raise ValueError("a pattern may hold no lone surrogates") from None
    if compiled.programsize > MAX_PROGRAM:
        raise ValueError("the pattern is too large: fewer or smaller repetitions, please")
    if groups is not None and compiled.groups != groups:
        raise ValueError(f"the pattern needs exactly {groups} group in parentheses; it has {compiled.groups}")


def found(pattern: str, text: str) -> bool:
    """Whether a checked `pattern` matches anywhere in `text`. Raises SearchTooCostly, UnicodeEncodeError."""
    return _affordable(pattern, text).search(text) is not None


def found_in_any_guise(pattern: str, text: str) -> bool:
    """As `found`, also in the text as it looks to a reader (`folding.revealed`), as written and in small letters: a
    rule that brings people in must not be dodged by how the letters are encoded. Raises as `found`."""
    guises = [text] if text.isascii() else [text, revealed(text), latin(unstyled(text))]
    return any(found(pattern, guise) for guise in dict.fromkeys(guises))


def captures(pattern: str, text: str) -> Iterator[str]:
    """What the one group of `pattern` held, match by match; a match without the group gives nothing.

    Raises SearchTooCostly, also after MAX_CAPTURES matches: the rest would go unseen.
    """
    for count, match in enumerate(_affordable(pattern, text).finditer(text)):
        if count >= MAX_CAPTURES:
            raise SearchTooCostly(f"the pattern matches more than {MAX_CAPTURES} times")
        held = match.group(1)
        if held is not None:
            yield held


def _affordable(pattern: str, text: str) -> Any:
    compiled = _compiled(pattern)
    if compiled.programsize * len(text.encode()) > MAX_COST:
        raise SearchTooCostly("the text is too long for a pattern of this size")
    return compiled


@lru_cache(maxsize=512)
def _compiled(pattern: str) -> Any:
    options = re2.Options()
    # Else RE2 writes what it thinks of a pattern to standard error.
    options.log_errors = False
    return re2.compile(pattern, options)


def _said(error: Exception) -> str:
    detail = error.args[0] if error.args else ""
    return detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
