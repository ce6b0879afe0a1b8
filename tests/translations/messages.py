"""Every message that the code asks the catalogue for, found without GNU gettext's tools."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from django.utils.translation.template import templatize

from tests.translations.catalogue import ROOT

PACKAGES = ("labeling", "reviewapp", "routing")
# Name of the function: which of its arguments are the context, the message and its plural.
PLAIN, PLURAL, CONTEXT, CONTEXT_PLURAL = (None, 0, None), (None, 0, 1), (0, 1, None), (0, 1, 2)
FUNCTIONS = {
    "gettext": PLAIN,
    "gettext_lazy": PLAIN,
    "gettext_noop": PLAIN,
    "ngettext": PLURAL,
    "ngettext_lazy": PLURAL,
    "pgettext": CONTEXT,
    "pgettext_lazy": CONTEXT,
    "npgettext": CONTEXT_PLURAL,
    "npgettext_lazy": CONTEXT_PLURAL,
}
Message = tuple[str, str, str]
_TEXT = (
    r"""u?(?:'''(?:[^'\\]|\\.|'(?!''))*'''|\"\"\"(?:[^"\\]|\\.|"(?!""))*\"\"\"|'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
)
_CALL = re.compile(rf"\b(_|n?p?gettext)\(\s*({_TEXT})(?:\s*,\s*({_TEXT}))?(?:\s*,\s*({_TEXT}))?", re.DOTALL)


def asked_for() -> dict[Message, str]:
    """Messages as (context, English, plural), each with one file that asks for it."""
    found: dict[Message, str] = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            if path.suffix == ".py":
                found |= dict.fromkeys(in_python(path.read_text(encoding="utf-8")), name)
            elif "templates" in path.parts and path.suffix in (".html", ".txt"):
                found |= dict.fromkeys(in_template(path), name)
    return found


def in_python(source: str) -> Iterator[Message]:
    """Calls of Django's functions, under whatever name they were imported."""
    tree = ast.parse(source)
    names = dict(FUNCTIONS)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module == "django.utils.translation":
            names |= {
                alias.asname: FUNCTIONS[alias.name] for alias in node.names if alias.asname and alias.name in FUNCTIONS
            }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            texts = [argument.value if isinstance(argument, ast.Constant) else None for argument in node.args]
            if called in names and texts and isinstance(texts[0], str):
                yield _message(texts, names[called])


def in_template(path: Path) -> Iterator[Message]:
    """What Django itself makes of the template for GNU gettext."""
    for match in _CALL.finditer(templatize(path.read_text(encoding="utf-8"))):
        texts: list[object] = [ast.literal_eval(text) for text in match.groups()[1:] if text]
        yield _message(texts, FUNCTIONS.get(match[1], PLAIN))


def _message(texts: list[object], places: tuple[int | None, int, int | None]) -> Message:
    context, english, plural = (
        str(texts[place]) if place is not None and place < len(texts) and texts[place] is not None else ""
        for place in places
    )
    return context, english, plural
