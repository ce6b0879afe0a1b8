"""Does a reviewer copy somebody?"""

from collections.abc import Hashable

import numpy as np
import pytest

from labeling.stats.copying import copying
from labeling.stats.units import Value


def team(items: int = 150, seed: int = 1) -> dict[Hashable, dict[Hashable, Value]]:
    """Four raters who are independently right in four of five cases, and one who repeats `bob`."""
    rng = np.random.default_rng(seed)
    ratings: dict[Hashable, dict[Hashable, Value]] = {name: {} for name in ("ann", "bob", "cyd", "dan")}
    for item in range(items):
        truth = int(rng.random() < 0.3)
        for values in ratings.values():
            values[item] = truth if rng.random() < 0.8 else 1 - truth
    ratings["copier"] = dict(ratings["bob"])
    return ratings


def test_it_points_at_the_copied_peer_and_at_nobody_else() -> None:
    results = copying(team())
    suspicious = {(result.reviewer, result.peer) for result in results if result.p_one_sided < 0.05 / 20}
    assert len(results) == 20
    assert suspicious == {("copier", "bob"), ("bob", "copier")}
    found = next(result for result in results if result.reviewer == "copier" and result.peer == "bob")
    assert found.agreement_with_peer == 1.0
    assert found.agreement_with_others < 0.8


def test_it_learns_nothing_from_items_on_which_all_agree() -> None:
    ratings: dict[Hashable, dict[Hashable, Value]] = {
        name: dict.fromkeys(range(30), "pass") for name in ("ann", "bob", "cyd")
    }
    for result in copying(ratings):
        assert (result.items, result.telling_items, result.p_one_sided) == (30, 0, 1.0)


def test_it_needs_a_third_rater_and_enough_items() -> None:
    two = {name: values for name, values in team().items() if name in ("ann", "bob")}
    assert copying(two) == ()
    assert copying(team(items=9)) == ()
    assert copying({}) == ()


def test_it_gives_the_chance_of_so_many_agreements_were_the_peer_anybody() -> None:
    # Three items, and on each the peer agrees while the one other does not: ½ · ½ · ½.
    ratings: dict[Hashable, dict[Hashable, Value]] = {
        "ann": {1: "a", 2: "a", 3: "a"},
        "bob": {1: "a", 2: "a", 3: "a"},
        "cyd": {1: "b", 2: "b", 3: "b"},
    }
    found = {(result.reviewer, result.peer): result for result in copying(ratings, minimum_items=3)}
    assert found["ann", "bob"].p_one_sided == pytest.approx(0.125)
    assert found["ann", "cyd"].p_one_sided == pytest.approx(1.0)
