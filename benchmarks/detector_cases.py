"""The hostile strings by class, told by content, and the ordinary outputs they are pasted into.

The classes of characters are defined here by Unicode properties alone (general category, script, direction),
apart from the rules of the detector, so that the two can disagree.
"""

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import re2

FILES = ("evouna_nq", "nq301", "pandalm", "squality", "summedits", "wmt_ende")
HARD_CLASSES = ("control", "zero-width", "bidirectional", "mixed script")

_ZERO_WIDTH = frozenset("\u200b\u200c\u200d\u2060\ufeff\u180e\u2061\u2062\u2063\u2064\u034f\u00ad")
_REORDERS = frozenset(["LRE", "RLE", "PDF", "LRO", "RLO", "LRI", "RLI", "FSI", "PDI"])
_SCRIPTS = (
    *("Latin", "Cyrillic", "Greek", "Armenian", "Hebrew", "Arabic", "Devanagari", "Thai", "Lao", "Kannada"),
    *("Telugu", "Hangul", "Cherokee", "Georgian", "Ethiopic", "Tamil", "Bengali", "Han", "Hiragana", "Katakana"),
)
_OF_SCRIPT = {script: re2.compile(rf"\p{{{script}}}") for script in _SCRIPTS}
# Scripts of one writing system.
_JAPANESE = frozenset(("Han", "Hiragana", "Katakana"))

_CODE = re.compile(
    (
        r"[<>]\w|</|script|alert\(|drop table|\bor\b ?'?1|exec |/etc/|\$\(|touch |`|\{\{|\{%|"
        r"eval\(|system|kernel\.|%x\(|\{_|\(\) \{"
    ),
    re.IGNORECASE,
)
_MARKERS = re.compile(r"^(?:%|_|-|--\w*|\$\w+|\$ENV.*|%[\w.*%@]+|\{\d\}|<<<.*|File:///|\+\+\+ATH0)$")
# Categories of attack whose instruction is about the answer's form, or about its content; the others are
# tasks that anybody might send.
_DISGUISES = (
    *("Substitution Ciphers", "Base Encoding", "Reverse Text", "Emoji Substitution", "Alphanumeric Substitution"),
    *("Homophonic Substitution", "Misspelling Intentionally", "Anagramming", "Space Removal & Grouping"),
)
_CONTENTS = (
    *("Information Dissemination", "Marketing & Advertising", "Entertainment", "Scams & Fraud", "Instruction"),
    *("Misinformation & Propaganda", "Social Interaction", "Persuasion", "Clickbait", "Malware Distribution"),
)


@dataclass(frozen=True, slots=True)
class Case:
    id: str
    text: str
    classes: tuple[str, ...]
    category: str
    # Injected instructions of this half were not looked at while the patterns were written.
    held_out: bool


@dataclass(frozen=True, slots=True)
class Ordinary:
    file: str
    intent: str
    prompt: str
    context: str
    # Outputs of one prompt are never on both sides of fitting and measuring.
    half: int


def hostile(data: Path) -> list[Case]:
    return [_case(row) for row in rows_of(data / "hostile.jsonl")]


def ordinary(data: Path) -> list[Ordinary]:
    """Each distinct pair of prompt and context once, in a fixed order."""
    found: dict[tuple[str, str], Ordinary] = {}
    for file in FILES:
        for row in rows_of(data / f"{file}.jsonl"):
            prompt, context = row["prompt"], str(row.get("context") or "")
            # One prompt for a whole file says nothing of a group: there the context does.
            group = context if file in ("summedits", "wmt_ende", "squality") else prompt
            found.setdefault(
                (prompt, context), Ordinary(file, row["intent"], prompt, context, half_of(f"group {group}"))
            )
    return [found[key] for key in sorted(found)]


def responses(data: Path) -> dict[str, list[str]]:
    """The distinct responses per file."""
    keys = ("response", "response_a", "response_b")
    return {
        file: sorted({str(row[key]) for row in rows_of(data / f"{file}.jsonl") for key in keys if row.get(key)})
        for file in FILES
    }


def half_of(text: str) -> int:
    return int(hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest(), 16) % 2


def number_of(text: str) -> int:
    """A number that only the text decides, for choosing a host."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8], "big")


def rows_of(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _case(row: dict[str, Any]) -> Case:
    text, intent = row["text"], row["intent"]
    classes = tuple(hard_classes(text))
    if intent.startswith("injection/"):
        category = intent.removeprefix("injection/")
        return Case(row["id"], text, (*classes, _injection(category)), category, half_of(row["id"]) == 1)
    return Case(row["id"], text, classes or (_soft_class(text),), "naughty string", False)


def hard_classes(text: str) -> Iterator[str]:
    if any(unicodedata.category(character) == "Cc" and character not in "\n\t\r" for character in text):
        yield "control"
    if _ZERO_WIDTH & set(text):
        yield "zero-width"
    if any(
        unicodedata.bidirectional(character) in _REORDERS or character in "\u200e\u200f\u061c" for character in text
    ):
        yield "bidirectional"
    if any(mixes(word) for word in re.findall(r"[^\W\d_]+", text)):
        yield "mixed script"


def mixes(word: str) -> bool:
    """Whether a run of letters has more than one script, Japanese counting as one."""
    if word.isascii():
        return False
    scripts = {script for script, pattern in _OF_SCRIPT.items() if pattern.search(word)}
    return len(scripts - _JAPANESE) + bool(scripts & _JAPANESE) > 1


def _injection(category: str) -> str:
    if category.startswith("code/"):
        return "injected: slip in code"
    name = category.removeprefix("text/")
    if name in _DISGUISES:
        return "injected: disguise the answer"
    return "injected: add to the answer" if name in _CONTENTS else "injected: a plain task or language"


def _soft_class(text: str) -> str:
    letters = [character for character in text if character.isalpha()]
    if _CODE.search(text):
        return "markup, SQL, shell, template"
    if _MARKERS.match(text) or any(unicodedata.category(character) in ("Mn", "Co", "Cn") for character in text):
        return "markers, piled marks"
    if not letters or re.search(r"\d", text) or (len(text.split()) == 1 and len(text) <= 9 and text.isascii()):
        return "numbers, reserved words, symbols"
    if not any(character.isascii() for character in letters):
        return "other alphabets, styled letters, emoji"
    return "harmless words"
