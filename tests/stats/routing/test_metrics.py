"""How good predicted probabilities are."""

import math

import numpy as np
import pytest

from labeling.stats.intervals import wilson
from routing.policy.metrics import auc, brier, effective_n, equal_mass_bins, equal_width_bins, log_loss, quality

RNG = np.random.default_rng(12)
P = RNG.random(200)
Y = (RNG.random(200) < P).astype(int)
REPEATS = RNG.integers(1, 5, 200)


def test_it_counts_a_weight_of_three_like_three_outputs() -> None:
    repeated = (np.repeat(P, REPEATS), np.repeat(Y, REPEATS))
    assert brier(P, Y, REPEATS) == pytest.approx(brier(*repeated))
    assert log_loss(P, Y, REPEATS) == pytest.approx(log_loss(*repeated))
    assert auc(P, Y, REPEATS).value == pytest.approx(auc(*repeated).value)
    for bins in (equal_width_bins, equal_mass_bins):
        weighted, plain = bins(P, Y, REPEATS), bins(*repeated)
        assert weighted.ece == pytest.approx(plain.ece)
        assert [row.observed for row in weighted.bins] == pytest.approx([row.observed for row in plain.bins])
        # The estimate is the same, the evidence is not: three copies of an output say no more than one.
        pairs = zip(weighted.bins, plain.bins, strict=True)
        assert all(w.interval.high - w.interval.low > p.interval.high - p.interval.low for w, p in pairs)


def test_it_does_not_care_about_the_scale_of_the_weights() -> None:
    small, large = quality(P, Y, REPEATS / 1000.0), quality(P, Y, REPEATS * 1000.0)
    assert small.effective_n == pytest.approx(large.effective_n)
    assert (small.brier, small.equal_mass.ece) == pytest.approx((large.brier, large.equal_mass.ece))
    assert small.auc.lower == pytest.approx(large.auc.lower)
    assert effective_n([1.0] * 7) == pytest.approx(7.0)


def test_it_gives_each_bin_the_wilson_interval_of_its_counts() -> None:
    for row in equal_width_bins(P, Y).bins:
        assert row.interval == pytest.approx(wilson(round(row.observed * row.n), row.n), abs=1e-12)


def test_it_puts_zero_into_the_first_bin_and_edges_into_the_lower_one() -> None:
    found = equal_width_bins([0.0, 0.1, 0.1000001, 1.0], [0, 1, 0, 1])
    assert [(row.low, row.n) for row in found.bins] == [(0.0, 2), (pytest.approx(0.1), 1), (0.9, 1)]


def test_it_never_tears_equal_predictions_apart() -> None:
    found = equal_mass_bins([0.9] * 70 + [0.2] * 30, [1, 0] * 50)
    assert [(row.low, row.high, row.n) for row in found.bins] == [(0.2, 0.2, 30), (0.9, 0.9, 70)]
    assert sum(row.weight for row in found.bins) == pytest.approx(1.0)


def test_it_keeps_the_loss_of_a_certain_mistake_finite() -> None:
    worst = log_loss([0.0, 1.0], [1, 0])
    assert worst is not None
    assert 30.0 < worst < math.inf


def test_it_has_no_figures_without_labels() -> None:
    found = quality([], [])
    assert (found.n, found.reason) == (0, "no labels")
    assert (found.brier, found.log_loss, found.equal_width.ece, found.equal_mass.mce) == (None, None, None, None)
    assert (found.auc.value, found.auc.lower) == (None, None)


def test_it_has_no_rank_order_with_a_single_class() -> None:
    found = auc([0.2, 0.8, 0.9], [1, 1, 1])
    assert (found.value, found.lower, found.positives, found.negatives) == (None, None, 3, 0)
    assert "needs acceptable and unacceptable" in found.reason


def test_it_counts_ties_as_half_a_win() -> None:
    assert auc([0.5, 0.5, 0.5], [0, 1, 0]).value == 0.5
    assert auc([0.1, 0.5, 0.5, 0.9], [0, 0, 1, 1]).value == pytest.approx(3.5 / 4)


def test_it_claims_no_perfect_rank_order_from_a_few_outputs() -> None:
    few = auc([0.1] * 5 + [0.9] * 5, [0] * 5 + [1] * 5)
    many = auc([0.1] * 500 + [0.9] * 500, [0] * 500 + [1] * 500)
    assert few.value == many.value == 1.0
    assert few.lower is not None
    assert many.lower is not None
    assert few.lower < 0.9 < many.lower < 1.0
    assert auc([0.9, 0.1], [0, 1]).lower == 0.0


def test_it_bounds_the_area_from_below_nineteen_times_in_twenty() -> None:
    rng = np.random.default_rng(6)
    # P(N(1, 1) > N(0, 1)) = Φ(1/√2).
    true = 0.5 * (1.0 + math.erf(0.5))
    held = 0
    for _ in range(400):
        scores = np.concatenate([rng.normal(0.0, 1.0, 60), rng.normal(1.0, 1.0, 60)])
        lower = auc(scores, [0] * 60 + [1] * 60).lower
        assert lower is not None
        held += lower <= true
    assert held / 400 >= 0.95 - 2.5 * (0.05 * 0.95 / 400) ** 0.5


@pytest.mark.parametrize(
    ("p", "y", "w"),
    [([0.5], [2], None), ([0.5, 0.5], [1], None), ([float("nan")], [1], None), ([0.5], [1], [0.0])],
    ids=["outcome", "lengths", "nan", "weight"],
)
def test_it_refuses_input_that_cannot_be_scored(p: list[float], y: list[int], w: list[float] | None) -> None:
    with pytest.raises(ValueError, match=r"must be|per output"):
        brier(p, y, w)
