"""What verdicts teach: calibrators that know how labels came about, and thresholds that keep their word."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from routing.policy.document import PolicyDocument
from routing.policy.learning import (
    GRID,
    MIN_INTENT_LABELS,
    Logged,
    choose_threshold,
    confidences,
    fit_calibrator,
    fold_of,
    for_fitting,
    selection_as_json,
    strata_of,
    threshold_for_share,
    with_thresholds,
)
from tests.routing.documents import SAMPLED, policy, ships_from


def logged(
    number: int,
    *,
    acceptable: bool | None = True,
    evidence: dict[str, float | None] | None = None,
    inclusion: float = 1.0,
    intent: str = "billing",
    prompt: str = "",
) -> Logged:
    return Logged(
        intent=intent,
        stakes="mid",
        evidence={"score:grounded": 0.8} if evidence is None else evidence,
        inclusion_probability=inclusion,
        acceptable=acceptable,
        prompt=prompt or f"prompt {number}",
    )


def noisy_rows(count: int, rng: np.random.Generator, *, key: str = "score:grounded", **fields: Any) -> list[Logged]:
    """Outputs that are acceptable with exactly the probability their one signal says."""
    scores = rng.uniform(size=count)
    good = rng.uniform(size=count) < scores
    return [
        logged(number, evidence={key: float(score)}, acceptable=bool(ok), **fields)
        for number, (score, ok) in enumerate(zip(scores, good, strict=True))
    ]


# Folds ---------------------------------------------------------------------------------------------


def test_the_rows_of_a_prompt_stay_on_one_side() -> None:
    first = [logged(number, prompt=f"prompt {number % 40}") for number in range(400)]
    again = [logged(number, prompt=f"prompt {number % 40}", acceptable=None, intent="other") for number in range(400)]
    assert [for_fitting(row) for row in first] == [for_fitting(row) for row in again]
    assert len({(row.prompt, fold_of(row.prompt, 5)) for row in first}) == 40


def test_six_in_ten_prompts_fit_and_the_folds_are_of_one_size() -> None:
    prompts = [f"prompt {number}" for number in range(5000)]
    fitting = sum(for_fitting(logged(0, prompt=prompt)) for prompt in prompts)
    assert abs(fitting / 5000 - 0.6) < 0.03
    sizes = np.bincount([fold_of(prompt, 5) for prompt in prompts])
    assert abs(sizes / 5000 - 0.2).max() < 0.03


# Calibrators ---------------------------------------------------------------------------------------


def test_an_intent_gets_a_model_of_its_own_from_enough_labels() -> None:
    rng = np.random.default_rng(1)
    rows = [
        *noisy_rows(MIN_INTENT_LABELS, rng, intent="billing"),
        *noisy_rows(MIN_INTENT_LABELS - 1, rng, intent="refund"),
        *noisy_rows(20, rng, intent="refund", key="judge:strict"),
    ]
    fitted = fit_calibrator(rows)
    assert set(fitted.parameters["cells"]) == {"*|score:grounded", "billing|score:grounded"}
    assert fitted.labels_by_cell == {"*|judge:strict": 20, "*|score:grounded": 199, "billing|score:grounded": 100}
    assert fitted.skipped == {"*|judge:strict": "fewer than 50 labels"}
    assert fitted.labels == 219


def test_it_learns_what_the_signals_are_worth() -> None:
    rng = np.random.default_rng(2)
    rows = noisy_rows(600, rng)
    fitted = fit_calibrator(rows)
    low, high = confidences(
        fitted.parameters, [logged(0, evidence={"score:grounded": 0.1}), logged(0, evidence={"score:grounded": 0.9})]
    )
    assert low == pytest.approx(0.1, abs=0.06)
    assert high == pytest.approx(0.9, abs=0.06)
    # The best there is scores E[s(1 − s)] = 1/6 on scores that are uniform.
    assert fitted.quality.brier == pytest.approx(1 / 6, abs=0.02)
    assert fitted.quality.n == 600


def test_it_weighs_each_label_by_what_it_stands_for() -> None:
    # Half of the 100 reviewed outputs are wrong; the 100 audited ones stand for a thousand, all good.
    reviewed = [logged(number, acceptable=number % 2 == 0) for number in range(100)]
    audited = [logged(100 + number, inclusion=0.1) for number in range(100)]
    unseen = [logged(200 + number, inclusion=0.1, acceptable=None) for number in range(900)]
    cell = fit_calibrator([*reviewed, *audited, *unseen]).parameters["cells"]["*|score:grounded"]
    assert cell["kind"] == "constant"
    assert cell["value"] == pytest.approx(1050 / 1100, abs=0.01)


def test_a_label_that_had_no_chance_to_be_drawn_is_not_used() -> None:
    rows = noisy_rows(80, np.random.default_rng(3))
    handpicked = [logged(number, inclusion=0.0, acceptable=False) for number in range(500)]
    assert fit_calibrator([*rows, *handpicked]) == fit_calibrator(rows)


@pytest.mark.parametrize(
    ("rows", "skipped"),
    [
        ([], {}),
        ([logged(number, acceptable=None) for number in range(200)], {}),
        ([logged(number, evidence={}) for number in range(200)], {}),
        ([logged(number, evidence={"a": None}) for number in range(200)], {}),
        ([logged(number) for number in range(49)], {"*|score:grounded": "fewer than 50 labels"}),
        ([logged(number) for number in range(99)], {"*|score:grounded": "all labels are the same"}),
    ],
    ids=["nothing", "no verdicts", "no signals", "silent signals", "few", "all good"],
)
def test_it_fits_nothing_where_there_is_nothing_to_learn(rows: list[Logged], skipped: dict[str, str]) -> None:
    fitted = fit_calibrator(rows)
    assert fitted.parameters == {"cells": {}}
    assert fitted.skipped == skipped
    assert fitted.quality.brier is None
    assert fitted.quality.n == 0
    assert fitted.quality.reason


# Certified thresholds ------------------------------------------------------------------------------

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


# Thresholds for a budget ---------------------------------------------------------------------------


def reviewed_at(values: list[float | None], threshold: float) -> int:
    return sum(value is None or value < threshold for value in values)


@pytest.mark.parametrize(
    ("values", "share", "expected"),
    [
        ([0.1, 0.2, 0.3, 0.4], 0.5, 0.3),
        ([0.1, 0.2, 0.3, 0.4], 0.0, 0.1),
        ([0.1, 0.2, 0.3, 0.4], 0.49, 0.2),
        ([0.1, 0.2, 0.3, 0.4], 1.0, 1.0),
        # Ties go to the side that costs less than the budget.
        ([0.5, 0.5, 0.5, 0.9], 0.5, 0.5),
        ([0.5, 0.5, 0.5, 0.9], 0.75, 0.9),
        # Outputs without a confidence are reviewed anyway and use the budget first.
        ([None, 0.2, 0.3, 0.4], 0.5, 0.3),
        ([None, None, 0.3, 0.4], 0.5, 0.3),
        ([None, None, None, 0.4], 0.5, 0.0),
        ([None, None], 0.5, 0.0),
        ([], 0.5, 1.0),
        # 0.29 · 100 is 28.999999999999996 in floating point.
        ([number / 100 for number in range(100)], 0.29, 0.29),
    ],
)
def test_a_budget_becomes_a_threshold(values: list[float | None], share: float, expected: float) -> None:
    assert threshold_for_share(values, share) == expected


@given(
    values=st.lists(st.none() | st.sampled_from([0.0, 0.2, 0.5, 0.5000001, 0.9, 1.0]), min_size=1, max_size=30),
    share=st.integers(0, 100).map(lambda percent: percent / 100),
)
def test_it_spends_the_budget_as_far_as_ties_allow_and_never_more(values: list[float | None], share: float) -> None:
    threshold = threshold_for_share(values, share)
    allowed = round(share * len(values) * 100) // 100
    unknown = values.count(None)
    assert reviewed_at(values, threshold) <= max(allowed, unknown)
    stricter = [value for value in values if value is not None and value > threshold]
    if stricter and unknown <= allowed:
        assert reviewed_at(values, min(stricter)) > allowed


# Drafts --------------------------------------------------------------------------------------------


def test_a_draft_changes_the_tiers_named_and_nothing_else() -> None:
    before = policy(
        mid={"mode": "always", "raters": 2, "sla_minutes": 90},
        low=ships_from(0.7, audit_rate=0.2),
        intents={"refund": {"mid": SAMPLED}},
        gold_rate=0.2,
        required_signals=["judge:strict"],
    )
    draft = PolicyDocument.model_validate(with_thresholds(before, {"mid": 0.9, "low": 0.8}, audit_rate=0.05))
    assert draft.tiers.high == before.tiers.high
    assert draft.tiers.mid.model_dump() == before.tiers.mid.model_dump() | {
        "mode": "below_threshold",
        "threshold": 0.9,
        "audit_rate": 0.05,
    }
    # A tier that ships already keeps the audit rate its owner gave it.
    assert (draft.tiers.low.threshold, draft.tiers.low.audit_rate) == (0.8, 0.2)
    assert draft.intents == before.intents
    assert draft.model_copy(update={"tiers": before.tiers}) == before


def test_a_draft_without_thresholds_is_the_policy_itself() -> None:
    before = policy(mid=SAMPLED)
    assert PolicyDocument.model_validate(with_thresholds(before, {}, audit_rate=0.5)) == before
