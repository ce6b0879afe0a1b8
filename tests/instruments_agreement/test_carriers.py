"""What carries the disagreement, by hand; and texts that belong together."""

import numpy as np
import pytest

from labeling.stats.carriers import carriers, confusion, distances, spread
from labeling.stats.similar import similar_groups
from labeling.stats.units import UnitRatings


def test_it_counts_pairs_of_levels_once_in_either_half() -> None:
    units = UnitRatings.from_lists([["a", "b"], ["a", "a"], ["b", "a", "a"], ["c"]], ["a", "b", "c"])
    found = confusion(units, "nominal")
    # ab; aa; ba ba aa.
    assert found.pairs.tolist() == [[2, 3, 0], [3, 0, 0], [0, 0, 0]]
    # Per unit, its pairs share as many as there are raters: 2/2 of the first, 2·2/2 of the third over both halves.
    assert found.disagreement[0, 1] == pytest.approx(1 / 1 + 2 / 2)
    assert found.total == pytest.approx(2.0)


def test_far_levels_of_an_order_carry_more_than_near_ones() -> None:
    units = UnitRatings.from_lists([[1, 2], [1, 3], [2, 2], [3, 3]], [1, 2, 3])
    found = confusion(units, "ordinal")
    assert found.disagreement[0, 2] == pytest.approx(1.0)
    assert 0 < found.disagreement[0, 1] < 0.5
    assert distances(units, "ordinal")[0, 2] == 1.0


def test_shares_add_up_over_all_scales() -> None:
    one = confusion(UnitRatings.from_lists([["x", "y"]] * 3, ["x", "y"]), "nominal")
    other = confusion(UnitRatings.from_lists([[1, 4]], [1, 2, 3, 4]), "ordinal")
    shares, pairs = carriers({"one": one, "other": other})
    assert shares == pytest.approx({"one": 0.75, "other": 0.25})
    assert [(pair.name, pair.first, pair.second) for pair in pairs] == [("one", 0, 1), ("other", 0, 3)]
    assert sum(pair.share for pair in pairs) == pytest.approx(1.0)
    assert carriers({"none": confusion(UnitRatings.from_lists([[1, 1]], [1, 2]), "nominal")}) == ({}, [])


def test_a_unit_is_as_far_apart_as_its_pairs_are_on_average() -> None:
    units = UnitRatings.from_lists([[0, 1], [1, 0]], [0, 1])
    delta = 1.0 - np.eye(2)
    mean, levels = spread([0, 0, 1], units, delta)
    assert mean == pytest.approx(2 / 3)
    assert levels == (0, 1)
    assert spread([1, 1], units, delta) == (0.0, None)
    assert spread([1], units, delta) == (0.0, None)


def test_alike_texts_are_grouped_and_others_stand_alone() -> None:
    texts = [
        "May I return the blue kettle after five weeks?",
        "How do I update my billing address?",
        "Can I return a blue kettle after six weeks?",
        "",
    ]
    assert similar_groups(texts) == [[0, 2], [1], [3]]


@pytest.mark.parametrize("texts", [[], ["one"], ["", " "], ["a", "b"]])
def test_texts_without_anything_to_compare_stand_alone(texts: list[str]) -> None:
    assert similar_groups(texts) == [[place] for place in range(len(texts))]
