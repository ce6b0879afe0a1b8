"""Masking of source names inside what a reviewer reads. Pure, and reversible from what it returns."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

MASK = "[model]"
MIN_CHARACTERS = 3
# A bare number as short as this is far likelier to be part of the answer than a version.
MIN_DIGITS = 6
# What may stand between the parts of a name; hyphens come in many lengths.
SEPARATORS = r"[\s\-\u2010-\u2015\u2212_.:/]{0,3}"
# Below this field, the keys of objects are the source's words too.
FREE_FORM = "content"
# In a path "~" is only ever followed by 0 or 1.
KEY = "~key"


@dataclass(frozen=True, slots=True)
class Mask:
    """One masked stretch: where it stood in the original text, and what stood there."""

    path: str
    start: int
    end: int
    original: str

    def as_list(self) -> list[Any]:
        return [self.path, self.start, self.end, self.original]


def name_pattern(names: Iterable[str]) -> re.Pattern[str] | None:
    """One case-blind pattern for all names; separators inside a name may vary (GPT-4, gpt 4, GPT4)."""
    patterns = []
    for name in sorted({name.strip() for name in names}, key=len, reverse=True):
        # Letters and digits apart, so that gpt4o is also found as GPT-4o.
        parts = re.findall(r"[^\W\d_]+|\d+", name)
        letters = "".join(parts)
        if len(letters) < MIN_CHARACTERS or (letters.isdecimal() and len(letters) < MIN_DIGITS):
            continue
        patterns.append(SEPARATORS.join(re.escape(part) for part in parts))
    if not patterns:
        return None
    return re.compile(rf"(?<![^\W_])(?:{'|'.join(patterns)})(?![^\W_])", re.IGNORECASE)


def find_masks(texts: Iterable[tuple[str, str]], names: Sequence[str]) -> list[Mask]:
    """Every stretch to mask in (path, text) pairs."""
    pattern = name_pattern(names)
    if pattern is None:
        return []
    return [
        Mask(path, match.start(), match.end(), match.group())
        for path, text in texts
        for match in pattern.finditer(text)
    ]


def apply_masks(value: Any, masks: Sequence[Sequence[Any]], path: str = "", *, free: bool = False) -> Any:
    """A copy of a nested value with the stored masks applied to its texts, and to the keys that are texts too."""
    if isinstance(value, str):
        own = sorted((mask for mask in masks if mask[0] == path), key=lambda mask: mask[1], reverse=True)
        for _path, start, end, _original in own:
            value = value[:start] + MASK + value[end:]
        return value
    if isinstance(value, dict):
        copy: dict[str, Any] = {}
        for key, inner in value.items():
            at = f"{path}/{_token(key)}"
            shown = _unused(apply_masks(key, masks, at + KEY), copy) if free else key
            copy[shown] = apply_masks(inner, masks, at, free=free or key == FREE_FORM)
        return copy
    if isinstance(value, list):
        return [apply_masks(inner, masks, f"{path}/{index}", free=free) for index, inner in enumerate(value)]
    return value


def _token(key: str) -> str:
    """A key as one step of a path (RFC 6901): two different places never have the same path."""
    return key.replace("~", "~0").replace("/", "~1")


def _unused(key: str, taken: Mapping[str, Any]) -> str:
    """The key, numbered where two different names were masked to the same."""
    return next(name for number in count(1) if (name := key if number == 1 else f"{key} {number}") not in taken)


def texts_in(value: Any, path: str = "", *, free: bool = False) -> Iterator[tuple[str, str]]:
    """All texts of a nested value with their paths; keys that are texts too have paths that end in `KEY`."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            at = f"{path}/{_token(key)}"
            if free:
                yield at + KEY, key
            yield from texts_in(inner, at, free=free or key == FREE_FORM)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts_in(inner, f"{path}/{index}", free=free)


def restored(text: str, masks: Sequence[Sequence[Any]], path: str) -> str:
    """A person's correction of the masked text at `path`, with the names put back where that is unambiguous.

    It is when every name is the same, or when as many masks were kept as were shown; else the masks stay.
    """
    originals = [mask[3] for mask in sorted(masks, key=lambda mask: mask[1]) if mask[0] == path]
    parts = text.split(MASK)
    if len(set(originals)) == 1:
        return originals[0].join(parts)
    if len(parts) != len(originals) + 1:
        return text
    return parts[0] + "".join(name + part for name, part in zip(originals, parts[1:], strict=True))
