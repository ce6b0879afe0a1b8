"""Citations lead to their passage, and nothing else becomes a link."""

import pytest

from labeling.rendering.citations import MAX_LINKS, citable
from labeling.rendering.texts import rendered
from tests.rendering.markup import read, text_of

IDS = ["s1", "policy/refunds", "S3", "s1", "12", "", "تقرير"]


def cited(text: str) -> list[int]:
    shown = rendered(text, citations=citable(IDS, "r1"))
    both = shown.html or shown.raw
    assert read(both).faults == []
    assert read(both).targets == [f"#passage-{number}" for _anchor, number in shown.cited]
    assert [anchor for anchor, _number in shown.cited] == [f"r1-{place}" for place in range(1, len(shown.cited) + 1)]
    if not shown.html:
        assert text_of(shown.raw) == text
    return [number for _anchor, number in shown.cited]


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("So it is [1].", [1]),
        ("So it is [s1][S3] [s3].", [1, 3, 3]),
        ("Both [1, 2; s3] say so.", [1, 2, 3]),
        ("Paid back (policy/refunds).", [2]),
        ("As in 【policy/refunds】 and 【2†L3-L9】.", [2, 2]),
        ("[Source 3] and [doc s1] and [^2]", [3, 1, 2]),
        ("The passage with its own number wins: [12]", [5]),
        ("في [تقرير] هذا", [7]),
        ("**Bold** [1] and `[2]` code", [1]),
        ("- first [1]\n- second (s1)\n\n| a | b |\n|---|---|\n| [2] | x |", [1, 1, 2]),
        # Not citations: brackets for other ends, places in a list, beyond the last passage.
        ("[8] [0] [-1] [999999999999999999999] [] [ ] [model] (1) (12) [x] ((s9))", []),
        ("array[1] is one too, for we cannot know", [1]),
    ],
)
def test_it_links_what_names_a_passage(text: str, numbers: list[int]) -> None:
    assert cited(text) == numbers


def test_without_passages_nothing_is_a_citation() -> None:
    assert rendered("As [1] and (s1) say.", citations=citable([], "r1")).cited == ()


def test_there_is_an_end_to_links() -> None:
    assert len(cited("[1]" * 5_000)) == MAX_LINKS


def test_names_full_of_markup_stay_words() -> None:
    shown = rendered("see [<img src=x>]", citations=citable(["<img src=x>"], "r1"))

    assert [number for _anchor, number in shown.cited] == [1]
    assert "<img" not in shown.raw
