"""Cohen's and Fleiss' kappa."""

from typing import Any

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from statsmodels.stats.inter_rater import fleiss_kappa as statsmodels_fleiss

from labeling.stats.kappa import Weighting, cohen_kappa, fleiss_kappa, mean_pair_kappa, pair_kappas
from tests.stats.fixtures import assert_matches, load_cases

WEIGHTINGS: tuple[Weighting, ...] = ("unweighted", "linear", "quadratic")


@pytest.mark.parametrize("case", load_cases("cohen_kappa"))
def test_fixture_cohen_kappa(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    actual: dict[str, Any] = {}
    for weighting in WEIGHTINGS:
        result = cohen_kappa(inputs["rater_1"], inputs["rater_2"], inputs["categories"], weighting)
        actual[weighting] = {"kappa": result.kappa, "se": result.se, "ci95": result.interval}
        actual["percent_agreement"] = result.percent_agreement
    assert_matches(actual, case["expected"], case["tolerance"])


@pytest.mark.parametrize("case", load_cases("fleiss_kappa"))
def test_fixture_fleiss_kappa(case: dict[str, Any]) -> None:
    result = fleiss_kappa(case["inputs"]["counts"])
    actual = {"kappa": result.kappa, "percent_agreement": result.percent_agreement}
    assert_matches(actual, case["expected"], case["tolerance"])


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_it_agrees_with_scikit_learn_on_a_scale_with_unused_values(weighting: Weighting) -> None:
    rng = np.random.default_rng(1)
    first = rng.choice([1, 2, 6], size=80).tolist()
    second = [value if rng.random() < 0.6 else int(rng.choice([1, 2, 5, 6])) for value in first]
    categories = [1, 2, 3, 4, 5, 6]
    theirs = cohen_kappa_score(
        first, second, labels=categories, weights=None if weighting == "unweighted" else weighting
    )
    assert cohen_kappa(first, second, categories, weighting).kappa == pytest.approx(theirs, abs=1e-12)


def test_it_agrees_with_statsmodels_on_fleiss() -> None:
    counts = np.random.default_rng(2).multinomial(4, [0.6, 0.3, 0.1], size=50)
    assert fleiss_kappa(counts).kappa == pytest.approx(statsmodels_fleiss(counts), abs=1e-12)


def test_it_widens_the_interval_with_the_confidence() -> None:
    first, second = [0, 1, 1, 0, 1, 0, 0, 1], [0, 1, 0, 0, 1, 1, 0, 1]
    narrow = cohen_kappa(first, second, [0, 1], confidence=0.8).interval
    wide = cohen_kappa(first, second, [0, 1], confidence=0.99).interval
    assert narrow is not None
    assert wide is not None
    assert wide.low < narrow.low < narrow.high < wide.high


def test_it_is_undefined_without_items() -> None:
    result = cohen_kappa([], [], [0, 1])
    assert (result.kappa, result.interval, result.percent_agreement) == (None, None, None)
    assert (result.items, result.reason) == (0, "no_items")


def test_it_is_zero_and_not_undefined_when_only_one_rater_never_varies() -> None:
    result = cohen_kappa([1, 1, 1], [1, 0, 1], [0, 1])
    assert (result.kappa, result.reason) == (0.0, None)


def test_it_refuses_values_off_the_scale_and_unequal_lengths() -> None:
    with pytest.raises(ValueError, match="not a category"):
        cohen_kappa([0, 2], [0, 1], [0, 1])
    with pytest.raises(ValueError, match="against 1"):
        cohen_kappa([0, 1], [0], [0, 1])


@pytest.mark.parametrize(
    ("counts", "reason"),
    [
        ([], "no_pairable_units"),
        ([[1, 0], [0, 1]], "no_pairable_units"),  # one rating per unit
        ([[2, 0], [2, 1]], "unequal_raters"),
        ([[3, 0], [3, 0]], "no_variation"),
    ],
)
def test_it_says_why_fleiss_kappa_is_undefined(counts: list[list[int]], reason: str) -> None:
    result = fleiss_kappa(counts)
    assert (result.kappa, result.reason) == (None, reason)


def test_it_compares_only_raters_who_share_enough_items() -> None:
    ratings = {
        "ann": {item: item % 2 for item in range(12)},
        "bob": {item: item % 2 for item in range(2, 14)},
        "cyd": dict.fromkeys(range(5), 1),
    }
    pairs = pair_kappas(ratings, [0, 1])
    assert [(pair.first, pair.second, pair.result.items) for pair in pairs] == [("ann", "bob", 10)]
    assert len(pair_kappas(ratings, [0, 1], minimum_shared=3)) == 3


def test_it_averages_the_pairs_whose_kappa_is_defined() -> None:
    ratings = {
        "ann": dict.fromkeys(range(10), 1),
        "bob": dict.fromkeys(range(10), 1),
        "cyd": {item: item % 2 for item in range(10)},
    }
    pairs = pair_kappas(ratings, [0, 1])
    assert [pair.result.kappa for pair in pairs] == [None, 0.0, 0.0]
    assert mean_pair_kappa(pairs) == 0.0
    assert mean_pair_kappa(pairs[:1]) is None
