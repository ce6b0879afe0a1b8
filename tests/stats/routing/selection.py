"""Some fixture cases expect only a part of what a function gives."""

from collections.abc import Mapping
from typing import Any


def like(actual: Mapping[str, Any], expected: Mapping[str, Any]) -> dict[str, Any]:
    """`actual` cut down to the keys of `expected`, at every depth; KeyError for a key nobody computed."""
    return {
        key: like(actual[key], value)
        if isinstance(value, Mapping) and isinstance(actual[key], Mapping)
        else actual[key]
        for key, value in expected.items()
    }
