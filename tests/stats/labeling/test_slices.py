"""Agreement per criterion and slice."""

from dataclasses import asdict
from typing import Any

import pytest

from labeling.stats.slices import Label, Scale, agreement_by_slice
from tests.stats.fixtures import assert_matches, load_cases


@pytest.mark.parametrize("case", load_cases("agreement_slices"))
def test_fixture_agreement_slices(case: dict[str, Any]) -> None:
    rows = case["inputs"]["labels"]
    labels = [
        Label(row["item"], row["slice"], row["criterion"], row["rater"], row["label"])
        for row in rows
        if row["label"] is not None
    ]
    # The fixture does not list the scale: it is every label that occurs, on whichever criterion.
    values = sorted({label.value for label in labels}, key=str)
    scales = {label.criterion: Scale(values) for label in labels}
    actual = {
        f"{criterion}|{part}": asdict(result)
        for (criterion, part), result in agreement_by_slice(labels, scales).items()
    }
    assert_matches(actual, case["expected"], case["tolerance"])


def test_it_keeps_criteria_and_slices_apart() -> None:
    noise = [Label(f"n{i}", "other", "tone", rater, i % 2) for i in range(9) for rater in "ab"]
    agreeing = [Label(f"i{i}", "en", "accuracy", rater, i % 2) for i in range(6) for rater in "ab"]
    scales = {"accuracy": Scale([0, 1]), "tone": Scale([0, 1])}
    alone = agreement_by_slice(agreeing, scales)
    mixed = agreement_by_slice(agreeing + noise, scales)
    assert set(alone) == {("accuracy", "en"), ("accuracy", "*")}
    assert set(mixed) == set(alone) | {("tone", "other"), ("tone", "*")}
    assert mixed["accuracy", "*"] == alone["accuracy", "*"]


def test_it_uses_the_level_of_the_scale() -> None:
    labels = [
        Label(f"i{i}", "en", "quality", rater, value)
        for i, pair in enumerate([(1, 2), (2, 1), (5, 4), (4, 5), (1, 1), (5, 5)])
        for rater, value in zip("ab", pair, strict=True)
    ]
    nominal = agreement_by_slice(labels, {"quality": Scale([1, 2, 3, 4, 5])})["quality", "*"].alpha
    ordinal = agreement_by_slice(labels, {"quality": Scale([1, 2, 3, 4, 5], "ordinal")})["quality", "*"].alpha
    assert nominal is not None
    assert ordinal is not None
    assert nominal < 0.5 < ordinal


def test_it_leaves_everything_undefined_where_nobody_shares_an_item() -> None:
    labels = [Label("i1", "en", "tone", "ann", 1), Label("i2", "en", "tone", "bob", 0)]
    result = agreement_by_slice(labels, {"tone": Scale([0, 1])})["tone", "en"]
    assert asdict(result) == {
        "alpha": None,
        "reason": "no_pairable_units",
        "percent_agreement": None,
        "ac1": None,
        "unanimous_share": None,
        "items": 2,
        "pairable_items": 0,
    }
