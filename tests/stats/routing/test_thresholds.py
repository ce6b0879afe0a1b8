"""The threshold a certificate can be given for."""

import math
from typing import Any

import numpy as np
import pytest

from routing.policy.error_rate import Stratum
from routing.policy.thresholds import Selection, select_threshold, starting_index
from tests.stats.fixtures import assert_matches, load_cases
from tests.stats.routing.selection import like


def _strata(shipped: list[int], audited: list[int], errors: list[int]) -> list[Stratum]:
    return [Stratum(*counts) for counts in zip(shipped, audited, errors, strict=True)]


@pytest.mark.parametrize("case", load_cases("threshold_selection"))
def test_fixture_threshold_selection(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    rows = zip(inputs["shipped"], inputs["audited"], inputs["errors"], strict=True)
    found = select_threshold(
        inputs["thresholds"],
        [_strata(*row) for row in rows],
        max_error_rate=inputs["max_error_rate"],
        delta=inputs["delta"],
        start=inputs["start_index"],
    )
    expected = case["expected"]
    assert ("need_more" in expected) == (found.need_more is not None)
    assert_matches(like(_as_fixture(found), expected), expected, case["tolerance"])


def _as_fixture(found: Selection) -> dict[str, Any]:
    names = ("threshold", "rate", "upper", "passes", "tested")
    need = found.need_more
    return {
        "rows": [{name: getattr(row, name) for name in names} for row in found.rows],
        "status": found.status,
        "threshold": found.threshold,
        "bound": found.bound,
        "need_more": need
        and {
            "at_threshold": need.at_threshold,
            "if_no_more_errors": need.if_no_more_errors,
            "at_observed_rate": need.at_observed_rate,
            "hopeless": need.hopeless,
            "reason": need.reason,
        },
    }


def _select(*strata: list[Stratum]) -> Selection:
    grid = [0.9 - 0.1 * index for index in range(len(strata))]
    return select_threshold(grid, strata, max_error_rate=0.02, delta=0.05, start=0)


def test_it_ignores_what_passes_only_before_the_start_or_after_a_failure() -> None:
    clean, dirty = [Stratum(2000, 500, 0)], [Stratum(2000, 500, 30)]
    found = select_threshold([0.9, 0.8, 0.7], [clean, dirty, clean], max_error_rate=0.02, delta=0.05, start=1)
    assert found.status == "not_enough_evidence"
    assert [row.tested for row in found.rows] == [False, True, False]
    assert [row.passes for row in found.rows] == [True, False, True]


@pytest.mark.parametrize(
    "strata", [[Stratum(90000, 1000, 15)], [Stratum(20000, 400, 7), Stratum(60000, 800, 11)]], ids=["one", "two"]
)
def test_it_names_a_number_of_labels_that_would_do_at_the_observed_rate(strata: list[Stratum]) -> None:
    need = _select(strata).need_more
    assert need is not None
    assert need.at_observed_rate is not None
    assert need.if_no_more_errors is not None
    assert not need.hopeless
    assert need.if_no_more_errors < need.at_observed_rate
    audited = sum(stratum.audited for stratum in strata)
    # Errors come whole: round them against the claim, up for too few labels and down for enough.
    for factor, whole, certified in ((0.9, math.ceil, False), (1.1, math.floor, True)):
        growth = 1.0 + factor * need.at_observed_rate / audited
        grown = [Stratum(s.shipped, round(s.audited * growth), whole(s.errors * growth)) for s in strata]
        assert (_select(grown).status == "certified") is certified


def test_it_says_which_labels_are_missing_when_a_stratum_has_none() -> None:
    need = _select([Stratum(100, 0, 0), Stratum(900, 400, 0)]).need_more
    assert need is not None
    assert (need.reason, need.if_no_more_errors, need.at_observed_rate) == ("unaudited_stratum", None, None)


def test_it_starts_where_earlier_traffic_promises_enough_labels() -> None:
    # A true rate of 0.5 % against a target of 2 % takes 386 labels (fixture audit_sample_size).
    assert starting_index([100.0, 385.9, 386.0, 900.0], max_error_rate=0.02, delta=0.05) == 2
    assert starting_index([100.0, 300.0], max_error_rate=0.02, delta=0.05) is None


@pytest.mark.parametrize(
    ("grid", "start"), [([0.8, 0.9], 0), ([0.9, 0.9], 0), ([0.9, 0.8], 2), ([0.9, 0.8], -1), ([0.9], 0)]
)
def test_it_refuses_a_grid_out_of_order_or_a_start_outside_it(grid: list[float], start: int) -> None:
    with pytest.raises(ValueError, match=r"strict to lax|within the grid"):
        select_threshold(grid, [[Stratum(10, 5, 0)]] * 2, max_error_rate=0.02, delta=0.05, start=start)


def test_it_rarely_recommends_a_threshold_above_the_target() -> None:
    # The true rate is exactly the target at 0.8 and above it at 0.7: any recommendation but 0.9 is a violation.
    rng = np.random.default_rng(7)
    violations = 0
    for _ in range(400):
        errors = np.cumsum(rng.binomial(800, (0.005, 0.035, 0.04)))
        rows = [[Stratum(800 * (i + 1), 800 * (i + 1), int(errors[i]))] for i in range(3)]
        found = _select(*rows)
        violations += found.threshold is not None and found.threshold < 0.85
    assert violations / 400 <= 0.05 + 2.5 * (0.05 * 0.95 / 400) ** 0.5
