"""Error rates behind the verdicts of imperfect reviewers."""

import numpy as np
import pytest

from routing.policy.error_rate import Stratum
from routing.policy.imperfect import GoldCounts, corrected_rate, rogan_gladen

GOOD = GoldCounts(caught=90, failures=100, passed=190, clean=200)


def test_it_undoes_what_missed_failures_and_false_alarms_do() -> None:
    for true in (0.0, 0.02, 0.3, 1.0):
        observed = true * 0.8 + (1.0 - true) * 0.05
        assert rogan_gladen(observed, 0.8, 0.95) == pytest.approx(true)
    assert rogan_gladen(0.01, 0.8, 0.95) == 0.0


def test_it_widens_the_bounds_by_what_gold_cases_leave_open() -> None:
    strata = [Stratum(4000, 500, 60), Stratum(1000, 200, 25)]
    precise = corrected_rate(strata, GoldCounts(9000, 10000, 9500, 10000))
    vague = corrected_rate(strata, GOOD)
    assert precise.rate is not None
    assert precise.rate == pytest.approx(vague.rate)
    assert precise.interval is not None
    assert vague.interval is not None
    assert vague.interval.low < precise.interval.low < precise.rate < precise.interval.high < vague.interval.high
    assert precise.upper is not None
    assert precise.upper < precise.interval.high


def test_it_changes_little_for_perfect_reviewers() -> None:
    found = corrected_rate([Stratum(4000, 500, 10)], GoldCounts(10**6, 10**6, 10**6, 10**6))
    assert found.rate == pytest.approx(found.observed)


@pytest.mark.parametrize(
    ("gold", "reason"),
    [
        (GoldCounts(0, 0, 10, 10), "gold failures"),
        (GoldCounts(5, 5, 0, 0), "gold failures"),
        (GoldCounts(20, 100, 70, 100), "no better than chance"),
    ],
)
def test_it_corrects_nothing_without_gold_cases_or_skill(gold: GoldCounts, reason: str) -> None:
    found = corrected_rate([Stratum(4000, 500, 10)], gold)
    assert (found.rate, found.interval, found.upper) == (None, None, None)
    assert found.observed == pytest.approx(0.02)
    assert reason in found.reason


def test_it_gives_an_estimate_without_bounds_from_very_few_gold_cases() -> None:
    found = corrected_rate([Stratum(4000, 500, 60)], GoldCounts(2, 3, 3, 3))
    assert found.rate is not None
    assert (found.interval, found.upper) == (None, None)
    assert "too few gold cases" in found.reason


def test_it_passes_on_why_the_observed_rate_cannot_be_estimated() -> None:
    found = corrected_rate([Stratum(4000, 0, 0)], GOOD)
    assert (found.observed, found.rate) == (None, None)
    assert "no audit verdict" in found.reason


def test_it_refuses_impossible_gold_counts() -> None:
    with pytest.raises(ValueError, match="caught <= failures"):
        GoldCounts(3, 2, 0, 0)
    with pytest.raises(ValueError, match="more than 1"):
        rogan_gladen(0.1, 0.5, 0.5)


def test_it_holds_the_true_rate() -> None:
    rng = np.random.default_rng(8)
    true, sensitivity, specificity = 0.04, 0.85, 0.97
    inside = below = 0
    for _ in range(400):
        flagged = rng.binomial(600, true * sensitivity + (1 - true) * (1 - specificity))
        caught, passed = rng.binomial(80, sensitivity), rng.binomial(80, specificity)
        found = corrected_rate([Stratum(6000, 600, int(flagged))], GoldCounts(int(caught), 80, int(passed), 80))
        assert found.interval is not None
        assert found.upper is not None
        inside += found.interval.low <= true <= found.interval.high
        below += true <= found.upper
    assert inside / 400 >= 0.95
    assert below / 400 >= 0.95
