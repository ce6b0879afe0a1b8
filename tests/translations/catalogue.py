"""The German catalogue, read without GNU gettext's tools, which need not be installed."""

import ast
import gettext
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PO = ROOT / "reviewapp" / "locale" / "de" / "LC_MESSAGES" / "django.po"
MO = PO.with_suffix(".mo")
PLACEHOLDER = re.compile(r"%\((\w+)\)([sdf])|%(%)")
_LINE = re.compile(r'^(msgctxt|msgid_plural|msgid|msgstr(?:\[\d+\])?) (".*")$')


@dataclass
class Entry:
    """One message: who it is for (`context`), its English, and its German, of which plurals have two."""

    context: str = ""
    english: str = ""
    plural: str = ""
    german: dict[int, str] = field(default_factory=dict)
    flags: set[str] = field(default_factory=set)

    @property
    def key(self) -> tuple[str, str, str]:
        return self.context, self.english, self.plural


def entries(po: Path = PO) -> list[Entry]:
    """Every message but the header. Lines of messages that are no longer used count as comments."""
    blocks = re.split(r"\n\s*\n", po.read_text(encoding="utf-8"))
    found = [_entry(block) for block in blocks if re.search(r"^msgid ", block, re.MULTILINE)]
    return [entry for entry in found if entry.english]


def _entry(block: str) -> Entry:
    entry = Entry()
    for keyword, text in _fields(block):
        if keyword == "msgctxt":
            entry.context = text
        elif keyword == "msgid":
            entry.english = text
        elif keyword == "msgid_plural":
            entry.plural = text
        else:
            entry.german[int(keyword[7:-1] or 0) if "[" in keyword else 0] = text
    flags = re.findall(r"^#, (.*)$", block, re.MULTILINE)
    entry.flags = {flag.strip() for line in flags for flag in line.split(",")}
    return entry


def _fields(block: str) -> Iterator[tuple[str, str]]:
    keyword, parts = "", list[str]()
    for line in block.splitlines():
        if match := _LINE.match(line):
            if keyword:
                yield keyword, "".join(parts)
            keyword, parts = match[1], [_text(match[2])]
        elif line.startswith('"'):
            parts.append(_text(line))
    if keyword:
        yield keyword, "".join(parts)


def _text(quoted: str) -> str:
    text: str = ast.literal_eval(quoted)
    return text


def compiled(mo: Path = MO) -> dict[tuple[str, str], list[str]]:
    """What Django reads: German by context and English; plurals have two texts."""
    with mo.open("rb") as file:
        raw: dict[object, str] = gettext.GNUTranslations(file)._catalog  # type: ignore[attr-defined]
    found: dict[tuple[str, str], list[str]] = {}
    for key, text in sorted(raw.items(), key=str):
        name = key[0] if isinstance(key, tuple) else key
        context, _, english = str(name).rpartition("\x04")
        if english:
            found.setdefault((context, english), []).append(text)
    return found


def placeholders(text: str) -> set[str]:
    """The names that values are put in by, with how they are written; a doubled per cent sign is one of them."""
    return {match[0] for match in PLACEHOLDER.finditer(text)}
