"""The raw view: every character kept, those that nobody sees made visible."""

import pytest

from labeling.rendering.characters import MAX_SIGNS, marked
from labeling.rendering.texts import rendered
from tests.rendering.markup import text_of


@pytest.mark.parametrize(
    ("text", "signs"),
    [
        ("access\u202edetsurt\u202c", ["RLO", "PDF"]),
        ("zero\u200bwidth\u200b\u200b", ["ZWSP", "ZWSP ×2"]),
        ("\ufeffstart", ["BOM"]),
        ("a\u00a0b\u2009c", ["NBSP", "2009"]),
        ("one\r\ntwo\rthree\n", ["CR"]),
        ("\x00\x01\x1b[0m", ["NUL", "0001", "ESC"]),
        ("tag \U000e0041", ["E0041"]),
        ("filler \u3164 and \u2800", ["3164", "2800"]),
        ("می\u200cخواهم", ["ZWNJ"]),
        ("\ud800", ["D800"]),
    ],
)
def test_unseen_characters_get_a_sign(text: str, signs: list[str]) -> None:
    html = marked(text).html

    assert [piece.split('"')[0] for piece in html.split('data-sign="')[1:]] == signs
    assert text_of(html) == text.replace("\x00", "\ufffd").replace("\ud800", "\ufffd")


@pytest.mark.parametrize("text", ["❤️ ✅ 1️⃣", "👨‍👩‍👦 👩🏽‍🚀 🦹🏿‍♂️", "tab\there\n\n", "قال: ١٢٣؟", "e\u0301", "a\r\nb"])
def test_what_can_be_seen_gets_none(text: str) -> None:
    assert marked(text).signs == 0
    assert text_of(marked(text).html) == text


def test_the_full_name_stands_in_the_title() -> None:
    assert 'title="U+202E RIGHT-TO-LEFT OVERRIDE"' in marked("\u202e").html


def test_odd_spaces_are_shown_but_not_counted_as_hidden() -> None:
    assert (marked("a\u00a0b\u3000").signs, marked("a\u00a0b\u3000").hidden) == (2, 0)
    assert marked("\u200b\u200b\u2066").hidden == 3


def test_a_text_of_nothing_else_does_not_blow_up_the_page() -> None:
    text = "\u200b\u200c" * 100_000

    assert marked(text).signs == MAX_SIGNS
    assert len(marked(text).html) < len(text) + MAX_SIGNS * 120
    assert text_of(marked(text).html) == text


def test_markup_is_escaped_in_it() -> None:
    text = "</div><script>x()</script>'\"&amp;\u202e<b>"

    assert text_of(rendered(text).raw) == text
    assert "<script" not in rendered(text).raw
