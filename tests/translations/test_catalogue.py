"""The German catalogue is whole, fits its English, and is compiled."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.services import gettext_tools
from tests.translations.catalogue import MO, PO, ROOT, Entry, compiled, entries, placeholders
from tests.translations.messages import asked_for, in_python

SCANNED = ("labeling", "reviewapp", "routing", "manage.py")


def test_every_message_of_the_code_is_in_the_catalogue_and_no_other() -> None:
    """Fails when somebody adds a text without translating it: `make translations`, then fill in the German."""
    wanted = {(context, english): name for (context, english, _), name in asked_for().items()}
    there = {(entry.context, entry.english) for entry in entries()}
    assert {key: wanted[key] for key in wanted.keys() - there} == {}
    assert there - wanted.keys() == set()


def test_every_message_has_a_german_text_that_nobody_guessed() -> None:
    untranslated = [entry.english for entry in entries() if not all(entry.german.values()) or "fuzzy" in entry.flags]
    halves = [entry.english for entry in entries() if len(entry.german) != (2 if entry.plural else 1)]
    assert (untranslated, halves) == ([], [])


def _misfits(entry: Entry) -> list[str]:
    wanted = placeholders(entry.plural or entry.english)
    return [german for german in entry.german.values() if placeholders(german) != wanted]


def test_every_german_text_has_the_places_for_values_of_the_english_one() -> None:
    assert {entry.english: misfits for entry in entries() if (misfits := _misfits(entry))} == {}


def test_german_texts_have_the_tags_and_ends_of_the_english_ones() -> None:
    """Links stay links, and what leads over to a value still does."""

    def tags(text: str) -> list[str]:
        return sorted(re.findall(r"</?[a-z][^>]*>", text))

    def end(text: str) -> str:
        return text[-1] if text[-1] in ":?…" else ""

    wrong = [
        (entry.english, german)
        for entry in entries()
        for german in entry.german.values()
        if tags(german) != tags(entry.english) or end(german) != end(entry.english)
    ]
    assert wrong == []


def test_what_django_reads_is_what_the_catalogue_says() -> None:
    wanted = {
        (entry.context, entry.english): [german for _, german in sorted(entry.german.items())] for entry in entries()
    }
    assert compiled() == wanted


def test_people_are_spoken_to_formally() -> None:
    """Sie, not du."""
    familiar = {"du", "dich", "dir", "dein", "deine", "deinen", "deinem", "deiner"}
    assert [text for entry in entries() for text in entry.german.values() if familiar & set(text.lower().split())] == []


def test_makemessages_finds_nothing_new(tmp_path: Path) -> None:
    gettext_tools.source()
    for name in SCANNED:
        source = ROOT / name
        (shutil.copytree if source.is_dir() else shutil.copy2)(source, tmp_path / name)
    command = ["makemessages", "--locale", "de", "--no-location", "--no-obsolete", "--no-wrap", "--verbosity", "0"]
    subprocess.run([sys.executable, "manage.py", *command], cwd=tmp_path, check=True, capture_output=True)
    again = entries(tmp_path / PO.relative_to(ROOT))
    assert {entry.key for entry in again} == {entry.key for entry in entries()}


def test_the_search_for_messages_knows_every_way_of_asking() -> None:
    source = """
from django.utils.translation import gettext as _, ngettext, pgettext_lazy
from django.utils.translation import gettext_lazy as later
_("one"); later("two"); ngettext("three", "threes", 3); pgettext_lazy("number", "four"); words.gettext("five")
label("six"); _(seven)
"""
    assert set(in_python(source)) == {
        ("", "one", ""),
        ("", "two", ""),
        ("", "three", "threes"),
        ("number", "four", ""),
        ("", "five", ""),
    }


def test_both_files_are_there() -> None:
    assert PO.is_file()
    assert MO.is_file()
