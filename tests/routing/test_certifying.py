"""Certified thresholds: they keep their word, and say what is missing where they cannot."""

from typing import Any

import numpy as np
import pytest

from routing.policy.drafting import certified_thresholds, selection_as_json
from routing.policy.learning import GRID, choose_threshold, fit_calibrator, for_fitting, strata_of
from routing.policy.scopes import Logged
from tests.routing.documents import policy
from tests.routing.logs import logged

TARGET, LEVEL = 0.05, 0.9
WORLDS = 200
# An output of confidence v is wrong with probability (1 − v)², so what ships from τ up is wrong at (1 − τ)²/3.
LAXEST_TRUE = 1 - (3 * TARGET) ** 0.5


def a_world(rng: np.random.Generator, *, count: int = 1500, live_threshold: float | None) -> tuple[list[Logged], Any]:
    """Labelled outputs and their confidences. With a threshold in force, what ships has a verdict for one in two."""
    values = rng.uniform(size=count)
    wrong = rng.uniform(size=count) < (1 - values) ** 2
    inclusion = np.where(values >= (2.0 if live_threshold is None else live_threshold), 0.5, 1.0)
    seen = rng.uniform(size=count) < inclusion
    rows = [
        logged(number, acceptable=not bad if known else None, inclusion=float(chance))
        for number, (bad, known, chance) in enumerate(zip(wrong.tolist(), seen.tolist(), inclusion, strict=True))
    ]
    return rows, values.tolist()


def naive_threshold(rows: list[Logged], values: list[float]) -> float:
    """The laxest threshold whose observed error rate meets the target: what one must not do."""
    passing = []
    for threshold in GRID:
        above = [row for row, value in zip(rows, values, strict=True) if value >= threshold]
        labelled = [row for row in above if row.acceptable is not None]
        weights = sum(1 / row.inclusion_probability for row in labelled)
        errors = sum(1 / row.inclusion_probability for row in labelled if not row.acceptable)
        if labelled and errors <= TARGET * weights:
            passing.append(threshold)
    return min(passing)


@pytest.mark.parametrize("live_threshold", [None, 0.85], ids=["everything reviewed", "shipping from 0.85"])
def test_a_certified_threshold_keeps_its_target_in_nearly_all_worlds(live_threshold: float | None) -> None:
    rng = np.random.default_rng(4)
    chosen = []
    for _world in range(WORLDS):
        rows, values = a_world(rng, live_threshold=live_threshold)
        selection = choose_threshold(rows, values, max_error_rate=TARGET, level=LEVEL)
        assert selection is not None
        if selection.threshold is not None:
            assert selection.bound is not None
            assert selection.bound <= TARGET
            chosen.append(selection.threshold)
    # It is of use: it finds something nearly always, and not only the very strictest.
    assert len(chosen) > 0.9 * WORLDS
    assert LAXEST_TRUE < np.median(chosen) < LAXEST_TRUE + 0.15
    broken = sum(threshold < LAXEST_TRUE for threshold in chosen)
    assert broken <= (1 - LEVEL) * WORLDS


def test_the_observed_rate_would_not_have_kept_it() -> None:
    # Shows that the worlds above can tell a guarantee from none.
    rng = np.random.default_rng(5)
    naive = [naive_threshold(*a_world(rng, count=500, live_threshold=None)) for _world in range(30)]
    assert sum(threshold < LAXEST_TRUE for threshold in naive) > 0.3 * 30


@pytest.mark.parametrize(
    ("rows", "values"),
    [
        ([], []),
        ([logged(number) for number in range(1000)], [None] * 1000),
        ([logged(number) for number in range(1000)], [0.1] * 1000),
        ([logged(number) for number in range(20)], [0.99] * 20),
        ([logged(number, inclusion=0.001, acceptable=None) for number in range(1000)], [0.99] * 1000),
    ],
    ids=["nothing", "no confidence", "all doubtful", "too few", "hardly audited"],
)
def test_it_does_not_even_look_where_labels_cannot_suffice(rows: list[Logged], values: list[float | None]) -> None:
    assert choose_threshold(rows, values, max_error_rate=TARGET, level=LEVEL) is None


def test_it_says_what_is_missing_where_it_certifies_nothing() -> None:
    unlabelled = [logged(number, acceptable=None) for number in range(500)]
    hopeless = [logged(number, acceptable=number % 5 > 0) for number in range(500)]
    # 1 % of these could never be audited, so nothing can be said of any threshold that ships them.
    blind = [
        logged(number, inclusion=float(number % 100 > 0), acceptable=number % 100 > 0 or None) for number in range(500)
    ]
    reasons = {}
    for name, rows in {"unlabelled": unlabelled, "hopeless": hopeless, "blind": blind}.items():
        selection = choose_threshold(rows, [0.97] * 500, max_error_rate=TARGET, level=LEVEL)
        assert selection is not None
        assert selection.need_more is not None
        assert (selection.threshold, selection.bound) == (None, None)
        reasons[name] = (selection.need_more.reason, selection.need_more.hopeless)
    assert reasons == {
        "unlabelled": ("no_labels", False),
        "hopeless": ("observed_rate_at_or_above_target", True),
        "blind": ("unaudited_stratum", False),
    }


