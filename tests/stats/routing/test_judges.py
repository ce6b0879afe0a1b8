"""Judges against people."""

from typing import Any

import numpy as np
import pytest

from routing.policy.judges import (
    judge_report,
    kappa_of,
    macro_f1,
    order_flips,
    self_consistency,
    weighted_table,
)
from tests.stats.fixtures import assert_matches, load_cases


@pytest.mark.parametrize("case", load_cases("judge_validation"))
def test_fixture_judge_validation(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    actual: dict[str, Any]
    if "runs" in inputs:
        runs = self_consistency(inputs["runs"])
        actual = {
            "mean_pairwise_agreement": runs.mean_pairwise_agreement,
            "mean_modal_share": runs.mean_modal_share,
            "unanimous_share": runs.unanimous_share,
            "alpha": runs.alpha,
        }
    elif "winner_ab_then_ba" in inputs:
        flips = order_flips([tuple(pair) for pair in inputs["winner_ab_then_ba"]])
        actual = {
            "flip_rate": flips.flip_rate,
            "flip_wilson95": flips.interval,
            "prefers_first": flips.prefers_first,
            "prefers_second": flips.prefers_second,
            "p_two_sided": flips.p_two_sided,
        }
    else:
        report = judge_report(inputs["human"], inputs["judge"], inputs["inclusion_probability"])
        actual = {
            "kappa": report.kappa,
            "kappa_se": report.kappa_se,
            "kappa_ci95": report.kappa_interval,
            "kappa_ipw": report.kappa_ipw,
            "ac1": report.ac1,
            "agreement": report.agreement,
            "sensitivity_on_fail_ipw": report.sensitivity_ipw,
            "specificity_ipw": report.specificity_ipw,
            "tier": report.tier,
        }
    assert_matches(actual, case["expected"], case["tolerance"])


def _pair(n: int, wrong: int) -> tuple[list[int], list[int]]:
    """Half failures; the judge gets `wrong` of each half wrong."""
    human = [0] * n + [1] * n
    judge = [1] * wrong + [0] * (n - wrong) + [0] * wrong + [1] * (n - wrong)
    return human, judge


def test_it_stays_provisional_until_the_lower_bound_clears_the_bar() -> None:
    rng = np.random.default_rng(1)
    few, many = judge_report(*_pair(10, 1), rng=rng), judge_report(*_pair(200, 20), rng=rng)
    assert few.tier == many.tier == "gate_candidate"
    assert few.kappa_ipw_interval is not None
    assert many.kappa_ipw_interval is not None
    assert few.kappa_ipw_interval.low < 0.60 < many.kappa_ipw_interval.low < 0.8 < many.kappa_ipw_interval.high
    assert (few.provisional, many.provisional) == (True, False)
    assert judge_report(*_pair(200, 20)).provisional


def test_it_weights_the_bootstrap_as_it_weights_the_estimate() -> None:
    # The judge is good where people rarely look: only weights of 1/π show it.
    human, judge = _pair(50, 20)
    clean_human, clean_judge = _pair(50, 2)
    rates = [1.0] * 100 + [0.05] * 100
    report = judge_report(human + clean_human, judge + clean_judge, rates, rng=np.random.default_rng(4))
    assert report.kappa is not None
    assert report.kappa_ipw is not None
    assert report.kappa_ipw_interval is not None
    assert report.kappa < 0.6 < report.kappa_ipw_interval.low < report.kappa_ipw < report.kappa_ipw_interval.high


def test_it_gives_the_same_interval_for_the_same_generator() -> None:
    first, second = (judge_report(*_pair(30, 4), rng=np.random.default_rng(9)) for _ in range(2))
    assert first == second


def test_it_has_no_kappa_without_variation_and_no_sensitivity_without_failures() -> None:
    report = judge_report([0, 0, 0], [0, 0, 0], [0.5, 0.5, 1.0], rng=np.random.default_rng(1))
    assert (report.kappa, report.kappa_ipw, report.kappa_ipw_interval, report.tier) == (None, None, None, None)
    assert (report.sensitivity_ipw, report.specificity_ipw, report.agreement) == (None, 1.0, 1.0)
    assert (report.n, report.failures, report.reason) == (3, 0, "no_variation")
    nothing = judge_report([], [])
    assert (nothing.agreement, nothing.kappa_ipw, nothing.ac1, nothing.reason) == (None, None, None, "no_items")


def test_it_gives_no_interval_where_most_resamples_have_no_variation() -> None:
    report = judge_report([0] * 30 + [1], [0] * 30 + [1], rng=np.random.default_rng(1))
    assert report.kappa_ipw == 1.0
    assert (report.kappa_ipw_interval, report.provisional) == (None, True)


@pytest.mark.parametrize("rates", [[0.5], [0.5, 0.0], [0.5, 1.2]])
def test_it_refuses_probabilities_that_cannot_be_inverted(rates: list[float]) -> None:
    with pytest.raises(ValueError, match="inclusion probability"):
        judge_report([0, 1], [0, 1], rates)


def test_it_refuses_a_code_that_is_neither_pass_nor_fail() -> None:
    with pytest.raises(ValueError, match="not a category"):
        judge_report([0, 2], [0, 1])


def test_it_averages_f1_over_the_categories_in_use() -> None:
    table = weighted_table(list("aabb"), list("abbb"), list("abc"))
    assert macro_f1(table) == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert macro_f1(np.zeros((2, 2))) is None
    assert kappa_of(np.zeros((2, 2))) is None


def test_it_leaves_single_runs_out_of_self_consistency() -> None:
    assert self_consistency([[1], [1, 1, 0], []]) == self_consistency([[1, 1, 0]])
    nothing = self_consistency([[1], [0]])
    assert (nothing.outputs, nothing.mean_pairwise_agreement, nothing.alpha) == (0, None, None)
    assert nothing.reason == "no_pairable_units"
    same = self_consistency([["pass", "pass"], ["pass", "pass"]])
    assert (same.mean_pairwise_agreement, same.alpha, same.reason) == (1.0, None, "no_variation")


def test_it_counts_a_tie_as_a_flip_without_a_place() -> None:
    found = order_flips([("A", "tie"), ("A", "B"), ("tie", "tie"), ("B", "A")])
    assert (found.flips, found.prefers_first, found.prefers_second, found.p_two_sided) == (3, 1, 1, 1.0)
    nothing = order_flips([])
    assert (nothing.flip_rate, nothing.interval, nothing.p_two_sided, nothing.pairs) == (None, None, None, 0)
