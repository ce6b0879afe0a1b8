"""Drift of the traffic."""

from typing import Any

import numpy as np
import pytest

from routing.policy.drift import distribution_drift, mix_drift
from tests.stats.fixtures import assert_matches, load_cases


@pytest.mark.parametrize("case", load_cases("drift"))
def test_fixture_drift(case: dict[str, Any]) -> None:
    reference, live = case["inputs"]["reference"], case["inputs"]["live"]
    if "psi" in case["expected"]:
        mix = mix_drift(reference, live)
        actual = {
            "psi": mix.psi,
            "psi_chi2_statistic": mix.psi_statistic,
            "psi_df": mix.df,
            "psi_p_value": mix.psi_p_value,
            "js_divergence_bits": mix.js_divergence,
            "js_distance_base2": mix.js_distance,
            "chi2": mix.chi2,
            "chi2_p_value": mix.chi2_p_value,
        }
    else:
        found = distribution_drift(reference, live)
        actual = {"statistic": found.statistic, "p_value_asymptotic": found.p_value}
    assert_matches(actual, case["expected"], case["tolerance"])


@pytest.mark.parametrize(
    ("reference", "live", "reason"),
    [
        ([10, 20], [0, 0], "no outputs on one side"),
        ([], [], "no outputs on one side"),
        ([10, 0], [7, 0], "all outputs in one bin"),
    ],
)
def test_it_has_no_drift_where_there_is_nothing_to_compare(reference: Any, live: Any, reason: str) -> None:
    found = mix_drift(reference, live)
    assert (found.psi, found.psi_p_value, found.js_divergence, found.chi2, found.reason) == (*(None,) * 4, reason)
    assert (found.reference_n, found.live_n) == (sum(reference), sum(live))


def test_it_is_not_changed_by_a_bin_that_nobody_uses() -> None:
    assert mix_drift([40, 30, 0, 9], [20, 30, 0, 4]) == mix_drift([40, 30, 9], [20, 30, 4])


def test_it_finds_no_distance_between_equal_mixes_and_a_whole_bit_between_disjoint_ones() -> None:
    assert mix_drift([40, 30], [40, 30]).js_divergence == 0.0
    assert mix_drift([40, 0], [0, 30]).js_divergence == pytest.approx(1.0)


def test_it_alarms_as_often_as_its_p_value_says_without_drift() -> None:
    rng = np.random.default_rng(2)
    mix = [0.4, 0.3, 0.2, 0.1]
    drifts = [mix_drift(rng.multinomial(1000, mix), rng.multinomial(200, mix)) for _ in range(1000)]
    alarms = sum(drift.psi_p_value is not None and drift.psi_p_value < 0.05 for drift in drifts)
    assert 20 <= alarms <= 80


def test_it_needs_two_samples_of_numbers() -> None:
    empty = distribution_drift([], [0.5])
    assert (empty.statistic, empty.p_value, empty.reference_n, empty.live_n) == (None, None, 0, 1)
    assert empty.reason == "no outputs on one side"
    with pytest.raises(ValueError, match="NaN"):
        distribution_drift([0.1, float("nan")], [0.5])
    with pytest.raises(ValueError, match="counts"):
        mix_drift([1, 2], [1, 2, 3])
    with pytest.raises(ValueError, match="counts"):
        mix_drift([1, -2], [1, 2])
