"""Pages in a language that nobody speaks: translated texts stand in ⟦brackets⟧, and what does not was forgotten."""

import json
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from django.apps import apps
from django.utils import translation

from tests.translations.template_text import CODE, READ_ATTRIBUTES, foreign_words

# A word, one with digits in it, or anything else that is not a space.
_PARTS = re.compile(r"[^\W_]+(?:[’'-][^\W_]+)*|[^\s]")
VOID = {"br", "hr", "img", "input", "link", "meta", "wbr"}
# Words of JSON, of formats and of addresses, in the middle of what is data.
TECHNICAL = {"JSON", "UTC", "false", "https", "null", "true"}


def speak_in_brackets(patch: pytest.MonkeyPatch) -> None:
    """Every text that is asked of a catalogue, Django's own included, comes back in brackets."""

    def plain(message: str) -> str:
        # An empty message is the catalogue's header.
        return f"⟦{message}⟧" if message else message

    def plural(singular: str, several: str, number: int) -> str:
        return plain(singular if number == 1 else several)

    spoken: dict[str, Callable[..., str]] = {
        "gettext": plain,
        "ngettext": plural,
        "pgettext": lambda context, message: plain(message),
        "npgettext": lambda context, singular, several, number: plural(singular, several, number),
    }
    for name, function in spoken.items():
        patch.setattr(translation._trans, name, function, raising=False)


class Page(HTMLParser):
    """The texts of a page that people read or hear, but for code and for what stands in brackets.

    One pair of brackets may hold several elements: a sentence with a link in it is one text.
    """

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.texts: list[str] = []
        self._depth = 0
        self._silent: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name, value in given.items():
            self.texts += [outside(text, 0)[0] for text in _read(name, value)]
        # Time zones are named alike everywhere.
        if self._silent or tag in CODE or given.get("name") == "time_zone":
            self._silent += [tag] if tag not in VOID else []

    def handle_endtag(self, tag: str) -> None:
        if tag in self._silent:
            while self._silent.pop() != tag:
                pass

    def handle_data(self, data: str) -> None:
        text, self._depth = outside(data, self._depth)
        if not self._silent:
            self.texts.append(" ".join(text.split()))


def outside(text: str, depth: int) -> tuple[str, int]:
    """What of a text stands outside all brackets, `depth` of which are open before it; and how many are after it."""
    kept = ""
    for sign in text:
        depth += sign == "⟦"
        kept += sign if not depth else " " * (sign == "⟧")
        depth -= sign == "⟧"
    return kept, depth


def _read(name: str, value: str) -> list[str]:
    """What of an attribute is for people. Scripts take their sentences from `data-` attributes, some of them JSON."""
    if name in READ_ATTRIBUTES:
        return [value]
    if not name.startswith("data-"):
        return []
    if value[:1] in "{[":
        leaves = _texts(json.loads(value)) if value[:1] else iter(())
        return [leaf for leaf in leaves if " " in leaf.strip()]
    # One word alone is a name for the script.
    return [value] if " " in value.strip() else []


def untranslated(html: str, data: str) -> list[str]:
    """Texts of a page that are neither translated nor, phrase by phrase, in `data`."""
    return [text for text in Page(html).texts if any(phrase not in data for phrase in phrases(text))]


def phrases(text: str) -> list[str]:
    """Runs of words, between numbers, marks and what is the same in every language."""
    runs: list[list[str]] = [[]]
    for part in _PARTS.findall(text):
        if foreign_words(part) and part not in TECHNICAL and not any(sign.isdigit() for sign in part):
            runs[-1].append(part)
        else:
            runs.append([])
    return [" ".join(run) for run in runs if run]


def stored_texts() -> str:
    """Every text in the database, one per line."""
    found: set[str] = set()
    for model in apps.get_models():
        for row in model._default_manager.all().values():
            found.update(_texts(row))
    return "\n".join(found)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner)
    elif value is not None:
        yield str(value)
