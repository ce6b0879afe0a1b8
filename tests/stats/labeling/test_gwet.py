"""Gwet's AC1 and AC2."""

from typing import Any

import pytest

from labeling.stats.gwet import gwet
from labeling.stats.kappa import Weighting
from labeling.stats.units import UnitRatings
from tests.stats.fixtures import assert_matches, load_cases

WEIGHTING_NAMES: dict[str, Weighting] = {
    "identity": "unweighted",
    "linear": "linear",
    "quadratic": "quadratic",
}


@pytest.mark.parametrize("case", load_cases("gwet_ac"))
def test_fixture_gwet_ac(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    ratings = UnitRatings.from_reliability_data(inputs["reliability_data"], inputs["categories"])
    actual = {}
    for name, weighting in WEIGHTING_NAMES.items():
        result = gwet(ratings, weighting)
        actual[name] = {
            "ac": result.coefficient,
            "pa": result.observed,
            "pe": result.chance,
            "se": result.se,
        }
    assert_matches(actual, case["expected"], case["tolerance"])


def test_it_depends_on_the_whole_scale() -> None:
    rows = [[1, 1], [1, 2], [2, 2], [1, 1]]
    short = gwet(UnitRatings.from_lists(rows, [1, 2])).coefficient
    long = gwet(UnitRatings.from_lists(rows, [1, 2, 3, 4])).coefficient
    assert short is not None
    assert long is not None
    assert short < long


def test_it_has_no_standard_error_with_a_single_unit() -> None:
    result = gwet(UnitRatings.from_lists([[0, 1, 1]], [0, 1]))
    assert result.coefficient is not None
    assert (result.se, result.units) == (None, 1)


@pytest.mark.parametrize(
    ("rows", "domain", "reason"),
    [
        ([], [0, 1], "no_pairable_units"),
        ([[1], [0]], [0, 1], "no_pairable_units"),
        ([[1, 1]], [1], "single_category"),
    ],
)
def test_it_says_why_it_is_undefined(rows: list[list[int]], domain: list[int], reason: str) -> None:
    result = gwet(UnitRatings.from_lists(rows, domain))
    assert (result.coefficient, result.observed, result.chance, result.reason) == (None, None, None, reason)
