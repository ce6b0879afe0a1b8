"""Bootstrap intervals for alpha."""

from typing import Any

import krippendorff
import numpy as np
import pytest

from labeling.stats.bootstrap import bootstrap_alpha, replicate_alphas
from labeling.stats.disagreement import Level
from labeling.stats.units import UnitRatings
from tests.stats.fixtures import assert_matches, load_cases
from tests.stats.labeling.test_alpha import some_ratings


@pytest.mark.parametrize("case", load_cases("krippendorff_bootstrap"))
def test_fixture_krippendorff_bootstrap(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    level = inputs["level"]
    ratings = UnitRatings.from_reliability_data(inputs["reliability_data"], inputs["value_domain"])
    if "unit_weights" in inputs:
        once = np.ones((1, ratings.units))
        actual: dict[str, Any] = {
            "alpha": replicate_alphas(ratings, level, once)[0],
            "replicate_alphas": replicate_alphas(ratings, level, inputs["unit_weights"]),
        }
    else:
        result = bootstrap_alpha(
            ratings,
            level,
            rng=np.random.default_rng(20),
            resamples=inputs["resamples"],
            confidence=inputs["confidence"],
            method="percentile",
        )
        actual = {"alpha": result.estimate.alpha, "ci_low": result.low, "ci_high": result.high}
    assert_matches(actual, case["expected"], case["tolerance"])


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval", "ratio"])
def test_it_weighs_units_as_if_they_had_been_repeated(level: Level) -> None:
    domain = [1, 2, 3, 4, 5]
    ratings = some_ratings(domain, units=40)
    weights = np.random.default_rng(5).multinomial(ratings.units, np.full(40, 1 / 40), size=8)
    replicates = replicate_alphas(ratings, level, weights)
    for row, replicate in zip(weights, replicates, strict=True):
        repeated = krippendorff.alpha(
            value_counts=np.repeat(ratings.counts(), row, axis=0),
            value_domain=domain,
            level_of_measurement=level,
        )
        assert replicate == pytest.approx(repeated, abs=1e-10)


def test_it_leaves_a_replicate_without_variation_undefined_at_every_level() -> None:
    ratings = UnitRatings.from_lists([[7.1, 7.1], [3.3, 7.1], [3.3, 3.3], [7.1]], [3.3, 7.1])
    weights = [[4, 0, 0, 0], [0, 0, 2, 2], [0, 0, 0, 4], [1, 1, 1, 1]]
    levels: tuple[Level, ...] = ("nominal", "ordinal", "interval", "ratio")
    for level in levels:
        assert [alpha is None for alpha in replicate_alphas(ratings, level, weights)] == [True] * 3 + [False]


def test_it_never_lets_an_unpairable_unit_count() -> None:
    ratings = UnitRatings.from_lists([[0, 1], [1, 1], [0], []], [0, 1])
    plain, weighted = replicate_alphas(ratings, "nominal", [[1, 1, 0, 0], [1, 1, 50, 9]])
    assert plain is not None
    assert plain == weighted


def test_it_wants_one_weight_per_unit() -> None:
    with pytest.raises(ValueError, match="× 60 units"):
        replicate_alphas(some_ratings([0, 1]), "nominal", [[1, 2, 3]])


def test_it_repeats_itself_with_the_same_seed_only() -> None:
    ratings = some_ratings([1, 2, 3], units=150)
    first, again, other = (bootstrap_alpha(ratings, "nominal", rng=np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert first == again
    assert (first.low, first.high) != (other.low, other.high)


def test_it_draws_the_same_kind_of_interval_whether_units_look_alike_or_not() -> None:
    # Counts of few values fold into few patterns, numbers with many decimals into none: two ways to draw.
    rng = np.random.default_rng(8)
    alike = [[int(value) for value in row] for row in rng.integers(0, 2, size=(400, 2))]
    unlike = [[value + 1e-9 * rng.random() for value in row] for row in alike]
    folded = bootstrap_alpha(UnitRatings.from_lists(alike), "interval", rng=np.random.default_rng(0))
    unfolded = bootstrap_alpha(UnitRatings.from_lists(unlike), "interval", rng=np.random.default_rng(0))
    assert folded.low is not None
    assert folded.high is not None
    assert unfolded.low == pytest.approx(folded.low, abs=0.02)
    assert unfolded.high == pytest.approx(folded.high, abs=0.02)
    assert folded.low < folded.high


def test_it_corrects_the_interval_below_a_hundred_units_unless_told_otherwise() -> None:
    small, large = some_ratings([0, 1, 2], units=50), some_ratings([0, 1, 2], units=500)
    automatic = bootstrap_alpha(small, "nominal", rng=np.random.default_rng(0))
    plain = bootstrap_alpha(small, "nominal", rng=np.random.default_rng(0), method="percentile")
    assert automatic.method == "bca"
    assert plain.method == "percentile"
    assert automatic.low != plain.low
    assert bootstrap_alpha(large, "nominal", rng=np.random.default_rng(0)).method == "percentile"


def test_it_agrees_with_an_independent_bca_interval() -> None:
    from scipy.stats import bootstrap

    ratings = some_ratings([0, 1, 2], units=40, seed=11)
    ours = bootstrap_alpha(ratings, "nominal", rng=np.random.default_rng(0), resamples=20_000, method="bca")

    def statistic(index: Any) -> float:
        weights = np.bincount(index.astype(int), minlength=ratings.units)[None, :]
        alpha = replicate_alphas(ratings, "nominal", weights)[0]
        assert alpha is not None
        return alpha

    pairable = np.flatnonzero(ratings.sizes() >= 2)
    theirs = bootstrap(
        (pairable,), statistic, vectorized=False, n_resamples=4000, method="BCa", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.02)
    assert ours.high == pytest.approx(theirs.high, abs=0.02)


def test_it_says_insufficient_variation_when_hardly_anybody_differs() -> None:
    rows = [[1, 1]] * 100 + [[1, 0]] * 9
    few = bootstrap_alpha(UnitRatings.from_lists(rows, [0, 1]), "nominal", rng=np.random.default_rng(0))
    assert (few.minority_ratings, few.caution) == (9, "insufficient_variation")
    enough = bootstrap_alpha(UnitRatings.from_lists([*rows, [1, 0]], [0, 1]), "nominal", rng=np.random.default_rng(0))
    assert (enough.minority_ratings, enough.caution) == (10, None)


def test_it_leaves_resamples_without_variation_out_and_counts_them() -> None:
    rows = [[1, 1]] * 5 + [[0, 0]]
    result = bootstrap_alpha(UnitRatings.from_lists(rows, [0, 1]), "nominal", rng=np.random.default_rng(0))
    # Five in six to the sixth: about a third of the draws miss the one unit that differs.
    assert 250 < result.undefined_resamples < 420
    assert result.low == result.high == 1.0
    # All resamples agree with the estimate, so there is nothing for BCa to correct by.
    assert result.method == "percentile"


@pytest.mark.parametrize(("rows", "reason"), [([[1], [0]], "no_pairable_units"), ([[1, 1], [1, 1]], "no_variation")])
def test_it_has_no_interval_where_alpha_is_undefined(rows: list[list[int]], reason: str) -> None:
    result = bootstrap_alpha(UnitRatings.from_lists(rows, [0, 1]), "nominal", rng=np.random.default_rng(0))
    assert (result.low, result.high, result.method, result.reason) == (None, None, None, reason)
