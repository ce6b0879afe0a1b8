"""One text as a person reads it: what it is, its HTML, and the text itself untouched."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from labeling.rendering.characters import Marked, marked, storable
from labeling.rendering.citations import NO_CITATIONS, Citations, Linker
from labeling.rendering.json_tree import Members, json_html, parsed_json
from labeling.rendering.markdown import looks_like_markdown, markdown_html

PLAIN, MARKDOWN, JSON, CHAT = "plain", "markdown", "json", "chat"
TURN_KEYS = ["content", "role"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rendered:
    """A text in both of its forms.

    `html`: the readable form, "" where the text itself is that (`kind` "plain").
    `raw`: the text; its text content is the text, character for character.
    `signs`: unseen characters that the raw view shows, in runs; `hidden`: those that are not just odd spaces.
    `cited`: (anchor, passage number) of each link to a passage, in reading order.
    """

    kind: str
    html: SafeString
    raw: SafeString
    signs: int
    hidden: int
    cited: Sequence[tuple[str, int]] = ()

    @property
    def has_two_views(self) -> bool:
        return bool(self.html or self.signs)


def rendered(text: str, *, citations: Citations = NO_CITATIONS, top: int = 3, formatted: bool = True) -> Rendered:
    """The text in both forms. `top`: the level of its highest heading. Not `formatted`: plain, whatever it holds.

    Never raises: a text that something chokes on is plain.
    """
    linker = Linker(citations)
    kind, html = _readable(text, linker, top) if formatted else (PLAIN, "")
    if kind == PLAIN:
        # What a failed attempt linked is not on the page.
        linker = Linker(citations)
        return _both(PLAIN, "", _linked(text, linker), linker)
    return _both(kind, html, marked(text), linker)


def rendered_value(value: Any, *, formatted: bool = True) -> tuple[str, Rendered]:
    """A value from a tool call: its text, and that text as a tree."""
    try:
        text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    except (ValueError, RecursionError):
        # Deeper than anything that is taken in.
        text = "…"
    html = json_html(value) if formatted else None
    return text, _both(JSON if html else PLAIN, html or "", marked(text), Linker(NO_CITATIONS))


def _readable(text: str, linker: Linker, top: int) -> tuple[str, str]:
    try:
        document = parsed_json(text)
        if document is not None:
            return _document(document, linker, top)
        if looks_like_markdown(text):
            html = markdown_html(storable(text).replace("\x00", "\ufffd"), linker, top=top)
            return (MARKDOWN, html) if html else (PLAIN, "")
    except Exception:
        # The text is hostile and the parser is not ours; whatever it stumbles over can still be read as it is.
        logger.warning("A text is shown plain because it could not be rendered", exc_info=True)
    return PLAIN, ""


def _document(document: Any, linker: Linker, top: int) -> tuple[str, str]:
    turns = _turns(document)
    if turns:
        return CHAT, "".join(_turn(role, content, linker, top) for role, content in turns)
    html = json_html(document)
    return (JSON, html) if html else (PLAIN, "")


def _turns(document: Any) -> list[tuple[str, str]]:
    """(role, content) pairs, when the whole document is a conversation; else none."""
    if isinstance(document, Members) or not isinstance(document, list):
        return []
    turns = []
    for entry in document:
        if not isinstance(entry, Members) or sorted(key for key, _value in entry) != TURN_KEYS:
            return []
        turn = dict(entry)
        if type(turn["role"]) is not str or type(turn["content"]) is not str:
            return []
        turns.append((turn["role"], turn["content"]))
    return turns


def _turn(role: str, content: str, linker: Linker, top: int) -> str:
    html = None
    if looks_like_markdown(content):
        html = markdown_html(storable(content).replace("\x00", "\ufffd"), linker, top=top)
    if html is None:
        html = f'<div class="text" dir="auto">{linker.html(content, _escaped)}</div>'
    return f'<div class="turn"><p class="role" dir="auto">{_escaped(role)}</p>{html}</div>'


def _linked(text: str, linker: Linker) -> Marked:
    """The text with its citations linked. Its text content is still the text."""
    parts: list[Marked] = []

    def show(piece: str) -> str:
        parts.append(marked(piece))
        return parts[-1].html

    html = linker.html(text, show)
    return Marked(html, sum(part.signs for part in parts), sum(part.hidden for part in parts))


def _both(kind: str, html: str, raw: Marked, linker: Linker) -> Rendered:
    return Rendered(
        kind=kind,
        html=mark_safe(html),
        raw=mark_safe(raw.html),
        signs=raw.signs,
        hidden=raw.hidden,
        cited=tuple(linker.cited),
    )


def _escaped(text: str) -> str:
    return escape(storable(text))
