"""Masking of source names in what reviewers read, and its way back."""

import pytest

from labeling.masking import MASK, apply_masks, find_masks, restored, texts_in


def masks_of(value: object, names: list[str]) -> list[list[object]]:
    return [mask.as_list() for mask in find_masks(texts_in(value), names)]


@pytest.mark.parametrize(
    ("text", "names", "shown"),
    [
        ("As GPT-4, I cannot say.", ["gpt-4"], "As [model], I cannot say."),
        # Separators and case vary in the wild.
        ("gpt 4, GPT4 and Gpt_4", ["gpt-4"], "[model], [model] and [model]"),
        # A longer word that merely begins alike is another word.
        ("gpt-45 is not it", ["gpt-4"], "gpt-45 is not it"),
        # A bare small number is part of the answer, not a version.
        ("You have 30 days.", ["30"], "You have 30 days."),
        ("Build 20260101 said so.", ["20260101"], "Build [model] said so."),
        ("nothing to hide", [], "nothing to hide"),
        ("(a+b) costs more", ["(a+b)"], "(a+b) costs more"),
    ],
)
def test_it_masks_names_and_nothing_else(text: str, names: list[str], shown: str) -> None:
    assert apply_masks(text, masks_of(text, names)) == shown


def test_it_masks_inside_nested_values_and_restores_from_what_was_stored() -> None:
    value = {"prompt": [{"role": "user", "content": "Are you Hearth?"}], "response": "I am Hearth, not hearth 2."}
    masks = masks_of(value, ["Hearth"])
    shown = apply_masks(value, masks)
    assert shown["prompt"][0]["content"] == f"Are you {MASK}?"
    assert shown["response"] == f"I am {MASK}, not {MASK} 2."
    assert [mask[3] for mask in masks] == ["Hearth", "Hearth", "hearth"]


@pytest.mark.parametrize(
    ("correction", "expected"),
    [
        (f"I, {MASK}, made by {MASK}.", "I, Hearth, made by Cobble."),
        # One mask was dropped: nobody can say which name the other stands for.
        (f"I am {MASK}.", f"I am {MASK}."),
        ("I am a program.", "I am a program."),
    ],
)
def test_a_correction_gets_its_names_back_only_where_that_is_unambiguous(correction: str, expected: str) -> None:
    masks = masks_of({"response": "Hearth by Cobble"}, ["Hearth", "Cobble"])
    assert restored(correction, masks, "/response") == expected


def test_one_name_is_restored_however_often_it_was_kept() -> None:
    masks = masks_of({"response": "Hearth here. Hearth again."}, ["Hearth"])
    assert restored(f"{MASK} speaking.", masks, "/response") == "Hearth speaking."
