"""The error rate of the shipped slice and the errors nobody saw."""

from typing import Any

import numpy as np
import pytest

from routing.policy.error_rate import Stratum, error_rate, fay_feuer_lower, fay_feuer_upper, undetected
from tests.stats.fixtures import assert_matches, load_cases


@pytest.mark.parametrize("case", load_cases("audit_error_rate"))
def test_fixture_audit_error_rate(case: dict[str, Any]) -> None:
    inputs = case["inputs"]
    columns = (inputs["shipped"], inputs["audited"], inputs["errors"], inputs["audit_rate"])
    found = error_rate([Stratum(*counts) for counts in zip(*columns, strict=True)], confidence=0.95)
    actual = {
        "horvitz_thompson": found.horvitz_thompson,
        "hajek": found.hajek,
        "poststratified": found.poststratified,
        "fay_feuer_upper95_one_sided": found.fay_feuer_upper,
        "fay_feuer_95_two_sided": found.fay_feuer_interval,
        "status": found.status,
        "expected_errors_still_unseen": found.expected_unseen,
        "per_stratum": [{"rate": row.rate, "upper95_one_sided": row.upper} for row in found.per_stratum],
    }
    assert_matches(actual, case["expected"], case["tolerance"])


def test_it_certifies_one_stratum_exactly_and_several_with_the_gamma_bound() -> None:
    one = error_rate([Stratum(3000, 300, 4), Stratum(0, 0, 0)])
    several = error_rate([Stratum(3000, 300, 4), Stratum(100, 50, 1)])
    assert one.upper == one.per_stratum[0].upper
    assert one.interval is not None
    assert one.fay_feuer_interval is not None
    assert one.interval.high < one.fay_feuer_interval.high
    assert (several.upper, several.interval) == (several.fay_feuer_upper, several.fay_feuer_interval)


def test_it_says_why_nothing_can_be_estimated_and_from_how_much() -> None:
    found = error_rate([Stratum(100, 0, 0), Stratum(40, 0, 0), Stratum(3000, 310, 2)])
    assert (found.status, found.audited, found.errors) == ("unaudited_stratum", 310, 2)
    assert found.reason == "2 strata with 140 shipped outputs have no audit verdict"
    assert (found.poststratified, found.upper, found.interval, found.expected_unseen) == (None, None, None, None)
    nothing = error_rate([Stratum(0, 0, 0)])
    assert (nothing.status, nothing.reason, nothing.poststratified) == ("nothing_shipped", "nothing shipped", None)


def test_it_leaves_design_based_estimates_out_where_a_rate_is_unknown() -> None:
    found = error_rate([Stratum(100, 10, 1, audit_rate=0.1), Stratum(100, 10, 1)])
    assert (found.horvitz_thompson, found.hajek) == (None, None)
    assert found.poststratified == pytest.approx(0.1)


@pytest.mark.parametrize(
    "counts",
    [(10, 11, 0), (10, 5, 6), (10, 5, -1), (10, 5, 1, 0.0), (10, 5, 1, 1.5)],
    ids=["more audited than shipped", "more errors than audited", "negative", "rate zero", "rate above one"],
)
def test_it_refuses_impossible_strata(counts: Any) -> None:
    with pytest.raises(ValueError, match="Stratum"):
        Stratum(*counts)


def test_it_bounds_a_fully_wrong_sample_by_one() -> None:
    strata = [Stratum(10, 3, 3), Stratum(10, 2, 2)]
    assert fay_feuer_upper(strata, 0.95) == 1.0
    assert 0.0 < fay_feuer_lower(strata, 0.95) < 1.0


def test_it_counts_only_outputs_without_a_verdict_as_undetected() -> None:
    found = undetected([Stratum(1000, 100, 5), Stratum(500, 500, 9)], outputs=2000)
    assert found.expected == pytest.approx(45.0)
    assert found.rate == pytest.approx(45.0 / 2000)
    assert found.interval is not None
    assert found.low is not None
    assert found.high is not None
    assert found.low < 45 < found.high
    assert found.interval == (found.low / 2000, found.high / 2000)
    assert (found.shipped, found.audited, found.errors) == (1500, 600, 14)


def test_it_knows_that_nothing_is_undetected_when_all_was_audited_or_nothing_shipped() -> None:
    for strata in ([Stratum(500, 500, 9)], []):
        found = undetected(strata, outputs=800)
        assert (found.status, found.expected, found.low, found.high) == ("ok", 0.0, 0, 0)


def test_it_does_not_call_an_unaudited_batch_free_of_errors() -> None:
    found = undetected([Stratum(50, 0, 0), Stratum(500, 50, 0)], outputs=800)
    assert (found.status, found.expected, found.rate, found.interval) == ("unaudited_stratum", None, None, None)
    assert "50 shipped" in found.reason
    empty = undetected([], outputs=0)
    assert (empty.rate, empty.reason) == (None, "no outputs")


def test_it_refuses_more_shipped_than_outputs() -> None:
    with pytest.raises(ValueError, match="20 shipped of only 10"):
        undetected([Stratum(20, 5, 0)], outputs=10)


def test_it_inverts_the_binomial_exactly_in_one_stratum() -> None:
    # k of the k + D errors were audited, each with probability n/N: the bounds are the extreme D not rejected.
    from scipy.stats import binom

    k, n, total = 6, 150, 1000
    found = undetected([Stratum(total, n, k)], outputs=total)
    unseen = np.arange(total - n + 1)
    not_rejected_high = unseen[binom.cdf(k, k + unseen, n / total) > 0.025]
    not_rejected_low = unseen[binom.sf(k - 1, k + unseen, n / total) >= 0.025]
    assert (found.low, found.high) == (not_rejected_low.min(), not_rejected_high.max())


@pytest.mark.parametrize(
    ("shipped", "audit_rates", "error_rates"),
    [
        ((1500,), (0.06,), (0.02,)),
        ((3000, 1500), (0.05, 0.05), (0.01, 0.05)),
        ((600, 2000, 4000), (0.3, 0.08, 0.03), (0.03, 0.06, 0.02)),
    ],
    ids=["one stratum", "two equal rates", "three unequal rates"],
)
def test_it_holds_the_realised_number_of_undetected_errors(
    shipped: tuple[int, ...], audit_rates: tuple[float, ...], error_rates: tuple[float, ...]
) -> None:
    rng = np.random.default_rng(20261)
    held = 0
    batches = 500
    for _ in range(batches):
        wrong = rng.binomial(shipped, error_rates)
        seen_wrong = rng.binomial(wrong, audit_rates)
        seen_right = rng.binomial(np.array(shipped) - wrong, audit_rates)
        counts = zip(shipped, seen_wrong + seen_right, seen_wrong, strict=True)
        found = undetected([Stratum(int(n), int(a), int(k)) for n, a, k in counts], outputs=2 * sum(shipped))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= wrong.sum() - seen_wrong.sum() <= found.high
    # 95 % less two and a half standard errors of 500 batches.
    assert held / batches >= 0.95 - 2.5 * (0.95 * 0.05 / batches) ** 0.5
