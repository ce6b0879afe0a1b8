"""The correction, word by word."""

import time

import pytest

from labeling.rendering.differences import word_diff
from tests.rendering.markup import read, text_of


def changed(original: str, corrected: str) -> tuple[list[str], list[str]]:
    """What was taken out and what was put in."""
    html = word_diff(original, corrected)
    assert read(html).faults == []
    assert text_of(html, without="ins") == original
    assert text_of(html, without="del") == corrected
    return _inside(html, "del"), _inside(html, "ins")


def _inside(html: str, tag: str) -> list[str]:
    return [text_of(piece.split(f"</{tag}>")[0]) for piece in html.split(f"<{tag}>")[1:]]


@pytest.mark.parametrize(
    ("original", "corrected", "deleted", "inserted"),
    [
        ("The total is 81 euros.", "The total is 82 euros.", ["81"], ["82"]),
        ("the same", "the same", [], []),
        ("", "new", [], ["new"]),
        ("gone", "", ["gone"], []),
        ("naïve café", "naive café", ["naïve"], ["naive"]),
        ("今天天气很好", "今天天氣很好", ["气"], ["氣"]),
        ("ภาษาไทย", "ภาษาลาว", ["ไทย"], ["ลาว"]),
        ("قال المدير نعم", "قال المدير لا", ["نعم"], ["لا"]),
        ("one\ntwo", "one\n\ntwo", [], ["\n"]),
        ("a<b>c", "a<i>c", ["b"], ["i"]),
    ],
)
def test_it_marks_whole_words_or_characters_where_there_are_none(
    original: str, corrected: str, deleted: list[str], inserted: list[str]
) -> None:
    assert changed(original, corrected) == (deleted, inserted)


def test_a_change_that_nobody_would_see_can_be_seen() -> None:
    assert changed("pay pal", "pay\u200b pal") == ([], ["\u200b"])
    assert 'data-sign="ZWSP"' in word_diff("pay pal", "pay\u200b pal")
    assert "line-end" in word_diff("a b", "a\nb")


def test_markup_in_it_stays_text() -> None:
    hostile = "</del><script>x()</script><img src=x onerror=x()>"

    assert "<script" not in word_diff(hostile, "fine")
    assert "<img" not in word_diff("fine", hostile)


@pytest.mark.parametrize(
    ("original", "corrected"),
    [
        (
            "".join(chr(0x4E00 + number * 7 % 20_000) for number in range(29_000)),
            "".join(chr(0x4E00 + number * 11 % 20_000) for number in range(29_000)),
        ),
        ("word " * 40_000, "ward " * 40_000),
        ("\n".join(str(number) for number in range(30_000)), "\n".join(str(number * 3) for number in range(30_000))),
        ("x" * 200_000, "x" * 199_999 + "y"),
    ],
    ids=["strange", "all", "lines", "one"],
)
def test_its_time_is_bounded(original: str, corrected: str) -> None:
    started = time.process_time()
    changed(original, corrected)

    assert time.process_time() - started < 6
