"""Which case is planted: of the model's kind, then intent, then length, and at random among those."""

import numpy as np
import pytest
from scipy.stats import chisquare, ks_2samp

from labeling.stats.matching import Shape, length_mismatch, matching_order, octaves, share_mismatch

MODEL = Shape("pointwise", "billing", 400)


def shown(*cases: Shape, draws: list[float] | None = None) -> list[int]:
    return matching_order(MODEL, cases, draws or [place / 10 for place in range(len(cases))])


def test_it_takes_the_same_kind_before_the_same_intent_and_that_before_the_length() -> None:
    right, other_length = Shape("pointwise", "billing", 410), Shape("pointwise", "billing", 4000)
    other_intent, other_kind = Shape("pointwise", "refunds", 400), Shape("pairwise", "billing", 400)
    assert shown(other_kind, other_intent, other_length, right)[0] == 3
    assert shown(other_kind, other_intent, other_length)[0] == 2
    assert shown(other_kind, other_intent)[0] == 1
    assert shown(other_kind) == [0]
    assert shown() == []


def test_it_draws_among_cases_of_similar_length_and_only_those() -> None:
    lengths = (300, 400, 560, 700, 100)
    cases = [Shape("pointwise", "billing", length) for length in lengths]
    rng = np.random.default_rng(1)
    first = [matching_order(MODEL, cases, list(rng.random(5)))[0] for _draw in range(3000)]
    counts = np.bincount(first, minlength=5)
    assert list(counts[3:]) == [0, 0]
    assert chisquare(counts[:3]).pvalue > 0.001


def test_without_similar_length_it_takes_one_of_the_three_nearest() -> None:
    cases = [Shape("pointwise", "billing", length) for length in (4000, 5000, 6000, 9000)]
    rng = np.random.default_rng(2)
    assert {matching_order(MODEL, cases, list(rng.random(4)))[0] for _draw in range(200)} == {0, 1, 2}


def test_without_a_case_of_the_intent_the_nearest_of_any_intent_stands_in() -> None:
    cases = [Shape("pointwise", f"intent-{length}", length) for length in (20, 410, 9000)]
    assert shown(*cases)[0] == 1


def test_every_case_stands_in_for_the_first_in_turn() -> None:
    cases = [Shape("pointwise", "billing", 100 * place) for place in range(1, 9)]
    assert sorted(shown(*cases)) == list(range(8))


def test_it_refuses_too_few_draws() -> None:
    with pytest.raises(ValueError, match="1 cases but 0 draws"):
        matching_order(MODEL, [MODEL], [])


def test_lengths_are_apart_by_their_ratio() -> None:
    assert octaves(199, 399) == octaves(399, 199) == 1.0
    assert octaves(0, 0) == 0.0


def test_mixes_are_apart_by_what_would_have_to_move() -> None:
    assert share_mismatch({"a": 3, "b": 1}, {"a": 30, "b": 10}) == 0.0
    assert share_mismatch({"a": 1}, {"b": 7}) == 1.0
    assert share_mismatch({"a": 1, "b": 1}, {"a": 3, "b": 1}) == 0.25
    assert share_mismatch({}, {"a": 1}) is None


def test_lengths_of_two_mixes_are_compared_as_kolmogorov_and_smirnov_do() -> None:
    rng = np.random.default_rng(3)
    one, other = rng.integers(1, 50, 200), rng.integers(10, 80, 90)
    assert length_mismatch(list(one), list(other)) == pytest.approx(ks_2samp(one, other).statistic)
    assert length_mismatch([], [1]) is None
