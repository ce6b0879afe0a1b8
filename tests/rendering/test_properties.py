"""What holds for every text there is."""

import string

from hypothesis import given, settings
from hypothesis import strategies as st

from labeling.rendering.citations import citable
from labeling.rendering.differences import word_diff
from labeling.rendering.texts import Rendered, rendered, rendered_value
from tests.rendering.markup import letters, read, text_of

# What Markdown, JSON, HTML and our own markup are made of.
PIECES = st.sampled_from(
    [
        "# ", "## ", "- ", "1. ", "7) ", "> ", "```", "~~~", "`", "**", "*", "_", "__", "~~", "|", "|-|-|\n", "---",
        "===", "[", "]", "(", ")", "](", "![", "[1]", "[a](b)", "(s1)", "【", "】", "†", "<", ">", "<b>", "</div>",
        "<!--", "-->", "<script>", "&amp;", "&#65;", "&", ";", "\\", "\n", "\n\n", "    ", "\t", "\r\n", "\r", " ",
        '"', "'", "{", "}", ":", ",", '{"a": 1}', "http://x.example/?a=1&b", "javascript:x", "[a]: b\n", "\u202e",
        "\u200b", "\x00", "\ufeff", "مرحبا", "שלום", "漢字", "ไทย", "👨\u200d👩\u200d👦", "word", "42", "[model]",
    ]
)  # fmt: skip
TEXTS = st.one_of(
    st.lists(st.one_of(PIECES, st.text(max_size=6)), max_size=60).map("".join),
    st.text(st.characters(), max_size=200),
    st.text(string.punctuation + " \n1a", max_size=200),
)
VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), TEXTS),
    lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(TEXTS, inner, max_size=5)),
    max_leaves=20,
)
IDS = ["s1", "a", "word", "مرحبا"]


def as_kept(text: str) -> str:
    """The text as a page can hold it."""
    return "".join("\ufffd" if c == "\x00" or "\ud800" <= c <= "\udfff" else c for c in text)


def check(shown: Rendered) -> None:
    (shown.html + shown.raw).encode()
    markup, raw = read(shown.html), read(shown.raw)
    assert markup.faults == []
    assert raw.faults == []
    assert {target[9:] for target in markup.targets + raw.targets} <= {"1", "2", "3", "4"}


@given(TEXTS)
@settings(max_examples=400, deadline=None)
def test_every_text_comes_out_whole_and_inert(text: str) -> None:
    shown = rendered(text, citations=citable(IDS, "r1"))

    check(shown)
    assert text_of(shown.raw) == as_kept(text)
    if shown.kind == "markdown":
        assert letters(text_of(shown.html)) == letters(as_kept(text))
    assert rendered(text, citations=citable(IDS, "r1")) == shown


@given(VALUES)
@settings(max_examples=150, deadline=None)
def test_every_value_comes_out_whole_and_inert(value: object) -> None:
    text, shown = rendered_value(value)

    check(shown)
    assert text_of(shown.raw) == as_kept(text)


@given(TEXTS, TEXTS)
@settings(max_examples=200, deadline=None)
def test_every_difference_holds_both_texts(original: str, corrected: str) -> None:
    html = word_diff(original, corrected)

    assert read(html).faults == []
    assert text_of(html, without="ins") == as_kept(original)
    assert text_of(html, without="del") == as_kept(corrected)
