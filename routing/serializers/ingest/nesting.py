"""Values that were squeezed into attributes and cells: JSON in texts, lists in dotted names."""

import json
from collections.abc import Mapping
from typing import Any

from routing.serializers.ingest.spans import Unusable

MAX_DEPTH = 32
# An index of more digits than this belongs to no list that fits into a body.
MAX_INDEX_DIGITS = 6


def decoded(value: Any) -> Any:
    """What a text holds where it is the JSON of a list or an object; anything else as it is."""
    if not isinstance(value, str) or value.lstrip()[:1] not in ("[", "{"):
        return value
    try:
        return json.loads(value, parse_constant=_refuse)
    except (ValueError, RecursionError):
        return value


def plain(value: Any) -> str:
    """A value as text: a text as it is, anything else as JSON."""
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        raise Unusable("a value cannot be written as JSON") from None


def gathered(attributes: Mapping[str, Any], name: str) -> Any:
    """What attributes say below one name: as one JSON value, or spread over `name.0.role`, `name.0.content`, …"""
    below = {key[len(name) + 1 :]: value for key, value in attributes.items() if key.startswith(f"{name}.")}
    # Only what is below an index: `gen_ai.prompt.name`, say, is an attribute of its own.
    entries = {key: value for key, value in below.items() if _is_index(key.partition(".")[0])}
    return nested(entries or decoded(attributes.get(name)))


def nested(value: Any, depth: int = 0) -> Any:
    """Dotted keys taken apart, and objects whose keys are all indices made lists. Deeper than MAX_DEPTH: left alone."""
    if depth >= MAX_DEPTH:
        return value
    if isinstance(value, list):
        return [nested(entry, depth + 1) for entry in value]
    if not isinstance(value, dict):
        return value
    grown: dict[str, Any] = {}
    for key, inner in value.items():
        head, _dot, rest = key.partition(".")
        if not rest:
            if not isinstance(grown.get(head), dict):
                grown[head] = dict(inner) if isinstance(inner, dict) else inner
        elif isinstance(below := grown.setdefault(head, {}), dict):
            below[rest] = inner
    if grown and all(_is_index(key) for key in grown):
        return [nested(grown[key], depth + 1) for key in sorted(grown, key=int)]
    return {key: nested(inner, depth + 1) for key, inner in grown.items()}


def flattened(value: Mapping[str, Any], prefix: str = "", depth: int = 0) -> dict[str, Any]:
    """Objects within objects as dotted names; lists stay whole."""
    flat: dict[str, Any] = {}
    for key, inner in value.items():
        name = f"{prefix}{key}"
        if isinstance(inner, dict) and inner and depth < MAX_DEPTH:
            flat |= flattened(inner, f"{name}.", depth + 1)
        else:
            flat[name] = inner
    return flat


def _is_index(key: str) -> bool:
    return key.isascii() and key.isdecimal() and len(key) <= MAX_INDEX_DIGITS


def _refuse(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")
