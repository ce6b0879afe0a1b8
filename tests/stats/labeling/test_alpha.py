"""Krippendorff's alpha and its undefined cases."""

from typing import Any

import krippendorff
import numpy as np
import pytest

from labeling.stats import alpha as alpha_module
from labeling.stats.alpha import krippendorff_alpha
from labeling.stats.disagreement import Level
from labeling.stats.units import UnitRatings
from tests.stats.fixtures import assert_matches, load_cases


@pytest.mark.parametrize("case", load_cases("krippendorff_alpha"))
def test_fixture_krippendorff_alpha(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    ratings = UnitRatings.from_reliability_data(inputs["reliability_data"], inputs["value_domain"])
    result = krippendorff_alpha(ratings, inputs["level"])
    actual = {
        "alpha": result.alpha,
        "defined": result.defined,
        "reason": result.reason,
        "pairable_units": result.pairable_units,
        "pairable_values": result.pairable_values,
    }
    assert_matches(actual, case["expected"], case["tolerance"])


def some_ratings(domain: list[Any], units: int = 60, seed: int = 3) -> UnitRatings:
    """Between none and five ratings per unit, near a common truth."""
    rng = np.random.default_rng(seed)
    rows = []
    for _ in range(units):
        truth = rng.integers(len(domain))
        noisy = np.clip(truth + rng.integers(-1, 2, size=rng.integers(0, 6)), 0, len(domain) - 1)
        rows.append([domain[index] for index in noisy])
    return UnitRatings.from_lists(rows, domain)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_it_gives_the_same_alpha_with_and_without_the_package(level: Level, monkeypatch: pytest.MonkeyPatch) -> None:
    ratings = some_ratings([0, 1, 2, 5, 10, 50, 100])
    by_package = krippendorff_alpha(ratings, level)
    monkeypatch.setattr(alpha_module, "PACKAGE_CELLS", 0)
    monkeypatch.setattr(krippendorff, "alpha", None)
    by_sums = krippendorff_alpha(ratings, level)
    assert by_sums.alpha == pytest.approx(by_package.alpha, abs=1e-12)
    assert by_sums.pairable_values == by_package.pairable_values


def test_it_takes_a_scale_of_words_in_order() -> None:
    words = some_ratings(["poor", "fair", "good", "great"])
    numbers = some_ratings([1, 2, 3, 4])
    for level in ("nominal", "ordinal"):
        assert krippendorff_alpha(words, level) == krippendorff_alpha(numbers, level)
    with pytest.raises(ValueError, match="numeric"):
        krippendorff_alpha(words, "interval")


def test_it_does_not_depend_on_the_order_of_raters_or_on_unused_values() -> None:
    rows = [[1, 2, 2], [4, 4], [1, 1, 4], [2, 2], [1]]
    expected = krippendorff_alpha(UnitRatings.from_lists(rows, [1, 2, 3, 4, 5]), "ordinal")
    shuffled = UnitRatings.from_lists([row[::-1] for row in rows[::-1]], [1, 2, 4])
    assert krippendorff_alpha(shuffled, "ordinal").alpha == pytest.approx(expected.alpha, abs=1e-12)


def test_it_falls_when_one_more_rater_disagrees() -> None:
    values = []
    for disagreeing in range(5):
        rows = [[1, 1]] * 6 + [[0, 0]] * (6 - disagreeing) + [[0, 1]] * disagreeing
        values.append(krippendorff_alpha(UnitRatings.from_lists(rows, [0, 1]), "nominal").alpha)
    assert values == sorted(values, key=lambda alpha: -(alpha or 0.0))
    assert values[0] == 1.0
    assert len(set(values)) == 5


def test_it_is_undefined_without_any_unit() -> None:
    result = krippendorff_alpha(UnitRatings.from_lists([], [0, 1]), "nominal")
    assert (result.alpha, result.reason, result.pairable_values) == (None, "no_pairable_units", 0)


def test_it_is_undefined_when_only_unpairable_ratings_vary() -> None:
    result = krippendorff_alpha(UnitRatings.from_lists([[1, 1], [1, 1], [0]], [0, 1]), "nominal")
    assert (result.alpha, result.reason, result.pairable_units) == (None, "no_variation", 2)


def test_it_is_undefined_on_a_scale_of_one_value() -> None:
    result = krippendorff_alpha(UnitRatings.from_lists([[1, 1], [1, 1]], [1]), "ordinal")
    assert (result.alpha, result.reason) == (None, "no_variation")


def test_it_refuses_values_off_the_scale_and_scales_that_repeat() -> None:
    with pytest.raises(ValueError, match="not in the domain"):
        UnitRatings.from_lists([[1, 7]], [0, 1])
    with pytest.raises(ValueError, match="repeat"):
        UnitRatings.from_lists([[1, 1]], [1, 1.0])


def test_it_counts_the_same_however_the_ratings_come_in() -> None:
    rows: list[list[int | None]] = [[1, None, 1], [2, 1, None], [None, None, 2]]
    from_lists = UnitRatings.from_lists(rows, [1, 2])
    from_matrix = UnitRatings.from_reliability_data(list(zip(*rows, strict=True)), [1, 2])
    from_counts = UnitRatings.from_counts(from_lists.counts(), [1, 2])
    assert from_lists.counts().tolist() == [[2, 0], [1, 1], [0, 1]]
    assert from_matrix.counts().tolist() == from_lists.counts().tolist()
    assert from_counts.counts().tolist() == from_lists.counts().tolist()
