"""A JSON document, or a value that was one, as a tree that folds."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.html import escape
from django.utils.translation import ngettext

from labeling.rendering.characters import storable

MAX_JSON = 40_000
MAX_NODES = 2_000
MAX_DEPTH = 40
# Lists of few short values stand on one line.
LINE = 80
# Below these a document is shown unfolded.
SMALL_NODES = 60
OPEN_DEPTH = 2


class Literal(str):
    """A number as it was written: 1.50 is not 1.5 to a reviewer."""

    __slots__ = ()


class Members(list[tuple[str, Any]]):
    """An object's members as they were written, double keys and all."""


class TooLarge(Exception):
    """More nodes or levels than anybody would unfold."""


def parsed_json(text: str) -> Any:
    """The document, when the text is one object or list and no longer than `MAX_JSON`; else None."""
    stripped = text.strip()
    if not 2 <= len(stripped) <= MAX_JSON or stripped[0] + stripped[-1] not in ("{}", "[]"):
        return None
    try:
        return json.loads(
            stripped, object_pairs_hook=Members, parse_float=Literal, parse_int=Literal, parse_constant=Literal
        )
    except (ValueError, RecursionError):
        return None


def json_html(value: Any) -> str | None:
    """The tree; None when it is too large or too deep to be of use as one."""
    try:
        nodes = _count(value, 0, 0)
        return f'<div class="json" dir="ltr">{"".join(_shown(value, 0, small=nodes <= SMALL_NODES))}</div>'
    except TooLarge:
        return None


def _count(value: Any, depth: int, nodes: int) -> int:
    nodes += 1
    if nodes > MAX_NODES or depth > MAX_DEPTH:
        raise TooLarge
    for _key, inner in _members(value) or ():
        nodes = _count(inner, depth + 1, nodes)
    return nodes


def _members(value: Any) -> Sequence[tuple[str | None, Any]] | None:
    """(key, value) pairs of an object, (None, value) of a list; None for what has no parts."""
    if isinstance(value, Members):
        return value
    if isinstance(value, dict):
        return [(str(key), inner) for key, inner in value.items()]
    if isinstance(value, list | tuple):
        return [(None, inner) for inner in value]
    return None


def _shown(value: Any, depth: int, *, small: bool, key: str = "", end: str = "") -> Iterator[str]:
    """One value with its key before and its comma behind."""
    members = _members(value)
    if members is None:
        yield f"{key}{_scalar(value)}{end}"
        return
    is_list = isinstance(value, list | tuple) and not isinstance(value, Members)
    opening, closing = "[]" if is_list else "{}"
    if not members:
        yield f"{key}{opening}{closing}{end}"
        return
    if is_list and (line := _line(members)):
        yield f"{key}[{line}]{end}"
        return
    count = ngettext("%(count)d entry", "%(count)d entries", len(members)) % {"count": len(members)}
    is_open = " open" if small or depth < OPEN_DEPTH else ""
    yield f'<details{is_open}><summary data-count="{escape(count)}">{key}{opening}</summary><ul>'
    for index, (name, inner) in enumerate(members, 1):
        yield "<li>"
        label = "" if name is None else f'<span class="name">{_quoted(name)}</span>: '
        yield from _shown(inner, depth + 1, small=small, key=label, end="," if index < len(members) else "")
        yield "</li>"
    yield f"</ul>{closing}{end}</details>"


def _line(members: Sequence[tuple[str | None, Any]]) -> str:
    """All values of a short list of short values; "" for others."""
    if len(members) > LINE or any(_members(inner) is not None for _key, inner in members):
        return ""
    if sum(len(str(inner)) + 2 for _key, inner in members) > LINE:
        return ""
    return ", ".join(_scalar(inner) for _key, inner in members)


def _scalar(value: Any) -> str:
    if isinstance(value, str) and not isinstance(value, Literal):
        return f'<span class="string" dir="auto">{_quoted(value)}</span>'
    if isinstance(value, Literal):
        return f'<span class="value">{escape(value)}</span>'
    return f'<span class="value">{escape(json.dumps(value, default=str))}</span>'


def _quoted(text: str) -> str:
    """The text in quotes and with JSON's escapes, but with its line ends as line ends."""
    lines = (json.dumps(storable(line), ensure_ascii=False)[1:-1] for line in text.split("\n"))
    return escape('"' + "\n".join(lines) + '"')