def test_it_shows_only_the_thresholds_it_tested() -> None:
    rows, values = a_world(np.random.default_rng(6), live_threshold=None)
    selection = choose_threshold(rows, values, max_error_rate=TARGET, level=LEVEL)
    assert selection is not None
    shown = selection_as_json(selection)
    assert 0 < len(shown["rows"]) < len(GRID)
    assert all(row["tested"] for row in shown["rows"])
    assert shown["threshold"] == selection.threshold
    # The thresholds run from strict to lax up to the first that fails.
    assert [row["passes"] for row in shown["rows"]][:-1] == [True] * (len(shown["rows"]) - 1)


def test_counts_by_inclusion_probability_add_up() -> None:
    pairs = [(1.0, True), (0.1, None), (1.0, False), (0.1, False), (0.1, True), (0.0, None), (1.0, None)]
    found = [(row.audit_rate, row.shipped, row.audited, row.errors) for row in strata_of(pairs)]
    assert found == [(None, 1, 0, 0), (0.1, 3, 2, 1), (1.0, 3, 2, 1)]


# Certified for a policy ----------------------------------------------------------------------------

TARGETS = {"undetected_error": 0.1, "level": 0.9}


def judged(count: int, rng: np.random.Generator, stakes: str, *, spoilt: float = 0.0) -> list[Logged]:
    """Outputs wrong with probability (1 − score)², and in a share `spoilt` whatever the score."""
    scores = rng.uniform(size=count)
    wrong = (rng.uniform(size=count) < (1 - scores) ** 2) | (rng.uniform(size=count) < spoilt)
    return [
        logged(
            number,
            evidence={"score:grounded": float(score)},
            acceptable=not bad,
            stakes=stakes,
            prompt=f"{stakes}{number}",
        )
        for number, (score, bad) in enumerate(zip(scores, wrong, strict=True))
    ]


def certify(rows: list[Logged], *tiers: str) -> tuple[dict[str, float], dict[str, Any]]:
    parameters = fit_calibrator([row for row in rows if for_fitting(row)]).parameters
    return certified_thresholds(rows, parameters, policy(targets=TARGETS), tiers)


def test_tiers_are_certified_each_on_its_own_outputs() -> None:
    rng = np.random.default_rng(15)
    chosen, basis = certify([*judged(1500, rng, "mid"), *judged(1500, rng, "low")], "mid", "low")
    assert set(chosen) == {"mid", "low"}
    for stakes in chosen:
        assert basis[stakes]["status"] == "certified"
        assert basis[stakes]["bound"] <= 0.1
        assert "together_with" not in basis[stakes]


@pytest.mark.parametrize("few", [0, 15])
def test_a_tier_of_few_verdicts_is_certified_together_with_the_next_higher_one(few: int) -> None:
    rng = np.random.default_rng(16)
    rows = [*judged(1500, rng, "mid"), *judged(few, rng, "low")]
    alone, _basis = certify(rows, "mid")
    chosen, basis = certify(rows, "low", "mid")
    assert chosen["mid"] == chosen["low"] >= alone["mid"]
    assert basis["low"]["status"] == "certified"
    assert basis["low"]["together_with"] == ["mid"]
    assert basis["low"]["labels"] == sum(not for_fitting(row) for row in rows if row.stakes == "low")
    # The common bound covers what both would ship.
    shipped = max(row["shipped"] for row in basis["low"]["rows"])
    assert shipped >= max(row["shipped"] for row in basis["mid"]["rows"])


def test_three_tiers_can_be_certified_together() -> None:
    rng = np.random.default_rng(17)
    chosen, basis = certify([*judged(1500, rng, "high"), *judged(8, rng, "mid")], "low", "mid", "high")
    assert len(set(chosen.values())) == 1
    assert basis["mid"]["together_with"] == ["high"]
    assert basis["low"]["together_with"] == ["high", "mid"]


def test_nothing_is_certified_together_with_what_failed() -> None:
    rng = np.random.default_rng(18)
    chosen, basis = certify([*judged(1500, rng, "mid", spoilt=0.4), *judged(5, rng, "low")], "mid", "low")
    assert chosen == {}
    assert basis["mid"]["status"] == "not_enough_evidence"
    assert basis["low"] == {"status": "too_few_labels", "labels": basis["low"]["labels"]}
