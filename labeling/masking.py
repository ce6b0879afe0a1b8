"""Masking of source names inside what a reviewer reads. Pure, and reversible from what it returns."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

MASK = "[model]"
MIN_CHARACTERS = 3
# A bare number as short as this is far likelier to be part of the answer than a version.
MIN_DIGITS = 6


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
        parts = re.findall(r"[^\W_]+", name)
        letters = "".join(parts)
        if len(letters) < MIN_CHARACTERS or (letters.isdecimal() and len(letters) < MIN_DIGITS):
            continue
        patterns.append(r"[\s\-_.:/]{0,3}".join(re.escape(part) for part in parts))
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


def apply_masks(value: Any, masks: Sequence[Sequence[Any]], path: str = "") -> Any:
    """A copy of a nested value with the stored masks applied to its texts."""
    if isinstance(value, str):
        own = sorted((mask for mask in masks if mask[0] == path), key=lambda mask: mask[1], reverse=True)
        for _path, start, end, _original in own:
            value = value[:start] + MASK + value[end:]
        return value
    if isinstance(value, dict):
        return {key: apply_masks(inner, masks, f"{path}/{key}") for key, inner in value.items()}
    if isinstance(value, list):
        return [apply_masks(inner, masks, f"{path}/{index}") for index, inner in enumerate(value)]
    return value


def texts_in(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """All texts of a nested value with their paths."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from texts_in(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from texts_in(inner, f"{path}/{index}")


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
