"""All coefficients side by side: the same numbers as one by one, with intervals of items drawn anew."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from labeling.stats import disagreement
from labeling.stats.bootstrap import resampled_alphas
from labeling.stats.coefficients import coefficients
from labeling.stats.disagreement import Level, fold_patterns, weighted_alphas
from labeling.stats.gwet import gwet
from labeling.stats.kappa import cohen_kappa, fleiss_kappa
from labeling.stats.units import UnitRatings


def crossed(rows: list[list[Any]], domain: list[Any]) -> tuple[UnitRatings, Any]:
    """Units from an items × raters table, None where nobody rated; and who gave each rating."""
    raters = np.asarray([rater for row in rows for rater, value in enumerate(row) if value is not None], dtype=np.intp)
    return UnitRatings.from_lists(rows, domain), raters


def some_rows(items: int = 60, raters: int = 3, values: int = 4, missing: float = 0.0) -> list[list[Any]]:
    rng = np.random.default_rng(7)
    truth = rng.integers(values, size=items)
    noisy = np.clip(truth[:, None] + rng.integers(-1, 2, size=(items, raters)), 0, values - 1)
    return [[None if rng.random() < missing else int(value) for value in row] for row in noisy]


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_it_equals_each_coefficient_by_itself(level: Level) -> None:
    rows, domain = some_rows(), [0, 1, 2, 3]
    units, raters = crossed(rows, domain)
    found = coefficients(units, raters, level, rng=np.random.default_rng(0), resamples=50)
    weighting = "quadratic" if level == "ordinal" else "unweighted"
    assert found.fleiss.value == pytest.approx(fleiss_kappa(units.counts()).kappa)
    assert found.percent.value == pytest.approx(fleiss_kappa(units.counts()).percent_agreement)
    assert found.ac1.value == pytest.approx(gwet(units).coefficient)
    if level == "ordinal":
        assert found.ac2 is not None
        assert found.ac2.value == pytest.approx(gwet(units, "quadratic").coefficient)
    else:
        assert found.ac2 is None
    columns = list(zip(*rows, strict=True))
    for pair in found.pairs:
        alone = cohen_kappa(columns[pair.first], columns[pair.second], domain, weighting)
        assert pair.kappa.value == pytest.approx(alone.kappa)
        assert pair.percent == pytest.approx(alone.percent_agreement)
    kappas = [pair.kappa.value for pair in found.pairs if pair.kappa.value is not None]
    assert found.mean_kappa.value == pytest.approx(sum(kappas) / 3)


def test_its_intervals_are_those_of_items_drawn_anew() -> None:
    rows = some_rows(items=80, missing=0.2)
    units, raters = crossed(rows, [0, 1, 2, 3])
    found = coefficients(units, raters, "ordinal", rng=np.random.default_rng(1), resamples=800)
    rng, slow = np.random.default_rng(2), []
    for _resample in range(300):
        drawn = [rows[item] for item in rng.integers(len(rows), size=len(rows))]
        slow.append(gwet(UnitRatings.from_lists(drawn, [0, 1, 2, 3]), "quadratic").coefficient)
    low, high = np.quantile(slow, [0.025, 0.975])
    assert found.ac2 is not None
    assert found.ac2.low == pytest.approx(low, abs=0.03)
    assert found.ac2.high == pytest.approx(high, abs=0.03)
    for figure in (found.percent, found.ac1, found.ac2, found.mean_kappa):
        assert figure.low is not None
        assert figure.value is not None
        assert figure.high is not None
        assert figure.low < figure.value < figure.high


def test_pairs_that_share_nothing_are_undefined_and_not_zero() -> None:
    rows: list[list[Any]] = [[1, 0, None]] * 6 + [[0, 0, None]] * 6 + [[None, 1, 1]] * 3
    units, raters = crossed(rows, [0, 1])
    found = coefficients(units, raters, "nominal", rng=np.random.default_rng(0), resamples=20)
    by_pair = {(pair.first, pair.second): pair.kappa for pair in found.pairs}
    assert (by_pair[0, 2].value, by_pair[0, 2].reason, by_pair[0, 2].n) == (None, "no_shared_items", 0)
    assert (by_pair[1, 2].value, by_pair[1, 2].reason, by_pair[1, 2].n) == (None, "too_few_shared", 3)
    assert by_pair[0, 1].n == 12


def test_what_cannot_be_computed_says_why() -> None:
    units, raters = crossed([[1, 1], [1, 1]] * 6, [0, 1])
    same = coefficients(units, raters, "nominal", rng=np.random.default_rng(0), resamples=20)
    assert (same.fleiss.reason, same.mean_kappa.reason, same.percent.value) == ("no_variation", "no_variation", 1.0)
    units, raters = crossed([[1], [0]], [0, 1])
    alone = coefficients(units, raters, "nominal", rng=np.random.default_rng(0), resamples=20)
    assert {alone.percent.reason, alone.fleiss.reason, alone.ac1.reason} == {"no_pairable_units"}
    assert alone.mean_kappa.reason == "no_pair"
    units, raters = crossed([[1.5, 2.5], [3.5, 3.5]], [1.5, 2.5, 3.5])
    numbers = coefficients(units, raters, "interval", rng=np.random.default_rng(0), resamples=20)
    assert (numbers.percent.value, numbers.ac1.reason, numbers.mean_kappa.reason) == (0.5, *["measures_numbers"] * 2)


def test_unequal_numbers_of_raters_leave_fleiss_undefined() -> None:
    units, raters = crossed([[1, 0, None], [1, 1, 0], [0, 0, 1]], [0, 1])
    found = coefficients(units, raters, "nominal", rng=np.random.default_rng(0), resamples=20)
    assert (found.fleiss.value, found.fleiss.reason) == (None, "unequal_raters")


@pytest.mark.parametrize("level", ["nominal", "ordinal"])
def test_single_precision_changes_alpha_by_less_than_a_hundred_thousandth(
    level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = some_rows(items=400, raters=6, values=101, missing=0.3)
    units, _raters = crossed(rows, list(range(101)))
    rng = np.random.default_rng(3)
    exact = fold_patterns(units, level)
    weights = rng.multinomial(exact.units, exact.frequencies / exact.units, size=30)
    monkeypatch.setattr(disagreement, "SINGLE_ABOVE_CELLS", 0)
    rough = fold_patterns(units, level, rough=True)
    assert (exact.features.dtype.name, rough.features.dtype.name) == ("float64", "float32")
    assert np.allclose(weighted_alphas(exact, weights), weighted_alphas(rough, weights), atol=1e-5, rtol=0)


def test_rows_that_share_a_mark_by_chance_are_not_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    class Blind:
        def random(self, size: int) -> Any:
            return np.zeros(size)

    rows = some_rows(items=30)
    units, _raters = crossed(rows, [0, 1, 2, 3])
    before, _drawn = resampled_alphas(units, "ordinal", rng=np.random.default_rng(0), resamples=1)
    monkeypatch.setattr(disagreement.np.random, "default_rng", lambda seed: Blind())
    patterns = fold_patterns(units, "ordinal")
    assert len(patterns.sizes) == 30
    assert weighted_alphas(patterns, patterns.frequencies[None, :])[0] == pytest.approx(before.alpha)


@pytest.mark.needs_data
def test_in_the_ring_of_translators_pairs_that_never_met_have_no_kappa(review_data: Path) -> None:
    lines = (review_data / "wmt_ende.jsonl").read_text().splitlines()
    said: dict[tuple[str, str], int] = {}
    for row in map(json.loads, lines):
        for rating in row["ratings"]:
            if rating["criterion"] == "accuracy":
                said[row["id"], rating["rater"]] = rating["value"]
    people = sorted({rater for _item, rater in said})
    items = sorted({item for item, _rater in said})
    rows = [[said.get((item, rater)) for rater in people] for item in items]
    units, raters = crossed(rows, [0, 1, 2])
    found = coefficients(units, raters, "ordinal", rng=np.random.default_rng(0), resamples=20)
    reasons = [pair.kappa.reason for pair in found.pairs]
    assert (len(reasons), reasons.count("no_shared_items")) == (45, 25)
    assert all(pair.kappa.value is None and pair.kappa.n == 0 for pair in found.pairs if pair.kappa.reason)
