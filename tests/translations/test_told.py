"""Reasons that are stored in English are known by their shape: the shapes are those that the code writes."""

import ast
import re

import pytest
from django.utils import translation

from routing.services.told import SENTENCES, told
from tests.translations.catalogue import ROOT

PLACE = re.compile(r"%\(\w+\)s")


def _written() -> set[str]:
    """Every text in the code that may write such a reason, with \\0 where a value goes."""
    found = set()
    for folder in ("labeling/services", "routing/policy", "routing/services", "routing/views"):
        for path in (ROOT / folder).rglob("*.py"):
            if path.name != "told.py":
                for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                    found.add(_shape(node))
    return found


def _shape(node: ast.AST) -> str:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return PLACE.sub("\0", node.value)
    if isinstance(node, ast.JoinedStr):
        return "".join(str(part.value) if isinstance(part, ast.Constant) else "\0" for part in node.values)
    return ""


def test_every_known_sentence_is_one_that_the_code_writes() -> None:
    """Whoever rewords a reason rewords it here too, or it is read in English."""
    written = _written()
    assert [sentence for sentence in SENTENCES if PLACE.sub("\0", sentence) not in written] == []


@pytest.mark.parametrize(
    ("stored", "german"),
    [
        ("needs 99 ordinary outputs, has 0", "braucht 99 gewöhnliche Ausgaben, hat 0"),
        ("rule refunds, which could not be decided", "Regel refunds, die sich nicht entscheiden ließ"),
        ("rule refunds", "Regel refunds"),
        (
            "Error rate of shipped low outputs: not estimable (nothing shipped).",
            "Fehlerquote der ausgelieferten Ausgaben der Tragweite gering: nicht schätzbar (nichts ausgeliefert).",
        ),
        (
            "Error rate of shipped outputs ≤ 1.25% at 95% confidence.",
            "Fehlerquote der ausgelieferten Ausgaben ≤ 1,25% bei 95% Konfidenz.",
        ),
        (
            "for intent refund, made stricter: low stakes are reviewed below 0.700, and higher stakes never ship "
            "more easily",
            "für das Anliegen refund, strenger gemacht: Tragweite gering wird unter 0,700 geprüft, und höhere "
            "Tragweite wird nie leichter ausgeliefert",
        ),
        ("Something that nobody knows.", "Something that nobody knows."),
    ],
)
def test_stored_reasons_are_told_in_the_readers_language(stored: str, german: str) -> None:
    with translation.override("de"):
        assert told(stored) == german
    assert told(stored) == stored
