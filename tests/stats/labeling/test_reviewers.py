"""What gold cases, repeats, pairs and clocks say about one reviewer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from labeling.stats.reviewers import (
    GoldProbe,
    Rate,
    acceptance_creep,
    fatigue_slope,
    gold_quality,
    repeat_consistency,
    side_preference,
    time_collapse,
)
from tests.stats.fixtures import assert_matches, load_cases


def rate_block(rate: Rate) -> dict[str, Any]:
    return {"k": rate.successes, "n": rate.trials, "rate": rate.rate, "wilson95": rate.interval}


def actual_gold(inputs: dict[str, Any]) -> dict[str, Any]:
    result = gold_quality([GoldProbe(**probe) for probe in inputs["probes"]])
    return {
        "accuracy": rate_block(result.accuracy),
        "sensitivity_on_planted_failures": rate_block(result.sensitivity),
        "specificity": rate_block(result.specificity),
        "agrees_with_wrong_judge_when_shown": rate_block(result.agrees_with_wrong_judge_when_shown),
        "agrees_with_wrong_judge_when_hidden": rate_block(result.agrees_with_wrong_judge_when_hidden),
        "automation_bias": {
            "difference": result.automation_bias.difference,
            "newcombe95": result.automation_bias.interval,
        },
    }


def actual_sides(inputs: dict[str, Any]) -> dict[str, Any]:
    results = [side_preference(first, second) for first, second in inputs["first_second_counts"]]
    return {
        "results": [
            {
                "share_first": result.share_first,
                "p_two_sided": result.p_two_sided,
                "wilson95": result.interval,
            }
            for result in results
        ]
    }


def actual_creep(inputs: dict[str, Any]) -> dict[str, Any]:
    results = [
        acceptance_creep(
            table["baseline_approved"],
            table["baseline_total"],
            table["recent_approved"],
            table["recent_total"],
        )
        for table in inputs["tables"]
    ]
    return {"results": [{"p_one_sided": result.p_one_sided, "difference": result.difference} for result in results]}


def actual_fatigue(inputs: dict[str, Any]) -> dict[str, Any]:
    result = fatigue_slope(inputs["position_tens"], inputs["correct"])
    return {
        "intercept": result.intercept,
        "slope": result.slope,
        "slope_se": result.slope_se,
        "z": result.z,
    }


def actual_repeats(inputs: dict[str, Any]) -> dict[str, Any]:
    categories = sorted(set(inputs["first"]) | set(inputs["second"]), key=str)
    result = repeat_consistency(inputs["first"], inputs["second"], categories)
    return {"agreement": result.agreement, "kappa": result.kappa, "wilson95": result.interval}


ACTUAL: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "probes": actual_gold,
    "first_second_counts": actual_sides,
    "tables": actual_creep,
    "position_tens": actual_fatigue,
    "first": actual_repeats,
}


@pytest.mark.parametrize("case", load_cases("reviewer_quality"))
def test_fixture_reviewer_quality(case: dict[str, Any]) -> None:
    (kind,) = [key for key in ACTUAL if key in case["inputs"]]
    assert_matches(ACTUAL[kind](case["inputs"]), case["expected"], case["tolerance"])


def test_it_leaves_rates_undefined_where_nothing_was_planted() -> None:
    result = gold_quality([GoldProbe("pass", "pass"), GoldProbe("pass", "fail")])
    assert result.accuracy.rate == 0.5
    assert (result.sensitivity.rate, result.sensitivity.interval) == (None, None)
    assert (result.sensitivity.successes, result.sensitivity.trials) == (0, 0)
    assert (result.automation_bias.difference, result.automation_bias.interval) == (None, None)


def test_it_does_not_count_probes_that_no_judge_saw_as_misled() -> None:
    probes = [GoldProbe("fail", "pass"), GoldProbe("fail", "pass", "pass", judge_shown=True)]
    result = gold_quality(probes)
    assert result.agrees_with_wrong_judge_when_shown.trials == 1
    assert result.agrees_with_wrong_judge_when_hidden.trials == 0


def test_it_sees_no_side_preference_without_choices() -> None:
    result = side_preference(0, 0)
    assert (result.share_first, result.p_two_sided, result.interval, result.choices) == (None, None, None, 0)


def test_it_agrees_with_scipy_on_the_exact_tests() -> None:
    assert side_preference(70, 44).p_two_sided == pytest.approx(stats.binomtest(70, 114).pvalue, abs=1e-12)
    table = [[4300, 200], [40_100, 4_000]]
    theirs = stats.fisher_exact(table, alternative="greater").pvalue
    ours = acceptance_creep(40_100, 44_100, 4_300, 4_500).p_one_sided
    assert ours == pytest.approx(theirs, rel=1e-6)


@pytest.mark.parametrize(
    ("counts", "p_value"),
    [
        ((0, 5, 0, 5), 1.0),
        ((5, 5, 5, 5), 1.0),  # everything accepted in both periods
        ((0, 1, 1, 1), 0.5),
    ],
)
def test_it_handles_acceptance_at_the_ends(counts: tuple[int, int, int, int], p_value: float) -> None:
    assert acceptance_creep(*counts).p_one_sided == pytest.approx(p_value, abs=1e-12)


def test_it_sees_no_creep_in_an_empty_period() -> None:
    assert acceptance_creep(3, 10, 0, 0).p_one_sided is None
    assert acceptance_creep(0, 0, 3, 10).difference is None


@pytest.mark.parametrize(
    ("positions", "correct", "reason"),
    [
        ([], [], "no_variation"),
        ([1, 2, 3], [1, 1, 1], "no_variation"),
        ([2, 2, 2], [1, 0, 1], "no_variation"),
        ([1, 2, 3, 4], [1, 1, 0, 0], "separated"),
        ([1, 2, 3, 4], [0, 0, 1, 1], "separated"),
        ([1, 2, 2, 4], [1, 1, 0, 0], "separated"),  # touching is not overlapping
    ],
)
def test_it_has_no_fatigue_slope_where_none_is_finite(positions: list[int], correct: list[int], reason: str) -> None:
    result = fatigue_slope(positions, correct)
    assert (result.slope, result.z, result.reason, result.answers) == (None, None, reason, len(correct))


def test_it_finds_a_slope_of_the_sign_that_was_there() -> None:
    rng = np.random.default_rng(0)
    positions = np.tile(np.arange(50) / 10, 40)
    tiring = rng.random(2000) < 1 / (1 + np.exp(-(2.5 - 0.5 * positions)))
    result = fatigue_slope(positions.tolist(), tiring.tolist())
    assert result.slope == pytest.approx(-0.5, abs=0.15)
    assert result.z is not None
    assert result.z < -5


def test_it_has_no_consistency_without_repeats_and_no_kappa_without_variation() -> None:
    none = repeat_consistency([], [], ["pass", "fail"])
    assert (none.agreement, none.kappa, none.interval, none.repeats) == (None, None, None, 0)
    same = repeat_consistency(["pass"] * 4, ["pass"] * 4, ["pass", "fail"])
    assert (same.agreement, same.kappa) == (1.0, None)


def test_it_notices_reviews_that_have_become_quick() -> None:
    rng = np.random.default_rng(0)
    usual = rng.lognormal(np.log(45), 1.37, size=200)
    steady = time_collapse(rng.lognormal(np.log(45), 1.37, size=60).tolist(), usual.tolist())
    asleep = time_collapse(rng.lognormal(np.log(3), 0.3, size=60).tolist(), usual.tolist())
    assert steady.p_one_sided is not None
    assert asleep.p_one_sided is not None
    assert asleep.ratio is not None
    assert steady.p_one_sided > 0.05
    assert asleep.p_one_sided < 1e-6
    assert asleep.ratio < 0.2


def test_it_cannot_compare_times_without_a_baseline() -> None:
    assert time_collapse([3.0], []).p_one_sided is None
    assert time_collapse([], [3.0]).median_baseline is None
